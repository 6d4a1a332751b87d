"""From what is named on a magic's line to what it means in the user's namespace."""

from __future__ import annotations

import builtins
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from inspect import getattr_static
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ..articles import a_kind
from ..errors import ConfigError
from ..options import APPROVALS, nearest
from ..providers._filling import as_provider
from ..setting_commands import read_budget
from ..usage import Budget
from .interpolation import look_up

if TYPE_CHECKING:
    from ..agent import Agent
    from ..handle import Run
    from ..team import Team

__all__ = [
    "TYPES",
    "UserNames",
    "find_agent",
    "find_approval",
    "find_budget",
    "find_model",
    "find_team",
    "find_tool",
    "find_type",
    "runs_in",
    "team_names",
    "words_of",
]

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\Z")
_LIST = re.compile(r"list\[(.+)\]\Z")
TYPES = ("str", "int", "float", "bool", "list", "dict")


class UserNames(Mapping[str, Any]):
    """What the user has bound: the local names of a function first, then the namespace, without IPython's own."""

    def __init__(self, shell: Any, local: Mapping[str, Any] | None = None) -> None:
        self._local = {} if local is None or local is shell.user_ns else local
        self._all: Mapping[str, Any] = shell.user_ns
        self._hidden: Mapping[str, Any] = shell.user_ns_hidden

    def __getitem__(self, name: str) -> Any:
        if name in self._local:
            return self._local[name]
        value = self._all[name]
        # `In`, `exit`, `open` and their like; but `_` and `_3` are results.
        if not re.fullmatch(r"_+\d*", name) and name in self._hidden and self._hidden[name] is value:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in {**self._all, **self._local} if name in self])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def find_tool(name: str, names: Mapping[str, Any]) -> Any:
    """The tool called `name`: one that the user made, else a built-in one, else any function of that name.

    A function imported from elsewhere does not take a built-in tool's name, only one that was written here.
    """
    from ..tools.base import Tool
    from ..tools.builtin import BUILTIN_TOOLS

    value = look_up(name, names) if _is_bound(name, names) else None
    if isinstance(value, Tool) or (isinstance(value, type) and issubclass(value, Tool)):
        return value
    if isinstance(value, FunctionType) and value.__module__ == "__main__":
        return value
    if name in BUILTIN_TOOLS:
        return name
    if callable(value):
        return value
    if value is not None:
        raise ConfigError(f"`{name}` is {a_kind(value)}, no tool", hint="name a function or a built-in tool")
    functions = [key for key, item in names.items() if not key.startswith("_") and _may_be_tool(item)]
    near = nearest(name, [*BUILTIN_TOOLS, *functions])
    hint = f"did you mean `{near}`?" if near else f"the built-in tools are {', '.join(BUILTIN_TOOLS)}"
    raise ConfigError(f"there is no tool `{name}`", hint=hint)


def find_model(name: str, names: Mapping[str, Any]) -> Any:
    """A variable that holds a provider, else the name as it is."""
    if _is_bound(name, names):
        value = look_up(name, names)
        if as_provider(value) is not None:
            return value
    return name


def find_type(name: str, names: Mapping[str, Any]) -> Any:
    """A type in the namespace, a builtin one, or a list of either."""
    name = name.replace(" ", "")
    inner = _LIST.match(name)
    if inner:
        return list[find_type(inner[1], names)]  # type: ignore[misc]
    if _is_bound(name, names):
        return look_up(name, names)
    if name in TYPES:
        return getattr(builtins, name)
    types = [key for key, item in names.items() if isinstance(item, type) and not key.startswith("_")]
    near = nearest(name, [*types, *TYPES])
    raise ConfigError(
        f"--output: there is no type `{name}`",
        hint=f"did you mean `{near}`?" if near else "define it first: a pydantic model, or a dataclass",
    )


def find_agent(name: str, names: Mapping[str, Any]) -> Agent:
    """The agent of that name, which the user has made."""
    from ..agent import Agent

    if name in names and isinstance(names[name], Agent):
        found: Agent = names[name]
        return found
    agents = [key for key, item in names.items() if isinstance(item, Agent) and not key.startswith("_")]
    near = nearest(name, agents)
    what = f"`{name}` is {a_kind(names[name])}, no agent" if name in names else f"there is no agent `{name}`"
    hint = f"did you mean `{near}`?" if near else f"make one first: {name} = alloy.Agent(tools=[...])"
    raise ConfigError(f"--agent: {what}", hint=hint)


def team_names(names: Mapping[str, Any]) -> list[str]:
    """The variables that hold a team. Where none was made, none is looked for."""
    if "alloy_nb.team" not in sys.modules:
        return []
    from ..team import Team

    return [name for name, item in names.items() if isinstance(item, Team) and not name.startswith("_")]


def runs_in(names: Mapping[str, Any]) -> dict[str, Run]:
    """The variables that hold a run in the background."""
    from ..handle import Run

    return {name: item for name, item in names.items() if isinstance(item, Run) and not name.startswith("_")}


def words_of(names: Mapping[str, Any], kind: str) -> list[str]:
    """What in the namespace may be said where something of a kind is asked for; the kinds are those of `Command`."""
    if kind == "teams":
        return _team_words(names)
    if kind == "runs":
        return list(runs_in(names))
    fits = _FITS.get(kind)
    return [] if fits is None else [name for name, item in names.items() if not name.startswith("_") and fits(item)]


def _team_words(names: Mapping[str, Any]) -> list[str]:
    """Variables, and what the teams are called where no other one is called so: what `find_team` takes."""
    variables = team_names(names)
    called = Counter({id(names[name]): names[name].name for name in variables}.values())
    unique = [name for name, count in called.items() if count == 1 and name.isprintable()]
    return [*variables, *(name for name in unique if name not in variables)]


def find_team(name: str, names: Mapping[str, Any]) -> Team:
    """The team in the variable of that name, else the team that is called so; without a name, the only one."""
    teams: dict[str, Team] = {key: names[key] for key in team_names(names)}
    if name in teams:
        return teams[name]
    called = {id(team): team for team in teams.values() if not name or team.name == name}
    if len(called) == 1:
        return next(iter(called.values()))
    if name and called:
        known = ", ".join(key for key, team in teams.items() if team.name == name)
        raise ConfigError(f"/team: several teams are called `{name}`", hint=f"give the variable: {known}")
    near = nearest(name, [*teams, *(team.name for team in teams.values())]) if name else None
    what = f"there is no team `{name}`" if name else "which team?" if teams else "there is no team yet"
    make = "make one first: team = alloy.Team({'coder': dict(model=...)})"
    hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(teams)}" if teams else make
    raise ConfigError(f"/team: {what}", hint=hint)


def find_budget(name: str, names: Mapping[str, Any], option: str = "--budget") -> Budget:
    """A variable that holds a budget, or a number of dollars."""
    if name in names and isinstance(names[name], Budget):
        found: Budget = names[name]
        return found
    none = "; none takes it away" if option.startswith("/") else ""
    return read_budget(name, option, f", or a variable that holds an alloy.Budget{none}")


def find_approval(name: str, names: Mapping[str, Any], option: str = "--approval") -> Any:
    """A policy's name, or a function that decides."""
    if name in APPROVALS and name != "pause":  # nothing here could resume it
        return name
    if _is_bound(name, names):
        return look_up(name, names)
    raise ConfigError(f"{option} is {name!r}", hint="give ask, auto, deny, or the name of a function (call, ctx)")


def _is_a(value: Any, *kinds: type) -> bool:
    """By its type alone: a proxy without its object raises when it is asked for its class."""
    return issubclass(type(value), kinds)


def _may_be_tool(value: Any) -> bool:
    from ..tools.base import Tool

    return _is_a(value, FunctionType, Tool)


def _is_agent(value: Any) -> bool:
    from ..agent import Agent

    return _is_a(value, Agent)


def _may_be_model(value: Any) -> bool:
    """By what is there: to ask an object of whatever kind for it may run code of its own, or raise."""
    has = (getattr_static(value, name, None) is not None for name in ("stream", "model"))
    return not _is_a(value, type) and all(has)


#: What fits where something of a kind is asked for.
_FITS: Mapping[str, Callable[[Any], bool]] = {
    "tools": _may_be_tool,
    "models": _may_be_model,
    "policies": lambda item: _is_a(item, FunctionType),
    "budgets": lambda item: _is_a(item, Budget),
    "agents": _is_agent,
    "types": lambda item: _is_a(item, type),
    "variables": lambda item: not _is_a(item, ModuleType),
}


def _is_bound(name: str, names: Mapping[str, Any]) -> bool:
    return _DOTTED.match(name) is not None and name.partition(".")[0] in names
