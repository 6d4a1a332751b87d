"""What commands have set for the notebook's own agent; the options of a line come before it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from ..articles import a_kind
from ..errors import ConfigError
from ..options import Options, make_options
from ..plain import one_line
from ..setting_commands import policy_named
from ..tools.toolbox import collect_tools
from ..usage import Budget
from .names import find_approval, find_budget, find_tool

__all__ = ["Settings"]


class Settings:
    """Tools and a policy by their names, so that a function that is written anew is meant; a budget, which is spent.

    >>> settings = Settings()
    >>> settings.set_tools(["read"], {})
    >>> settings.options({})
    {'tools': ['read']}
    """

    def __init__(self) -> None:
        self.tools: tuple[str, ...] | None = None
        self.budget: Budget | None = None
        self._approval: str | None = None

    def options(self, names: Mapping[str, Any], but: Container[str] = ()) -> dict[str, Any]:
        """The options of a run, as far as they were set, `but` for some.

        Raises `ConfigError` for a name that is not there any more.
        """
        found: dict[str, Any] = {}
        try:
            if self.tools is not None and "tools" not in but:
                found["tools"] = [find_tool(name, names) for name in self.tools]
            if self._approval is not None and "approval" not in but:
                found["approval"] = find_approval(self._approval, names, "/approval")
        except ConfigError as error:
            raise ConfigError(
                f"what was set is not there any more: {error.message}",
                hint="`%alloy /tools NAMES` and `%alloy /approval POLICY` set others, `%alloy /config` tells all",
            ) from None
        if self.budget is not None and "budget" not in but:
            found["budget"] = self.budget
        return found

    @property
    def approval(self) -> str:
        """The policy's name, or that of the function."""
        return self._approval or str(Options().approval)

    def set_tools(self, tools: Sequence[str], names: Mapping[str, Any]) -> None:
        collect_tools([find_tool(name, names) for name in tools])
        self.tools = tuple(tools)

    def set_approval(self, name: str, names: Mapping[str, Any]) -> None:
        if name.partition(".")[0] not in names:
            policy_named(name, ", or the name of a function (call, ctx) -> bool")
        found = find_approval(name, names, "/approval")
        if not callable(found) and found != name:
            raise ConfigError(
                f"/approval: `{one_line(name, 40)}` is {a_kind(found)}",
                hint="give ask, auto, deny, or the name of a function (call, ctx) -> bool",
            )
        make_options({"approval": found})
        self._approval = name

    def set_budget(self, text: str | None, names: Mapping[str, Any]) -> None:
        self.budget = None if text is None else find_budget(text, names, "/budget")

    def by(self, name: str) -> str:
        """Where the value of a setting comes from."""
        given = {"tools": self.tools, "approval": self._approval, "budget": self.budget}[name]
        return "by default" if given is None else f"by /{name}"
