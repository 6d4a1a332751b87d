"""What all wires do alike: the bytes in an address, and the words of what a service takes in no other form."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from ..messages import Audio, Document, Image, Part, Text, ToolCall, ToolResult

__all__ = [
    "UNKNOWN_TYPE",
    "arguments_text",
    "aside",
    "data_url",
    "in_words",
    "joined",
    "kind",
    "noted",
    "readable",
    "said",
    "schema_in_words",
    "text_of",
    "unpacked",
    "with_wish",
]

_READABLE = re.compile(r"text/.*|application/(.*\+)?(json|xml|yaml|toml|javascript)")
#: The type that an address of its own without one has, and the one of which nothing is known.
_PLAIN, UNKNOWN_TYPE = "text/plain", "application/octet-stream"

_Kind = TypeVar("_Kind", bound=Part)


def unpacked(part: _Kind) -> _Kind:
    """The same part; the bytes of a ``data:`` address are in it, and the address, which no service fetches, is not.

    >>> unpacked(Image.from_url("data:image/png;base64,AAAA"))
    Image(mime_type='image/png', url=None)
    """
    if not isinstance(part, Image | Audio | Document) or part.url is None or part.url[:5].lower() != "data:":
        return part
    head, _, inside = part.url[5:].partition(",")
    mime_type, *parameters = head.split(";")
    known = part.mime_type if part.mime_type != UNKNOWN_TYPE else _PLAIN
    data = unquote_to_bytes(inside.encode("utf-8", "replace"))
    if any(parameter.strip().lower() == "base64" for parameter in parameters):
        try:
            data = b64decode(b"".join(data.split()), validate=True)
        except ValueError:
            data = b""  # what is left of the part is named
    return replace(part, mime_type=mime_type.strip().lower() or known, data=part.data or data, url=None)


def kind(part: Part) -> str:
    """``"image"``, ``"audio"``, ``"document"``, …"""
    return type(part).__name__.lower()


def data_url(part: Image | Audio | Document) -> str:
    return f"data:{part.mime_type};base64,{part.base64}"


def readable(part: Part) -> str | None:
    """The words of a document that is text; None for everything else.

    >>> readable(Document("text/csv", b"a,b", name="a.csv"))
    'a.csv:\\na,b'
    """
    if not isinstance(part, Document) or (text := text_of(part)) is None:
        return None
    return f"{part.name or 'document'}:\n{text}"


def text_of(document: Document) -> str | None:
    """What stands in a document that is text; None where it is none, or not here."""
    if not document.data or not _READABLE.fullmatch(document.mime_type):
        return None
    return document.data.decode("utf-8", "replace")


def in_words(part: Part) -> str:
    """What a service cannot be given, named.

    >>> in_words(Image("image/png", url="https://x.test/a.png"))
    '[image that this service cannot be given: https://x.test/a.png]'
    """
    part = unpacked(part)
    name = getattr(part, "name", None)
    detail = f"{name}, " if name else ""
    where = getattr(part, "url", None) or getattr(part, "mime_type", "")
    return f"[{kind(part)} that this service cannot be given: {detail}{where}]"


def said(part: Part) -> str:
    """The part where only words may stand: its text, or its name. Empty for what is not for being read."""
    if isinstance(part, Text):
        return part.text
    if not isinstance(part, Image | Audio | Document):
        return ""
    part = unpacked(part)
    text = readable(part)
    return in_words(part) if text is None else text


def aside(result: ToolResult, images: Sequence[Image] | None = None) -> list[Part]:
    """A result's pictures, for a service that takes none in results: said in the user's name, after all results."""
    images = result.images if images is None else images
    return [Text(f"Images from {result.name or 'the tool'}:"), *images] if images else []


def noted(part: Part) -> Part:
    """A picture or sound that an assistant made cannot be sent back as such: it is named."""
    return Text(f"[{kind(part)}]") if isinstance(part, Image | Audio | Document) else part


def joined(parts: Iterable[Part]) -> str:
    """The texts, a line each."""
    return "\n".join(part.text for part in parts if isinstance(part, Text) and part.text)


def schema_in_words(prompt: str | None, schema: Mapping[str, Any]) -> str:
    """The system prompt, with the schema of the answer for a service that takes none."""
    return with_wish(
        prompt,
        f"Answer with one JSON object and nothing else. It must match this JSON schema:\n{json.dumps(dict(schema))}",
    )


def with_wish(prompt: str | None, wish: str) -> str:
    """The system prompt, with a paragraph of ours."""
    return f"{prompt}\n\n{wish}" if prompt else wish


def arguments_text(call: ToolCall) -> str:
    """A call's arguments as JSON; those that were none are left out, since services refuse them."""
    if call.raw is None:
        return json.dumps(dict(call.input), ensure_ascii=False, default=str)
    return call.raw if _is_json(call.raw) else "{}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
