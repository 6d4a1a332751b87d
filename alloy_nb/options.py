"""The options of a run, in one place: names, defaults, checks."""

from __future__ import annotations

import difflib
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .articles import a_kind
from .context.compactor import Compactor
from .errors import ConfigError
from .guests import is_async
from .messages import Message
from .usage import Budget

if TYPE_CHECKING:
    from .context.skills import Skill
    from .events import Event
    from .messages import ToolCall
    from .middleware.base import Middleware
    from .providers.base import Provider
    from .session import SessionStore
    from .tools.base import Tool
    from .tools.context import ToolContext

__all__ = [
    "APPROVALS",
    "HOOKS",
    "PROVIDER_OPTIONS",
    "RECORDS",
    "THINKING",
    "Options",
    "check_overrides",
    "check_thinking",
    "make_options",
    "nearest",
    "read_thinking",
    "wrong_choice",
]

APPROVALS = ("ask", "auto", "deny", "pause")
#: How much of a run is kept in the notebook file beside what is seen.
RECORDS = ("full", "summary", "off")
#: The words of the option `thinking`, from the least to the most; which of them a model knows is its provider's matter.
THINKING = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

#: What an object in `middleware` may have; one of them it must.
HOOKS = (
    "session_start",
    "session_end",
    "before_completion",
    "after_completion",
    "after_tool_request",
    "before_tool_call",
    "after_tool_execution",
    "on_error",
    "on_event",
)

#: Options that are the provider's: None means "the provider's own default".
PROVIDER_OPTIONS = (
    "temperature",
    "top_p",
    "max_output_tokens",
    "stop_sequences",
    "tool_choice",
    "thinking",
    "extra_body",
)

Approval = Literal["ask", "auto", "deny", "pause"] | Callable[["ToolCall", "ToolContext"], bool | Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Options:
    """Everything `run`, `arun` and `start` take; the API guide says what each one means.

    Times are in seconds. An answer that is no `output` is sent back, at most `output_retries` times. `tool_choice`
    forces the first turn only: after it the model is free again. `context_discovery` adds the context files of the
    user and the project to the system prompt, `skills` lists skills there, which the model may load: those found like
    the files (True), or those given, as paths or `Skill` objects. `record` says what of a run that is shown is kept in
    the notebook file: ``"full"``, ``"summary"`` (no messages, 16 kB), ``"off"``; None goes by the display.
    """

    model: str | Provider | None = None
    name: str | None = None
    tools: Sequence[str | Tool | Callable[..., Any]] = ()
    system_prompt: str | None = None
    messages: Sequence[Message] = ()
    output: Any = None
    output_retries: int = 2
    max_turns: int = 25
    timeout: float | None = None
    request_timeout: float | None = 120.0
    tool_timeout: float | None = 120.0
    max_retries: int = 3
    max_pending: int = 0
    context_window: int | None = None
    budget: Budget | None = None
    fallback: Sequence[str | Provider] = ()
    approval: Approval = "ask"
    decisions: Mapping[str, bool] = field(default_factory=dict)
    middleware: Sequence[Middleware] = ()
    compactor: Compactor | None = field(default_factory=Compactor)
    working_directory: str | os.PathLike[str] = "."
    context: Mapping[str, Any] = field(default_factory=dict)
    context_discovery: bool = False
    skills: bool | Sequence[str | os.PathLike[str] | Skill] = False
    stream: bool = True
    session: str | None = None
    store: SessionStore | None = None
    on_event: Callable[[Event], Any] | None = None
    on_chunk: Callable[[str], Any] | None = None
    display: str | None = "auto"
    record: Literal["full", "summary", "off"] | None = None
    run_id: str | None = None
    correlation_id: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    stop_sequences: Sequence[str] = ()
    tool_choice: str | None = None
    thinking: bool | str | int | None = None
    extra_body: Mapping[str, Any] | None = None

    def override(self, **changes: Any) -> Options:
        """A copy with some options changed, checked like the first ones; None leaves one as it is."""
        check_names(changes)
        changed = replace(self, **{n: value for n, value in changes.items() if value is not None or n in _MAY_BE_NONE})
        check_values(changed)
        return changed


_NAMES = frozenset(f.name for f in fields(Options))
#: What belongs to an agent and cannot be said anew for one run of it.
_AGENTS_OWN = ("messages", "name", "max_pending", "session", "store")
_MAY_BE_NONE = frozenset({"timeout", "request_timeout", "tool_timeout", "display", "compactor"})
_OF_A_RUN = _NAMES.difference(_AGENTS_OWN)
#: Other words for an option, from systems that users come from.
_ALIASES = {"request_id": "run_id", "system": "system_prompt", "max_tokens": "max_output_tokens"}


def nearest(word: str, known: Sequence[str] | frozenset[str]) -> str | None:
    """The known word most like `word`, or None when nothing is near.

    Of four letters three are no likeness: a short word has all letters of its like, in whatever order, or all but one.

    >>> nearest("modle", ["model", "tools"]), nearest("raed", ["read"]), nearest("nope", ["none", "openai"])
    ('model', 'read', None)
    """
    likeness = _SHORT_LIKENESS if len(word) <= _SHORT else _LIKENESS
    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=likeness)
    swapped = (other for other in sorted(known) if sorted(other) == sorted(word))
    return found[0] if found else next(swapped, None)


_LIKENESS, _SHORT_LIKENESS = 0.66, 0.8
_SHORT = 4


def wrong_choice(name: str, given: Any, known: Sequence[str]) -> ConfigError:
    """What to raise for a value that is none of the known ones; it names the nearest, else all of them.

    >>> wrong_choice("tool_choice", "non", ["auto", "none"]).hint
    "did you mean 'none'?"
    """
    near = nearest(str(given), known)
    hint = f"did you mean {near!r}?" if near else "choose one of " + ", ".join(known)
    return ConfigError(f"{name} is {given!r}", hint=hint)


def make_options(given: Mapping[str, Any], beside: Sequence[str] = ()) -> Options:
    """Options from keyword arguments; an unknown one is a `ConfigError` that names the nearest known one.

    `beside` are the other words that whoever was called takes: one of them may have been meant.

    >>> make_options({"max_turns": 3}).max_turns
    3
    """
    given = dict(given)
    if "request_id" in given:  # Alloy's word for it
        given.setdefault("run_id", given.pop("request_id"))
    check_names(given, beside)
    # None means "the default" also where the default is something else.
    options = Options(**{name: value for name, value in given.items() if value is not None or name in _MAY_BE_NONE})
    check_values(options)
    return options


def check_names(given: Mapping[str, Any], beside: Sequence[str] = (), known: frozenset[str] = _NAMES) -> None:
    unknown = [name for name in given if name not in _NAMES]
    if not unknown:
        return
    name = unknown[0]
    near = _ALIASES.get(name) or nearest(name, known.union(beside))
    hint = f"did you mean `{near}`?" if near else "the options are: " + ", ".join(sorted(known))
    raise ConfigError(f"unknown option `{name}`", hint=hint)


def check_overrides(given: Mapping[str, Any], beside: Sequence[str] = ()) -> None:
    """Raise `ConfigError` for what cannot be said for one run of an agent; `beside` is as in `make_options`.

    >>> try:
    ...     check_overrides({"name": ["coder"]}, ("names", "display"))
    ... except ConfigError as error:
    ...     print(error.message, error.hint, sep="; ")
    name is the agent's own; did you mean `names`?
    """
    check_names({name: value for name, value in given.items() if name != "request_id"}, beside, _OF_A_RUN)
    for name in _AGENTS_OWN:
        if name in given:
            near = nearest(name, beside)
            hint = f"did you mean `{near}`?" if near else "say it where the agent is made"
            raise ConfigError(f"{name} is the agent's own", hint=hint)


def check_values(options: Options) -> None:
    """Wrong values are said here, before anything runs."""
    for names, fits, hint in _CHECKS:
        for name in names:
            value = getattr(options, name)
            if not fits(value):
                raise ConfigError(f"{name} is {value!r}", hint=hint.format(name=name))
    if options.budget is not None and not isinstance(options.budget, Budget):
        raise ConfigError(f"budget is {options.budget!r}", hint=_budget_meant(options.budget))
    for item in options.middleware:
        if isinstance(item, str | type):
            name = item if isinstance(item, str) else item.__name__
            raise ConfigError(
                f"middleware holds {item!r}", hint=f"give an object: middleware=[alloy.{name.rpartition('.')[2]}(...)]"
            )
        if not any(callable(getattr(item, hook, None)) for hook in HOOKS):
            raise ConfigError(
                f"middleware holds {a_kind(item)}, which has no hook",
                hint="give objects of subclasses of alloy.Middleware; the hooks are: " + ", ".join(HOOKS),
            )
    for name in ("tools", "fallback", "skills", "stop_sequences"):
        value = getattr(options, name)
        if isinstance(value, str):
            raise ConfigError(f"{name} is the string {value!r}", hint=f"give a list: {name}=[{value!r}]")
    check_thinking(options.thinking)
    if options.record is not None and options.record not in RECORDS:
        raise wrong_choice("record", options.record, RECORDS)
    for message in options.messages:
        if not isinstance(message, Message):
            raise ConfigError(
                f"messages holds {a_kind(message)}",
                hint="give Message objects, such as an earlier result's `.messages`",
            )


def _is_number(value: Any, least: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= least


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and _is_number(value, least)


def _budget_meant(value: Any) -> str:
    """A small number was meant as dollars: nobody limits a run to a few tokens."""
    dollars = _is_number(value, 0) and value < _FEWEST_TOKENS
    meant = f"usd={value:g}" if dollars else f"tokens={value if _is_whole(value, 1) else 100_000:_}"
    return f"give a Budget: budget=alloy.Budget({meant})"


def _is_store(value: Any) -> bool:
    if value is None or isinstance(value, type):
        return value is None
    return all(callable(getattr(value, name, None)) for name in ("append", "read"))


#: A budget that is a number from here on was meant as tokens.
_FEWEST_TOKENS = 1000

#: Options, what their values must be like, and what to do when they are not.
_CHECKS: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (
        ("max_turns", "max_retries", "max_pending", "output_retries"),
        lambda value: _is_whole(value, 0),
        "give a whole number, 0 or more",
    ),
    (("decisions", "context"), lambda value: isinstance(value, Mapping), "give {name} a mapping, such as a dict"),
    (
        ("tools", "messages", "middleware", "fallback"),
        lambda value: isinstance(value, Iterable),
        "give a list: {name}=[...]",
    ),
    (
        ("timeout", "request_timeout", "tool_timeout"),
        lambda value: value is None or _is_number(value, 0),
        "give seconds, or None for no limit",
    ),
    (
        ("approval",),
        lambda value: callable(value) or value in APPROVALS,
        "choose one of " + ", ".join(APPROVALS) + ", or a function (call, ctx) -> bool",
    ),
    (
        ("session",),
        lambda value: value is None or (isinstance(value, str) and bool(value.strip())),
        "give a name: session='my-analysis'",
    ),
    (("context_discovery", "stream"), lambda value: isinstance(value, bool), "give True or False"),
    (
        ("name", "system_prompt", "run_id", "correlation_id"),
        lambda value: value is None or isinstance(value, str),
        "give a text",
    ),
    (("temperature", "top_p"), lambda value: value is None or _is_number(value, 0), "give a number: {name}=0.7"),
    (
        ("max_output_tokens",),
        lambda value: value is None or _is_whole(value, 1),
        "give a number of tokens: max_output_tokens=1000",
    ),
    (
        ("working_directory",),
        lambda value: isinstance(value, str | os.PathLike),
        "give a path: working_directory='data'",
    ),
    (
        ("skills",),
        lambda value: isinstance(value, bool | Iterable),
        "give True, False, or a list of paths: skills=['skills/review.md']",
    ),
    (("store",), _is_store, "give a store: store=alloy.SQLiteStore('sessions.sqlite')"),
    (
        ("context_window",),
        lambda value: value is None or _is_whole(value, 1),
        "give a number of tokens, or None for the model's own",
    ),
    (
        ("compactor",),
        lambda value: value is None or isinstance(value, Compactor),
        "give a Compactor: compactor=alloy.Compactor(keep=20), or None for none",
    ),
    (
        ("on_event", "on_chunk"),
        # An async one would be called, and what it gives never awaited.
        lambda value: value is None or (callable(value) and not is_async(value)),
        "give {name} a function of one argument, a plain `def`",
    ),
    (
        ("extra_body",),
        lambda value: value is None or isinstance(value, Mapping),
        "give a mapping of fields for the body, such as a dict",
    ),
)


def check_thinking(thinking: Any) -> None:
    """Raise `ConfigError` for what is no way to say how hard a model is to think.

    A bool, a word of `THINKING`, a number of tokens, or None.

    >>> check_thinking("high")
    >>> try:
    ...     check_thinking("hihg")
    ... except ConfigError as error:
    ...     print(error.hint)
    did you mean 'high'?
    """
    if isinstance(thinking, str) and thinking not in THINKING:
        if thinking.strip().isdecimal():
            raise ConfigError(f"thinking is {thinking!r}", hint=f"give a number: thinking={int(thinking)}")
        near = nearest(thinking.strip().lower(), THINKING)
    elif thinking is None or isinstance(thinking, str) or (isinstance(thinking, int) and thinking >= 0):
        return
    else:
        near = None
    known = "True, False, a number of tokens, or one of " + ", ".join(THINKING)
    raise ConfigError(f"thinking is {thinking!r}", hint=f"did you mean {near!r}?" if near else f"give {known}")


def read_thinking(text: str) -> bool | str | int:
    """The option `thinking` as it is typed on a line: on, off, a number of tokens or a word, which is not checked.

    >>> read_thinking("on"), read_thinking("2000"), read_thinking("High")
    (True, 2000, 'high')
    """
    word = text.strip().lower()
    switches = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
    return switches[word] if word in switches else int(word) if word.isdecimal() else word


def working_directory(options: Options) -> Path:
    """The absolute working directory; a `ConfigError` when it is none."""
    path = Path(options.working_directory).expanduser().absolute()
    if not path.is_dir():
        raise ConfigError(f"working_directory {path} is no folder", hint="create it, or name another one")
    return path
