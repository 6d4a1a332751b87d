"""The tools of one run, by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from ..articles import a_kind
from ..errors import ConfigError
from ..providers.base import ToolSpec
from .base import Tool
from .context import ToolContext

__all__ = ["collect_tools", "pattern_of", "subject_of", "to_spec"]

_LONGEST_SUBJECT = 200


def collect_tools(given: Iterable[str | Tool | Callable[..., Any]]) -> dict[str, Tool]:
    """Tools from names of built-in ones, `Tool` objects and plain functions, in order.

    Raises `ConfigError` for an unknown name, something that is no tool, and two tools of one name.
    """
    tools: dict[str, Tool] = {}
    for item in given:
        tool = _to_tool(item)
        if tool.name in tools:
            raise ConfigError(
                f"two tools are called `{tool.name}`", hint="rename one: @alloy.tool(name='another_name')"
            )
        tools[tool.name] = tool
    return tools


def _to_tool(item: Any) -> Tool:
    if isinstance(item, Tool):
        return item
    if isinstance(item, str):
        from .builtin import builtin_tool

        return builtin_tool(item)
    if isinstance(item, type) and issubclass(item, Tool):
        return _of_class(item)
    if callable(item):
        from .decorator import tool

        return tool(item)
    hint = "give a function, an @alloy.tool, a Tool object, or the name of a built-in tool"
    if hasattr(item, "as_tool"):
        hint = "make a tool of it: tools=[agent.as_tool(name, description)]"
    raise ConfigError(f"{a_kind(item)} is no tool", hint=hint)


def _of_class(kind: type[Tool]) -> Tool:
    """One tool a class, so that what is allowed for good holds from run to run."""
    if kind not in _made:
        _made[kind] = kind()
    return _made[kind]


_made: WeakKeyDictionary[type[Tool], Tool] = WeakKeyDictionary()


def to_spec(tool: Tool, ctx: ToolContext, *, with_candidates: bool) -> ToolSpec:
    """What the model is told of a tool."""
    candidates = tool.candidates(ctx) if with_candidates else {}
    return ToolSpec(tool.name, tool.description, tool.input_schema, candidates)


def subject_of(tool: Tool | None, input: Any) -> str:
    """The argument that matters, on one line: the command, the path, or the first string."""
    key = tool.key_argument if tool is not None else None
    value = input.get(key) if key else next((v for v in input.values() if isinstance(v, str)), "")
    text = " ".join(str(value if value is not None else "").split())
    return text if len(text) <= _LONGEST_SUBJECT else text[: _LONGEST_SUBJECT - 1] + "…"


def pattern_of(tool: Tool, input: Mapping[str, Any], reason: str) -> str:
    """What is remembered of a call that was allowed for good, see `Tool.remembered`."""
    return json.dumps(tool.remembered(input, reason), sort_keys=True, default=repr)
