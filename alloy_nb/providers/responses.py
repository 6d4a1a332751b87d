"""OpenAI's Responses, the wire of its newer models and of those who follow it: a request as a body. Pure, no network.

What differs from service to service is a field of `ResponsesDialect`, never a branch on a name. The way back, from
an answer to deltas, is `ResponsesDecoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..articles import a_kind
from ..errors import (
    BadRequestError,
    ConfigError,
    ContentFilterError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
)
from ..messages import Message
from ..options import PROVIDER_OPTIONS, wrong_choice
from ._encoding import encode_all
from ._failures import Vocabulary
from ._fitting import fit_name
from .base import NATIVE, OutputForms, Request, ToolSpec
from .efforts import effort_of
from .responses_decoder import ResponsesDecoder
from .responses_items import message_items
from .strict_schema import make_strict

__all__ = ["DEEPSEEK", "OPENAI", "OPENROUTER", "VOCABULARY", "XAI", "ResponsesDecoder", "ResponsesDialect", "encode"]

_ENCRYPTED = "reasoning.encrypted_content"
#: Fields of the body that hold fields of their own.
_MERGED = ("reasoning", "text")
_SILENT_EFFORTS = ("none", "minimal")

#: What a service did by itself, in the fields in which it may be told again: what else an item says is for reading
#: only, and refused. Calls that want an output of the caller are none of these, since nobody gave one.
_SERVER_ITEMS: Mapping[str, tuple[str, ...]] = {
    "web_search_call": ("id", "status", "action"),
    "file_search_call": ("id", "status", "queries", "results"),
    "code_interpreter_call": ("id", "status", "code", "container_id", "outputs"),
    "image_generation_call": ("id", "status", "result"),
    "mcp_list_tools": ("id", "server_label", "tools", "error"),
    "mcp_call": ("id", "server_label", "name", "arguments", "output", "error", "status", "approval_request_id"),
    "compaction": ("id", "encrypted_content"),
}

#: The service's words for what went wrong, beside those that all use.
VOCABULARY = Vocabulary(
    codes={
        "invalid_prompt": ContentFilterError,
        "image_content_policy_violation": ContentFilterError,
        "cyber_policy": ContentFilterError,
    },
    codes_alone={
        "server_is_overloaded": OverloadedError,
        "slow_down": OverloadedError,
        **dict.fromkeys(
            (
                "unsupported_parameter", "unsupported_value", "invalid_function_parameters", "model_not_found",
                "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url",
                "image_too_large", "image_too_small", "image_parse_error", "invalid_image_mode",
                "image_file_too_large", "unsupported_image_media_type", "empty_image_file",
                "failed_to_download_image", "image_file_not_found", "invalid_encrypted_content",
            ),
            BadRequestError,
        ),
    },
    words=(("exceeds the context window", ContextOverflowError),),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResponsesDialect:
    """How one service's Responses differ from the others'.

    `provider` is the name that its own parts carry. `include` is what is asked for besides; models whose names begin
    with one of `unthinking` are not asked for thoughts. `summary` is how thoughts are to be shown when thinking was
    asked for. `server_items` are kinds of items that the service takes back, with their fields. `media` are the kinds
    of parts it takes; the others are said in words.
    """

    provider: str
    include: tuple[str, ...] = ()
    unthinking: tuple[str, ...] = ()
    summary: str | None = None
    #: Whether what was kept of an answer may go to the model that is asked now; None means always.
    keeps: Callable[[Message], bool] | None = None
    #: Whether a tool says if its schema is strict. Where it does not say so, OpenAI makes every key required.
    strict: bool = True
    server_items: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Whether what the model said goes back as a text, or in parts as it came.
    plain_words: bool = False
    #: Whether a thought may be the last of a message. OpenAI wants what it led to.
    trailing_thoughts: bool = True
    #: Whether calls must follow each other, after all else that was said.
    calls_last: bool = False
    media: frozenset[str] = frozenset({"image", "document"})
    #: Whether a tool's pictures may stand in its output; else they follow in the user's name.
    output_images: bool = False
    #: How its models are asked for an answer of a type.
    output_forms: OutputForms = NATIVE
    options: frozenset[str] = frozenset(PROVIDER_OPTIONS) - {"stop_sequences"}
    path: str = "/responses"

    def encode(self, request: Request, model: str, *, provider: str, key: object = None) -> dict[str, Any]:
        return encode(request, model, self, provider=provider, key=key)

    def streamed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, "stream": True}

    def decoder(
        self, classify: Callable[[Any], ProviderError] | None = None, *, provider: str | None = None
    ) -> ResponsesDecoder:
        return ResponsesDecoder(provider or self.provider, classify=classify)


OPENAI = ResponsesDialect(
    "openai",
    include=(_ENCRYPTED,),
    unthinking=("gpt-3.5", "gpt-4", "gpt-5-chat", "chatgpt-", "davinci", "babbage"),
    summary="auto",
    server_items=_SERVER_ITEMS,
    trailing_thoughts=False,
    output_images=True,
)
XAI = ResponsesDialect("xai", include=(_ENCRYPTED,), media=frozenset({"image"}))
DEEPSEEK = ResponsesDialect("deepseek", strict=False, calls_last=True, plain_words=True, media=frozenset())
OPENROUTER = ResponsesDialect("openrouter", include=(_ENCRYPTED,), summary="auto", plain_words=True)


def encode(
    request: Request, model: str, dialect: ResponsesDialect, *, provider: str, key: object = None
) -> dict[str, Any]:
    """The body of a request. `provider` is the name under which own parts are handed back.

    Nothing is stored at the service: each request holds the whole conversation. With a `key` (see `encode_all`)
    items and tools are JSON already, each encoded once. Of `extra_body`, what is in tools, `include`, `text` and
    `reasoning` is added to the request's own; everything else is said in place of it.

    >>> request = Request((Message.user("Hello"),), system_prompt="Be brief.")
    >>> body = encode(request, "m", ResponsesDialect("x"), provider="x")
    >>> body["instructions"], body["input"], body["store"]
    ('Be brief.', [{'role': 'user', 'content': 'Hello'}], False)
    """
    extra = dict(request.extra_body or {})
    thinks = not model.removeprefix("ft:").startswith(dialect.unthinking) if dialect.unthinking else True

    def items(message: Message) -> list[dict[str, Any]]:
        return message_items(message, dialect, provider, thinks=thinks)

    def tool(spec: ToolSpec) -> Iterator[dict[str, Any]]:
        return _tool(spec, dialect)

    body: dict[str, Any] = {"model": model, "store": False}
    if request.system_prompt:
        body["instructions"] = request.system_prompt
    body["input"] = encode_all(request.messages, items, key)
    own_tools = _listed(extra, "tools")
    if request.tools or own_tools:
        body["tools"] = encode_all(request.tools, tool, key, first=own_tools)
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice, [*request.tools, *own_tools])
    asked = [word for word in dialect.include if thinks or word != _ENCRYPTED]
    asked += [word for word in _listed(extra, "include") if word not in asked]
    if asked:
        body["include"] = asked
    return _with_extra(body | _settings(request, dialect), extra)


def _with_extra(body: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """What the user says of the body goes over it; fields that hold fields are taken field by field."""
    merged = {
        name: {**body.get(name, {}), **value}
        for name, value in extra.items()
        if name in _MERGED and isinstance(value, Mapping)
    }
    return {**body, **extra, **merged}


def _listed(extra: dict[str, Any], name: str) -> list[Any]:
    """A list of `extra_body` that adds to ours."""
    value = extra.pop(name, None) or []
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
        raise ConfigError(f"extra_body[{name!r}] is {a_kind(value)}", hint="give a list")
    return list(value)


def _settings(request: Request, dialect: ResponsesDialect) -> dict[str, Any]:
    settings = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_output_tokens": request.max_output_tokens,
        "reasoning": None if request.thinking is None else _reasoning(request.thinking, dialect),
        "text": None if request.output_schema is None else {"format": _text_format(request.output_schema)},
    }
    return {name: value for name, value in settings.items() if value is not None}


def _reasoning(thinking: bool | str | int, dialect: ResponsesDialect) -> dict[str, str]:
    effort = effort_of(thinking)
    if dialect.summary and effort not in _SILENT_EFFORTS:
        return {"effort": effort, "summary": dialect.summary}
    return {"effort": effort}


def _text_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    name = fit_name(str(schema.get("title") or "output"))
    strict = make_strict(schema)
    return {"type": "json_schema", "name": name, "schema": strict or dict(schema), "strict": strict is not None}


def _tool(tool: ToolSpec, dialect: ResponsesDialect) -> Iterator[dict[str, Any]]:
    function: dict[str, Any] = {"type": "function", "name": tool.name, "description": tool.description}
    strict = make_strict(tool.input_schema) if dialect.strict else None
    function["parameters"] = strict or dict(tool.input_schema)
    if dialect.strict:
        function["strict"] = strict is not None
    yield function


def _tool_choice(choice: str, tools: Iterable[ToolSpec | Mapping[str, Any]]) -> str | dict[str, str]:
    """`choice` is a word of the wire's, a function's name, or the kind of a tool that the service itself has."""
    words: dict[str, str | dict[str, str]] = {word: word for word in ("auto", "required", "none")}
    for tool in tools:
        name = tool.name if isinstance(tool, ToolSpec) else tool.get("name")
        kind = "function" if isinstance(tool, ToolSpec) else str(tool.get("type"))
        words[name or kind] = {"type": kind, "name": name} if name else {"type": kind}
    if choice in words:
        return words[choice]
    raise wrong_choice("tool_choice", choice, list(words))
