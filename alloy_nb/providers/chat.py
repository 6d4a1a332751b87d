"""OpenAI's Chat Completions, the wire that most services speak: a request as a body. Pure, no network.

What differs from service to service is a field of `ChatDialect`, never a branch on a name. The way back, from an
answer to deltas, is `ChatDecoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ProviderError
from ..messages import Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from ..options import PROVIDER_OPTIONS, wrong_choice
from ._encoding import encode_all
from ._fitting import fit_name
from ._parts import arguments_text, aside, joined, noted, said, schema_in_words
from .base import NATIVE, OutputForms, Request, ToolSpec
from .chat_decoder import ChatDecoder
from .chat_parts import FORMS, Form, content_part
from .efforts import effort_of

__all__ = ["ChatDecoder", "ChatDialect", "encode", "encode_tool", "streamed"]

#: What the model is said to have said where it must say something.
_SEEN = "I have the results."


@dataclass(frozen=True, slots=True)
class ChatDialect:
    """How one service's Chat Completions differ from the others'.

    `reasoning_fields` are read in this order, the first with words counts; `reasoning_echo` names the field in
    which a service wants its own thinking back. `kept` are lists in an answer's message that are kept as they came,
    under the name `provider`; those in `echoed` are handed back. `media` are the kinds of parts it takes; the others
    are said in words. None for a field means that the service has no such thing.
    """

    system_role: str = "system"
    cap_field: str = "max_tokens"
    stream_options: bool = True
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    reasoning_echo: str | None = None
    #: True where its own thinking goes back among the words, as a part of the content.
    reasoning_parts: bool = False
    kept: tuple[str, ...] = ()
    echoed: frozenset[str] = frozenset()
    provider: str = ""
    #: Whether what was kept of an answer may go to the model that is asked now; None means always.
    keeps: Callable[[Message], bool] | None = None
    effort_field: str | None = "reasoning_effort"
    #: Where thinking is asked for otherwise: the body's fields for the option.
    thinking: Callable[[bool | str | int], Mapping[str, Any]] | None = None
    #: The service's word for a choice; a tool's name always goes as an object.
    tool_choices: Mapping[str, str] = field(
        default_factory=lambda: {"auto": "auto", "required": "required", "none": "none"}
    )
    #: What it makes of an id that another service gave a call; the same for the call and its result.
    call_id: Callable[[str], str] | None = None
    #: Whether a result says which tool it is of.
    result_name: bool = False
    #: "json_schema", or "json_object" where a service only promises some JSON.
    output_format: str | None = "json_schema"
    #: How its models are asked for an answer of a type.
    output_forms: OutputForms = NATIVE
    media: frozenset[str] = frozenset({"image", "audio", "document"})
    #: Its own forms of parts, where they are not OpenAI's.
    forms: Mapping[str, Form] = field(default_factory=dict)
    #: Whether the model must speak between results and what else it is told: then a word is put there in its name.
    answer_to_results: bool = False
    #: Whether an answer of nothing may be in a history; else it is left out.
    empty_answers: bool = True
    #: Mark the system prompt, and with it the tools, as worth caching.
    cache_system: bool = False
    options: frozenset[str] = frozenset(PROVIDER_OPTIONS)
    path: str = "/chat/completions"

    def encode(self, request: Request, model: str, *, provider: str, key: object = None) -> dict[str, Any]:
        return encode(request, model, self, provider=provider, key=key)

    def streamed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return streamed(body, self)

    def decoder(
        self, classify: Callable[[Any], ProviderError] | None = None, *, provider: str | None = None
    ) -> ChatDecoder:
        owner = provider or self.provider
        return ChatDecoder(self.reasoning_fields, classify=classify, kept=self.kept, provider=owner)


def encode(request: Request, model: str, dialect: ChatDialect, *, provider: str, key: object = None) -> dict[str, Any]:
    """The body of a request. `provider` is the name under which opaque parts are handed back.

    With a `key` (see `encode_all`) messages and tools are JSON already, each encoded once.

    >>> request = Request((Message.user("Hello"),), system_prompt="Be brief.")
    >>> encode(request, "m", ChatDialect(), provider="x")["messages"]
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hello'}]
    """
    forms = {name: form for name, form in {**FORMS, **dialect.forms}.items() if name in dialect.media}

    def message(value: Message) -> Iterator[dict[str, Any]]:
        return _message(value, dialect, forms, provider)

    messages = list(_answered(request.messages, message)) if dialect.answer_to_results else request.messages
    body: dict[str, Any] = {
        "model": model,
        "messages": encode_all(messages, message, key, first=list(_system(request, dialect))),
    }
    if request.tools:
        body["tools"] = encode_all(request.tools, encode_tool, key)
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice, request.tools, dialect)
    body |= _settings(request, dialect)
    if request.thinking is not None and dialect.thinking is not None:
        body |= dialect.thinking(request.thinking)
    return body | dict(request.extra_body or {})


def streamed(body: Mapping[str, Any], dialect: ChatDialect) -> dict[str, Any]:
    """The body that asks for a stream, with the tokens used at its end."""
    usage = {"stream_options": {"include_usage": True}} if dialect.stream_options else {}
    return {**usage, **body, "stream": True}


def encode_tool(tool: ToolSpec) -> Iterator[dict[str, Any]]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.input_schema)}
    yield {"type": "function", "function": function}


def _system(request: Request, dialect: ChatDialect) -> Iterator[dict[str, Any]]:
    prompt = request.system_prompt
    if request.output_schema is not None and dialect.output_format != "json_schema":
        prompt = schema_in_words(prompt, request.output_schema)
    if not prompt:
        return
    cached = [{"type": "text", "text": prompt, "cache_control": {"type": "ephemeral"}}]
    yield {"role": dialect.system_role, "content": cached if dialect.cache_system else prompt}


def _settings(request: Request, dialect: ChatDialect) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        dialect.cap_field: request.max_output_tokens,
        "stop": list(request.stop_sequences) or None,
    }
    if request.output_schema is not None and dialect.output_format:
        settings["response_format"] = _response_format(request.output_schema, dialect.output_format)
    if request.thinking is not None and dialect.thinking is None and dialect.effort_field:
        settings[dialect.effort_field] = effort_of(request.thinking)
    return {name: value for name, value in settings.items() if value is not None}


def _response_format(schema: Mapping[str, Any], form: str) -> dict[str, Any]:
    if form != "json_schema":
        return {"type": form}
    name = fit_name(str(schema.get("title") or "output"))
    return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema)}}


def _tool_choice(choice: str, tools: Iterable[ToolSpec], dialect: ChatDialect) -> Any:
    names = [tool.name for tool in tools]
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    if choice in dialect.tool_choices:
        return dialect.tool_choices[choice]
    raise wrong_choice("tool_choice", choice, [*dialect.tool_choices, *names])


# Messages


def _answered(messages: Iterable[Message], encode: Callable[[Message], Iterable[dict[str, Any]]]) -> Iterator[Message]:
    """The messages, and an answer between one that ends in results and one that holds none and is no answer."""
    pending = False
    for message in messages:
        if message.role == "assistant":
            # One without a word may be left out.
            pending = pending and not (message.tool_calls or message.text or any(encode(message)))
        elif message.tool_results:
            pending = not _rest(message)
        else:
            if pending:
                yield Message.assistant(_SEEN)
            pending = False
        yield message


def _message(
    message: Message, dialect: ChatDialect, forms: Mapping[str, Form], provider: str
) -> Iterator[dict[str, Any]]:
    if message.role == "assistant":
        answer = _assistant(message, dialect, provider)
        if dialect.empty_answers or answer["content"] or len(answer) > len(("role", "content")):
            yield answer
    elif message.role == "system":
        yield {"role": dialect.system_role, "content": "\n".join(filter(None, map(said, message.parts)))}
    else:
        yield from _user(message, dialect, forms)


def _assistant(message: Message, dialect: ChatDialect, provider: str) -> dict[str, Any]:
    """Text and calls. Thinking stays here but where the service wants its own back; so do foreign parts."""
    parts = [noted(part) for part in message.parts]
    calls = [_call(part, dialect) for part in parts if isinstance(part, ToolCall)]
    own = [part for part in parts if isinstance(part, Thinking) and part.provider == provider]
    text = joined(parts)
    # Null stands for "no words" only beside calls: a message with neither is refused by some services.
    encoded: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if dialect.reasoning_parts and own:
        encoded["content"] = list(_with_thinking(parts, provider))
    if calls:
        encoded["tool_calls"] = calls
    if dialect.reasoning_echo:
        encoded[dialect.reasoning_echo] = "".join(part.text for part in own)
    if dialect.keeps is None or dialect.keeps(message):
        for part in parts:
            if isinstance(part, Opaque) and part.provider == provider:
                encoded |= {name: value for name, value in part.data.items() if name in dialect.echoed}
    return encoded


def _with_thinking(parts: Iterable[Part], provider: str) -> Iterator[dict[str, Any]]:
    for part in parts:
        if isinstance(part, Thinking) and part.provider == provider:
            signature = {"signature": part.signature} if part.signature else {}
            yield {"type": "thinking", "thinking": [{"type": "text", "text": part.text}], **signature}
        elif isinstance(part, Text) and part.text:
            yield {"type": "text", "text": part.text}


def _call(call: ToolCall, dialect: ChatDialect) -> dict[str, Any]:
    function = {"name": fit_name(call.name), "arguments": arguments_text(call)}
    return {"id": _id(call.id, dialect), "type": "function", "function": function}


def _id(call_id: str, dialect: ChatDialect) -> str:
    return dialect.call_id(call_id) if dialect.call_id else call_id


def _user(message: Message, dialect: ChatDialect, forms: Mapping[str, Form]) -> Iterator[dict[str, Any]]:
    """Results first, each a message of its own, since they must follow their calls; then everything else."""
    for result in message.tool_results:
        text = f"Error: {result.text}" if result.is_error else result.text
        name = {"name": fit_name(result.name)} if dialect.result_name and result.name else {}
        yield {"role": "tool", **name, "tool_call_id": _id(result.call_id, dialect), "content": text}
    rest = _rest(message)
    if rest and message.tool_results and dialect.answer_to_results:
        yield {"role": "assistant", "content": _SEEN}
    if rest or not message.tool_results:
        yield {"role": "user", "content": _content(rest, forms)}


def _rest(message: Message) -> list[Part]:
    """What is said in the user's name beside the results, whose messages hold words only: their pictures first."""
    rest: list[Part] = []
    for result in message.tool_results:
        rest += aside(result)
    unsaid = ToolResult | ToolCall | Thinking | Opaque
    return rest + [part for part in message.parts if not isinstance(part, unsaid) and part != Text("")]


def _content(parts: list[Part], forms: Mapping[str, Form]) -> str | list[dict[str, Any]]:
    if all(isinstance(part, Text) for part in parts):
        # Not every service takes a list.
        return joined(parts)
    return [content_part(part, forms) for part in parts if not (isinstance(part, Text) and not part.text)]
