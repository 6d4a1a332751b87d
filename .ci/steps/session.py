"""One call of make.py: what every target is given."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import variables
from .interpreter import Candidate
from .places import Places
from .prepare import Preparation
from .terminal import Terminal
from .timings import Steps
from .variables import Variables


@dataclass(frozen=True, slots=True)
class Session:
    """The tree, the chosen Python, the user's environment variables, and the terminal."""

    target: str
    places: Places
    python: Candidate
    environ: Mapping[str, str]
    terminal: Terminal
    steps: Steps

    def env(self, *, keep_keys: bool = False) -> Variables:
        return variables.clean(self.environ, self.places, keep_keys=keep_keys)

    @contextmanager
    def prepared(self, *, weights: bool = True) -> Iterator[None]:
        """The environment, up to date, and not changed by others while it is in use."""
        preparation = Preparation(self.places, self.python, self.env(), self.steps)
        try:
            preparation.run(weights=weights)
            yield
        finally:
            preparation.lock.release()

    def packages_key(self) -> str:
        """The key of what build/venv holds now."""
        return Preparation(self.places, self.python, self.env(), self.steps).packages_key()

    @property
    def in_ci(self) -> bool:
        """Whether this is continuous integration, where nobody reads on after a success."""
        return self.environ.get("CI", "").lower() not in ("", "0", "false")

    def lock(self, name: str) -> Path:
        return self.places.build / "locks" / name

    def has_display(self) -> bool:
        """Whether a browser could be opened for somebody who is watching."""
        if self.environ.get("CI") or not (self.terminal.interactive and sys.stdin.isatty()):
            return False
        if os.name == "nt" or sys.platform == "darwin":
            return not self.environ.get("SSH_CONNECTION")
        return bool(self.environ.get("DISPLAY") or self.environ.get("WAYLAND_DISPLAY"))
