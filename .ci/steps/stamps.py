"""Stamps: a step whose inputs have not changed since it last succeeded need not run again."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def digest(*inputs: Any) -> str:
    """One key for all of a step's inputs (anything JSON can say; a Path stands for its bytes)."""
    state = hashlib.sha256()
    for value in inputs:
        content = in_bytes(value)
        state.update(len(content).to_bytes(8, "big"))
        state.update(content)
    return state.hexdigest()


def in_bytes(value: Any) -> bytes:
    return value.read_bytes() if isinstance(value, Path) else json.dumps(value, sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Stamp:
    """Says that a step succeeded with these inputs, and what it left on the disk."""

    path: Path

    def holds(self, key: str) -> bool:
        """Whether the step ran with `key` and all that it made is still there, whole."""
        try:
            kept = json.loads(self.path.read_text())
            return kept["key"] == key and all(Path(name).stat().st_size == size for name, size in kept["made"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False  # no stamp, one cut short, or something it vouches for is gone

    def press(self, key: str, made: list[Path] | None = None) -> None:
        """Record a success. Written beside and renamed, so that a stamp is never half there."""
        sizes = {str(path): path.stat().st_size for path in made or []}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text(json.dumps({"key": key, "made": sizes}, indent=1) + "\n")
        beside.replace(self.path)

    def lift(self) -> None:
        """Before a step runs: if it is interrupted, its old stamp must not vouch for it."""
        self.path.unlink(missing_ok=True)
