"""The contract between the loop and a model: a request goes in, deltas come out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from ..messages import Message, Part
from ..usage import Usage

__all__ = [
    "Delta",
    "Done",
    "OutputForm",
    "OutputForms",
    "Provider",
    "Request",
    "StopReason",
    "TextDelta",
    "ThinkingDelta",
    "ToolCallDelta",
    "ToolSpec",
    "UsageDelta",
    "WholePart",
    "shows_tools",
]

StopReason = Literal["end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal", "content_filter", "pause_turn"]


class TextDelta(NamedTuple):
    """Words, as they come. Pieces that follow each other are one part, unless their `block` differs."""

    text: str
    block: int = 0


class ThinkingDelta(NamedTuple):
    """Thinking, as it comes; `signature` closes the part it arrives with, and so does another `block`."""

    text: str
    signature: str | None = None
    block: int = 0


class ToolCallDelta(NamedTuple):
    """A piece of a tool call. Pieces with the same `key` are one call; `id` and `name` may come with the first only.

    `arguments` is JSON text, appended as it comes; the empty string in the end means no arguments.
    """

    key: int | str
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class WholePart(NamedTuple):
    """A part that arrives in one piece (an image, a redacted thought, a provider's own item).

    An `Opaque` right after another part may amend it (a signature, citations): parts keep their order.
    """

    part: Part


class UsageDelta(NamedTuple):
    """Tokens used by this answer so far: each one replaces the one before."""

    usage: Usage


class Done(NamedTuple):
    """The answer is complete. A stream that ends without it was cut short, which is an error."""

    stop_reason: StopReason
    model: str | None = None


Delta = TextDelta | ThinkingDelta | ToolCallDelta | WholePart | UsageDelta | Done


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What a model is told of a tool.

    `candidates` lists, for an argument, values that exist right now (files, table names). They are only asked for
    when the provider `constrains_arguments`, and are a help for small models, not a rule for the tool.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    candidates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: The provider's encoding of it, made once; see `_encoding.py`. No part of the value.
    encoding: Any = field(default=None, init=False, repr=False, compare=False)
    #: About how many tokens it is, estimated once; see `context/estimate.py`. No part of the value.
    tokens: Any = field(default=None, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.description, self.input_schema, self.candidates)


OutputForm = Literal["native", "tool", "words"]


@dataclass(frozen=True, slots=True)
class OutputForms:
    """How a model is asked for an answer of a type: when it has no tools to call (`alone`), and `beside_tools`.

    ``"native"``: the wire makes of `Request.output_schema` what its service holds the model to. ``"tool"``: the model
    gives its answer by calling a tool of that schema. ``"words"``: the schema is told in the system prompt.
    `fits` says whether the service's native form has room for a schema; for one that it has not, a tool stands in.
    `forced` says whether the model can be made to call the tool, as far as it does not think.

    >>> OutputForms(beside_tools="tool").form({"type": "object"}, tools=True)
    'tool'
    """

    alone: OutputForm = "native"
    beside_tools: OutputForm = "native"
    fits: Callable[[Mapping[str, Any]], bool] | None = None
    forced: bool = True

    def form(self, schema: Mapping[str, Any], *, tools: bool) -> OutputForm:
        """The form for an answer of this schema, with `tools` of the run's own or without."""
        form = self.beside_tools if tools else self.alone
        return "tool" if form == "native" and self.fits is not None and not self.fits(schema) else form


NATIVE = OutputForms()


@dataclass(frozen=True, slots=True)
class Request:
    """One provider call. `tool_choice` is None, ``"auto"``, ``"required"``, ``"none"`` or a tool's name.

    `output_schema` asks for an answer that matches a JSON schema; `request_timeout` is in seconds of silence.
    """

    messages: tuple[Message, ...]
    system_prompt: str | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | None = None
    output_schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    thinking: bool | str | int | None = None
    extra_body: Mapping[str, Any] | None = None
    request_timeout: float | None = 120.0


@runtime_checkable
class Provider(Protocol):
    """A model. The laws:

    - `stream` yields deltas and ends after one `Done`. What goes wrong is a `ProviderError`; what cannot be asked at
      all, since this provider or its settings cannot say it, is a `ConfigError`. It raises nothing else.
    - It never retries by itself, never runs a tool, and keeps nothing between two calls that a call depends on.
    - Fields and events it does not know are kept as `WholePart(Opaque(...))` or passed over, never fatal.

    `name` is the provider's word (``"openai"``), `model` the model's; `options` names the request options it takes.
    An object without them takes none, and is called ``custom:`` and its class; one that has only `complete` tells its
    whole answer at once.
    Optional: ``async complete(request) -> Sequence[Delta]`` for a whole answer in one reply, ``async models() ->
    Sequence[str]``, and ``bursts(request) -> AsyncIterator[Sequence[Delta]]``, which is `stream` with the deltas that
    arrived together told together: the loop prefers it. A provider without `complete` is streamed and collected.
    ``context_window`` is how many tokens the model reads, where the provider knows better than the table of models;
    None where it does not. ``shows_tools`` is False where the model is not told of tools that it may choose to call.
    ``output_forms`` says how it is asked for an answer of a type; without it, or when it is None, the schema is told
    in the system prompt, and is in the request besides.
    """

    name: str
    model: str
    #: Which of temperature, top_p, max_output_tokens, stop_sequences, tool_choice, thinking, extra_body it takes.
    options: frozenset[str] = frozenset()
    #: True when it can hold a model to `ToolSpec.candidates`.
    constrains_arguments: bool = False

    def stream(self, request: Request) -> AsyncIterator[Delta]:
        """The answer, as it comes."""
        ...


def shows_tools(provider: Any) -> bool:
    """Whether its model is told of the tools that it may choose to call."""
    return bool(getattr(provider, "shows_tools", True))
