"""What a broadcast came to: a mapping of names to results that shows itself as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..result import Result
from ..sinks import resolve
from ..usage import Usage, add_costs

__all__ = ["TeamResults", "summed"]


class TeamResults(dict[str, Result]):
    """Each member's `Result` by its name, in the order of the members; shown as a table.

    >>> TeamResults(coder=Result(text="Done."), critic=Result(text="Not yet."))
    coder   completed  Done.
    critic  completed  Not yet.
    """

    @property
    def ok(self) -> bool:
        """Whether every one of them ended without error, halt or stop."""
        return all(result.ok for result in self.values())

    @property
    def usage(self) -> Usage:
        """Of all of them."""
        return summed(self.values())[0]

    @property
    def cost(self) -> float | None:
        """Of all of them in US dollars, None where a price is not known."""
        return summed(self.values())[1]

    def __repr__(self) -> str:
        text: str = resolve("team_results_text")(self)
        return text

    def _ipython_display_(self) -> None:
        resolve("show_team_results")(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = resolve("team_results_bundle")(self)
        return bundle


def summed(results: Iterable[Result]) -> tuple[Usage, float | None]:
    """Usage and cost of results together."""
    usage, cost = Usage(), None
    for result in results:
        cost = add_costs(usage, cost, result.usage, result.cost)
        usage += result.usage
    return usage, cost
