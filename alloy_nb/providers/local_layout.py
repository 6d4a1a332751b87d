"""How a conversation is put to a model run in process: plain turns, and calls that a grammar holds to their form.

Found by trying with models of 0.1 billion parameters: told of tools they choose and fill them wrongly; a result that
they are said to have found themselves, in their own turn, they quote well; line numbers they take for content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from ..messages import Message, Part, Text, ToolResult
from .base import Request, ToolCallDelta, ToolSpec

__all__ = ["CHATML", "ForcedCall", "call_schema", "flatten", "forced_tools", "narrowed"]

CHATML = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)

#: Asked after a tool's result, where the user has said nothing more.
_QUESTION = "So what is the answer?"
_NUMBERED = re.compile(r" *(\d+)\t")
#: More values than this make the grammar slow, and are no help for choosing either.
_MOST_CANDIDATES = 500


def forced_tools(request: Request) -> tuple[ToolSpec, ...]:
    """The tools of which one must be called; none where the choice is free."""
    if request.tool_choice == "required":
        return request.tools
    return tuple(tool for tool in request.tools if tool.name == request.tool_choice)


# Turns


def flatten(messages: Iterable[Message]) -> Iterator[Message]:
    """The conversation in words alone: a call and its result become something that the assistant says it did.

    >>> result = ToolResult("     1\\t42", call_id="c", name="read")
    >>> [(message.role, message.text) for message in flatten([Message.user(result)])]
    [('assistant', 'I used the tool read. Its result is:\\n42'), ('user', 'So what is the answer?')]
    """
    for message in messages:
        if message.role == "assistant":
            words = tuple(part for part in message.parts if isinstance(part, Text) and part.text)
            if words:
                yield message.with_parts(words)
            continue
        results = message.tool_results
        if not results:
            yield message
            continue
        yield Message.assistant("\n\n".join(_told(result) for result in results))
        rest: list[Part] = [part for part in message.parts if not isinstance(part, ToolResult)]
        yield message.with_parts(rest or (Text(_QUESTION),))


def _told(result: ToolResult) -> str:
    name = result.name or "that was called"
    outcome = "It failed" if result.is_error else "Its result is"
    text = without_line_numbers(result.text).strip() or "(nothing)"
    return f"I used the tool {name}. {outcome}:\n{text}"


def without_line_numbers(text: str) -> str:
    """`text` without the numbers that ``cat -n`` puts before its lines; any other text stays as it is.

    >>> without_line_numbers("    9\\tone\\n   10\\ttwo\\n")
    'one\\ntwo\\n'
    """
    lines = text.splitlines(keepends=True)
    found = [_NUMBERED.match(line) for line in lines]
    numbers = [int(match[1]) for match in found if match]
    if not found or found[0] is None or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return text
    return "".join(line[match.end() :] if match else line for line, match in zip(lines, found, strict=True))


def describe_tools(tools: Iterable[ToolSpec]) -> str:
    """Tools in words, for models that can make use of it."""
    lines = (f"- {tool.name}: {tool.description}\n  arguments: {json.dumps(dict(tool.input_schema))}" for tool in tools)
    return "\n".join(("Tools:", *lines))


# Calls held to their form


def narrowed(tools: Iterable[ToolSpec], messages: Sequence[Message]) -> tuple[ToolSpec, ...]:
    """`tools` whose candidates are only those that the user's last words name; all of them where none is named.

    >>> read = ToolSpec("read", "", {}, {"path": ["a.txt", "data/b.txt", "c.txt"]})
    >>> narrowed([read], [Message.user("What does b.txt say?")])[0].candidates
    {'path': ['data/b.txt']}
    """
    words = next((message.text for message in reversed(messages) if message.role == "user" and message.text), "")
    return tuple(
        replace(tool, candidates={key: _named(values, words) or values for key, values in tool.candidates.items()})
        for tool in tools
    )


def _named(values: Iterable[str], words: str) -> list[str]:
    """The values that occur in `words`, in full or by the last part of a path, and not as a piece of another word."""
    forms = ((value, {value, value.rpartition("/")[2]} - {""}) for value in values)
    return [value for value, named in forms if any(_occurs(form, words) for form in named)]


def _occurs(form: str, words: str) -> bool:
    return form in words and re.search(rf"(?<![\w./-]){re.escape(form)}(?![\w/-])", words) is not None


def call_schema(tools: Sequence[ToolSpec], *, required_only: bool) -> dict[str, Any]:
    """The JSON schema of one call of one of `tools`: ``{"name": …, "arguments": {…}}``.

    `required_only` leaves out optional arguments, which a small model fills with noise.
    """
    definitions: dict[str, Any] = {}
    calls = [_one_call(tool, definitions, required_only=required_only) for tool in tools]
    schema = calls[0] if len(calls) == 1 else {"anyOf": calls}
    return {**schema, "$defs": definitions} if definitions else schema


def _one_call(tool: ToolSpec, definitions: dict[str, Any], *, required_only: bool) -> dict[str, Any]:
    arguments = _hoisted(dict(tool.input_schema), tool.name, definitions)
    properties = dict(arguments.get("properties") or {})
    required = list(arguments.get("required") or ())
    if required_only:
        properties = {name: properties.get(name, {}) for name in required}
    for name, values in tool.candidates.items():
        if name in properties and values:
            properties[name] = {"enum": list(values)[:_MOST_CANDIDATES]}
    arguments = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False if required_only else arguments.get("additionalProperties", False),
    }
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _hoisted(schema: Any, owner: str, definitions: dict[str, Any]) -> Any:
    """`schema` with its definitions moved to the root of the whole, under names of their own."""
    if isinstance(schema, list):
        return [_hoisted(item, owner, definitions) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$defs" and isinstance(value, Mapping):
            for name, definition in value.items():
                definitions[f"{owner}.{name}"] = _hoisted(definition, owner, definitions)
        elif key == "$ref" and isinstance(value, str):
            moved[key] = value.replace("#/$defs/", f"#/$defs/{owner}.", 1)
        else:
            moved[key] = _hoisted(value, owner, definitions)
    return moved


class ForcedCall:
    """Turns the text of a forced call into deltas of a tool call, as it comes.

    >>> call = ForcedCall()
    >>> pieces = [*call.feed('{"name": "read", "argum'), *call.feed('ents": {"path": "a"}}'), *call.end()]
    >>> pieces[0].name, "".join(piece.arguments for piece in pieces)
    ('read', '{"path": "a"}')
    """

    _START = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')
    _TAIL = re.compile(r"[\s}]*\Z")

    def __init__(self) -> None:
        self.begun = False
        self._held = ""

    def feed(self, text: str) -> Iterator[ToolCallDelta]:
        self._held += text
        if not self.begun:
            start = self._START.match(self._held)
            if start is None:
                return
            self.begun = True
            self._held = self._held[start.end() :]
            yield ToolCallDelta(0, f"call_{uuid4().hex[:16]}", json.loads(start[1]))
        # The last brace belongs to the whole, not to the arguments: held back until what follows is known.
        tail = self._TAIL.search(self._held)
        cut = tail.start() if tail else len(self._held)
        if cut:
            yield ToolCallDelta(0, arguments=self._held[:cut])
            self._held = self._held[cut:]

    def end(self, *, whole: bool = True) -> Iterator[ToolCallDelta]:
        """What was held back; `whole` is False for a text that was cut, which then stays the broken JSON it is."""
        rest = self._held.rstrip()
        if whole:
            rest = rest.removesuffix("}").rstrip()
        if self.begun and rest:
            yield ToolCallDelta(0, arguments=rest)


def in_words(request: Request, *, system_prompt: str | None) -> Request:
    """`request` as plain turns, with nothing in it that a chat template would have to know of."""
    return replace(
        request, messages=tuple(flatten(request.messages)), system_prompt=system_prompt, tools=(), tool_choice=None
    )
