"""The steps of one call: announced, timed, and told in a table at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .terminal import Terminal


@dataclass
class Steps:
    """`who` names this call to another one that has to wait for it."""

    terminal: Terminal
    who: str
    rows: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def timed(self, name: str, about: str = "") -> Iterator[None]:
        """Announce a step, and record how it went."""
        self.terminal.line(f"{name:<12} {about}".rstrip(), "bold")
        began = time.monotonic()
        outcome = "FAILED"
        try:
            yield
            outcome = "ok"
        finally:
            took = time.monotonic() - began
            self.rows.append((name, took, outcome))
            if outcome == "ok":
                self.terminal.line(f"{name:<12} {outcome} ({took:.1f} s)", "green")

    def unchanged(self, name: str) -> None:
        self.rows.append((name, 0.0, "unchanged"))

    def record(self, name: str, took: float, outcome: str) -> None:
        self.rows.append((name, took, outcome))

    def table(self) -> None:
        """What took how long."""
        width = max(len(name) for name, _, _ in self.rows)
        self.terminal.line()
        self.terminal.line(f"{'part':<{width}}  {'seconds':>8}  result", "bold")
        for name, took, outcome in self.rows:
            style = ("red",) if outcome.startswith("FAILED") else ()
            self.terminal.line(f"{name:<{width}}  {took:>8.1f}  {outcome}", *style)
        total = sum(took for _, took, _ in self.rows)
        minutes, seconds = divmod(round(total), 60)
        self.terminal.line(f"{'total':<{width}}  {total:>8.1f}  ({minutes}:{seconds:02})", "bold")
