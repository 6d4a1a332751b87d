"""The tools that come with the library, by name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ..errors import ConfigError
from .base import Tool

__all__ = ["BUILTIN_TOOLS", "builtin_tool"]

#: Name -> module and class, imported when the tool is asked for; relative to `alloy_nb`.
BUILTIN_TOOLS = {
    "read": ".tools.read:Read",
    "write": ".tools.write:Write",
    "edit": ".tools.edit:Edit",
    "bash": ".tools.bash:Bash",
    "scratchpad": ".tools.scratchpad:Scratchpad",
    "glob": ".tools.glob:Glob",
    "grep": ".tools.grep:Grep",
    "fetch": ".tools.fetch:Fetch",
}


@cache
def builtin_tool(name: str) -> Tool:
    """The built-in tool called `name`, always the same object; `ConfigError` with the nearest name when there is none.

    >>> builtin_tool("read")
    <Tool read>
    """
    dotted = BUILTIN_TOOLS.get(name)
    if dotted is None:
        raise ConfigError(f"there is no built-in tool `{name}`", hint=_hint(name))
    module, _, cls = dotted.partition(":")
    made: Tool = getattr(import_module(module, __package__.partition(".")[0]), cls)()
    return made


def _hint(name: str) -> str:
    from ..options import nearest

    near = nearest(name.lower(), list(BUILTIN_TOOLS))
    if near:
        return f"did you mean {near!r}?"
    return f"the built-in tools are {', '.join(BUILTIN_TOOLS)}; for your own, give the function itself"
