"""A request as the body that Anthropic's Messages API takes. Pure, no network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import ConfigError
from ..messages import Message, Opaque
from ..options import wrong_choice
from ._encoding import encode_all
from ._payload import JSONArray, encode_json
from .anthropic_messages import encode_message, in_place, is_own_thought
from .anthropic_models import default_max_tokens, family_of, largest_output, thinking_settings
from .anthropic_schema import input_schema, output_schema
from .base import Request, ToolSpec

__all__ = ["beta_features", "encode"]

#: Asks that everything up to here be kept for five minutes, and read from there by the next turn.
_CACHED = {"cache_control": {"type": "ephemeral"}}
_TOOL_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
#: Tokens left for the answer when a thinking budget would take all that a model can give.
_LEAST_ANSWER = 1024


def encode(
    request: Request, model: str, *, provider: str = "anthropic", cache: bool = True, key: object = None
) -> dict[str, Any]:
    """The body of a request. With a `key` (see `encode_all`) messages and tools are JSON already.

    >>> body = encode(Request((Message.user("Hello"),)), "claude-sonnet-4-6", cache=False)
    >>> body["max_tokens"], body["messages"]
    (32000, [{'role': 'user', 'content': [{'type': 'text', 'text': 'Hello'}]}])
    """
    family = family_of(model)
    first, messages = in_place(request.messages, system_messages=family.system_messages)
    settings = thinking_settings(request.thinking, family)
    if "budget_tokens" in settings.get("thinking", {}) and not _may_think(messages, provider):
        settings = {}
    schema = output_schema(request.output_schema) if request.output_schema is not None and family.schemas else None
    if schema is not None:
        settings.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": schema}

    def message(value: Message) -> Iterator[dict[str, Any]]:
        return encode_message(value, provider)

    body: dict[str, Any] = {
        "model": model,
        "max_tokens": default_max_tokens(model) if request.max_output_tokens is None else request.max_output_tokens,
        "system": _system(request, first, in_words=schema is None, cache=cache),
        "messages": encode_all(messages, message, key),
        **settings,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop_sequences": list(request.stop_sequences),
        "container": _container(messages, provider),
        **(_CACHED if cache else {}),
    }
    body = {name: value for name, value in body.items() if value is not None and value != []}
    extra = dict(request.extra_body or {})
    _add_tools(body, request, extra.pop("tools", ()), cache=cache, key=key)
    return _make_room(_merge(body, extra), model)


def beta_features(body: Mapping[str, Any], model: str) -> tuple[str, ...]:
    """What must be asked for by name, in a header, for this body."""
    thinking = body.get("thinking")
    budget = isinstance(thinking, Mapping) and thinking.get("type") == "enabled"
    return family_of(model).betas if budget and body.get("tools") else ()


def _system(request: Request, first: Sequence[str], *, in_words: bool, cache: bool) -> list[dict[str, Any]]:
    texts = [request.system_prompt or "", *first]
    if request.output_schema is not None and in_words:
        schema = json.dumps(request.output_schema, ensure_ascii=False, default=dict)
        texts.append(f"Answer with JSON alone, in the form of this JSON schema:\n{schema}")
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts if text.strip()]
    if blocks and cache:
        blocks[-1] |= _CACHED
    return blocks


# Tools


def _add_tools(body: dict[str, Any], request: Request, more: Any, *, cache: bool, key: object) -> None:
    """The run's tools, then `more`: the user's own, such as those that run on Anthropic's side."""
    added = list(more) if isinstance(more, list | tuple) else [more]
    if not request.tools and not added:
        return
    # The last one is encoded by itself: it carries what depends on its place.
    marked = [tool for last in request.tools[-1:] for tool in _tool(last)]
    if marked and cache:
        marked[-1] |= _CACHED
    tools = encode_all(request.tools[:-1], _tool, key)
    rest = [*marked, *added]
    if isinstance(tools, JSONArray):
        body["tools"] = JSONArray([*tools.elements, *map(encode_json, rest)])
    else:
        body["tools"] = [*tools, *rest]
    if request.tool_choice is not None:
        names = [tool.name for tool in request.tools]
        names += [str(tool["name"]) for tool in added if isinstance(tool, Mapping) and "name" in tool]
        body["tool_choice"] = _tool_choice(request.tool_choice, names)


def _tool(tool: ToolSpec) -> Iterator[dict[str, Any]]:
    description = {"description": tool.description} if tool.description else {}
    yield {"name": tool.name, **description, "input_schema": input_schema(tool.input_schema)}


def _tool_choice(choice: str, names: Sequence[str]) -> dict[str, Any]:
    if choice in names:
        return {"type": "tool", "name": choice}
    if choice in _TOOL_CHOICES:
        return {"type": _TOOL_CHOICES[choice]}
    raise wrong_choice("tool_choice", choice, [*_TOOL_CHOICES, *names])


# What depends on the whole conversation, or on the whole body


def _may_think(messages: Sequence[Message], provider: str) -> bool:
    """With a budget, a turn that goes on after tool calls must have begun with a thought that is Anthropic's own.

    It did not where another model, or none that thought, made the first of them.
    """
    if not messages or not messages[-1].tool_results:
        return True
    answers: list[Message] = []
    for message in reversed(messages):
        if message.role == "assistant":
            answers.append(message)
        elif not message.tool_results:
            break
    return not answers or any(is_own_thought(part, provider) for part in answers[-1].parts)


def _container(messages: Sequence[Message], provider: str) -> str | None:
    """The sandbox in which a turn that is still going on runs its code."""
    for message in reversed(messages[-2:]):
        for part in message.parts if message.role == "assistant" else ():
            if isinstance(part, Opaque) and part.provider == provider and part.data.get("type") == "container":
                return str(part.data.get("id"))
        if not message.tool_results:
            break
    return None


def _merge(body: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the user's own fields. An object is completed, unless it says its own type: then it replaces."""
    merged = dict(body)
    for name, value in extra.items():
        ours = merged.get(name)
        if isinstance(ours, Mapping) and isinstance(value, Mapping) and "type" not in value:
            value = {**ours, **value}
        merged[name] = value
    return merged


def _make_room(body: dict[str, Any], model: str) -> dict[str, Any]:
    """A thinking budget is a part of `max_tokens`: what was asked for as answer comes on top of it.

    Raises `ConfigError` for a budget together with a tool that must be called, which the API refuses.
    """
    thinking, asked = body.get("thinking"), body["max_tokens"]
    if not isinstance(thinking, Mapping) or not isinstance(asked, int):
        return body
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int):
        return body
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") in ("any", "tool"):
        raise ConfigError(
            f"{model} does not think when a tool must be called", hint="leave out thinking, or tool_choice"
        )
    if budget < asked:
        return body
    wanted = budget + asked
    most = largest_output(model) or wanted
    budget = min(budget, max(most - _LEAST_ANSWER, 1))
    return {**body, "max_tokens": min(wanted, most), "thinking": {**thinking, "budget_tokens": budget}}
