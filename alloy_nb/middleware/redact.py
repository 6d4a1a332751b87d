"""Taking out of a conversation what no model is to see, before it is sent."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from ..errors import ConfigError
from ..keywords import keywords_told
from ..messages import Document, Message, Part, Text, Thinking, ToolCall, ToolResult
from ..providers._parts import text_of, unpacked
from ..redaction import MASK, change_strings
from .base import HookContext, Middleware
from .patterns import READY_MADE, Change

__all__ = ["Redact"]

Pattern = str | re.Pattern[str] | Callable[[str], str]


@keywords_told
class Redact(Middleware):
    """Takes what matches out of everything that is sent to a model: prompts, answers, tools' results, system prompt.

    Each pattern is one of

    - ``"email"``, ``"phone"``, ``"iban"``, ``"credit-card"`` (both with their checksums), ``"keys"`` (known secrets,
      and what has the shape of a vendor's key);
    - another string: that text, to the letter;
    - a compiled regular expression;
    - a function from a text to the text as it may be sent. What it raises ends the run, and nothing is sent.

    `replacement` stands in place of what was taken out. The conversation is changed for good: `Result.messages` has
    the replacement, and so has what a later run is given. A message is looked at once, as long as it lives.

    What it does not do: pictures, sound, PDFs and a provider's own parts go as they are, and so do the names,
    descriptions and schemas of tools. What a model wrote itself stands in `Result.text`; events, files of events,
    displays and the store of a session have what was said before it was taken out. A tool is given the arguments that
    the model wrote: where it read ``[redacted]``, that is what it can write. An address that is split over two parts
    is not recognised.

    Raises `ConfigError` for no pattern, an empty one, one that is nearly a ready-made name, and a replacement that
    would be taken out itself.

    >>> import alloy_nb as alloy
    >>> model = alloy.Scripted([{"text": "Noted."}])
    >>> result = alloy.run("I am ada@example.org.", model=model, middleware=[alloy.Redact("email")])
    >>> model.requests[0].messages[0].text
    'I am [redacted].'
    """

    def __init__(self, *patterns: Pattern, replacement: str = MASK) -> None:
        if not patterns:
            raise ConfigError("Redact without a pattern", hint="name some: " + ", ".join(map(repr, READY_MADE)))
        self._patterns = patterns
        self._replacement = replacement
        self._changes = [_change(pattern) for pattern in patterns]
        # By identity, since equal messages may be many and no message is hashed: gone when the message is.
        self._clean: dict[int, weakref.ref[Message]] = {}
        for pattern, change in zip(patterns, self._changes, strict=True):
            if not callable(pattern) and change(replacement, "") != replacement:
                raise ConfigError(
                    f"the replacement {replacement!r} is itself taken out by {pattern!r}", hint="choose another one"
                )

    def __repr__(self) -> str:
        patterns = "".join(f"{pattern!r}, " for pattern in self._patterns)
        return f"Redact({patterns}replacement={self._replacement!r})"

    def before_completion(self, ctx: HookContext) -> None:
        messages = [self._message(message) for message in ctx.messages]
        if any(ours is not theirs for ours, theirs in zip(messages, ctx.messages, strict=True)):
            ctx.messages = tuple(messages)
        if ctx.system_prompt is not None:
            ctx.system_prompt = self.text(ctx.system_prompt)

    def after_tool_execution(self, ctx: HookContext) -> None:
        # A run that ends here, or is shortened before the next call, hands on a conversation too.
        self.before_completion(ctx)

    def text(self, text: str) -> str:
        """A text as it may be sent.

        >>> Redact("credit-card", "hunter2")("".join(["4111 1111 1111 1111", " and hunter2"]))
        '[redacted] and [redacted]'
        """
        for change in self._changes:
            text = change(text, self._replacement)
        return text

    __call__ = text

    def _message(self, message: Message) -> Message:
        known = self._clean.get(id(message))
        if known is not None and known() is message:
            return message
        parts = tuple(map(self._part, message.parts))
        same = all(ours is theirs for ours, theirs in zip(parts, message.parts, strict=True))
        changed = message if same else message.with_parts(parts)
        key = id(changed)
        self._clean[key] = weakref.ref(changed, lambda _: self._clean.pop(key, None))
        return changed

    def _part(self, part: Part) -> Part:
        """The part as it may be sent; the same object where nothing was taken out."""
        match part:
            case Text(text) | Thinking(text):
                return part if (new := self.text(text)) == text else replace(part, text=new)
            case ToolResult():
                return part if (new := self.text(part.text)) == part.text else replace(part, text=new)
            case ToolCall():
                return self._call(part)
            case Document():
                return self._document(part)
        return part

    def _call(self, call: ToolCall) -> ToolCall:
        given = dict(call.input)
        changed = change_strings(given, self.text)
        raw = None if call.raw is None else self.text(call.raw)
        return call if changed == given and raw == call.raw else replace(call, input=changed, raw=raw)

    def _document(self, document: Document) -> Document:
        """Its name, and its words where it is a text."""
        if document.name is not None and (name := self.text(document.name)) != document.name:
            document = replace(document, name=name)
        here = unpacked(document)
        words = text_of(here)
        if words is None or (new := self.text(words)) == words:
            return document
        return replace(here, data=new.encode("utf-8", "replace"))


def _change(pattern: Pattern) -> Change:
    """What takes a pattern out of a text."""
    if isinstance(pattern, re.Pattern):
        expression = pattern
        # What is empty is nothing to take out.
        return lambda text, mask: expression.sub(lambda found: mask if found[0] else "", text)
    if isinstance(pattern, str):
        return READY_MADE.get(pattern) or _literally(pattern)
    if callable(pattern):
        return _own(pattern)
    raise ConfigError(
        f"{pattern!r} is no pattern", hint="give a ready-made name, a text, a compiled re.Pattern or a function"
    )


def _literally(text: str) -> Change:
    if not text.strip():
        raise ConfigError("a pattern is empty", hint="give the text that is to be taken out")
    near = get_close_matches(text.lower(), READY_MADE, n=1, cutoff=0.8)
    if near:
        # Taken to the letter it would take out nothing, and nobody would notice.
        raise ConfigError(
            f"{text!r} is no ready-made pattern",
            hint=f"did you mean {near[0]!r}? The word itself is taken out by re.compile({re.escape(text)!r})",
        )
    return lambda given, mask: given.replace(text, mask)


def _own(function: Callable[[str], Any]) -> Change:
    def change(text: str, _: str) -> str:
        changed = function(text)
        if not isinstance(changed, str):
            raise ConfigError(
                f"a function of Redact returned {type(changed).__name__}", hint="return the text as it may be sent"
            )
        return changed

    return change
