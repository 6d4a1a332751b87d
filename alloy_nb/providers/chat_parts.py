"""The parts of a message in the words of Chat Completions: pictures, sound, documents, and what has no form there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..messages import Audio, Document, Image, Part, Text, ToolCall

__all__ = ["FORMS", "arguments_text", "content_part", "data_url", "in_words", "joined", "kind", "noted", "readable"]

_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-flac": "flac"}
_READABLE = re.compile(r"text/.*|application/(.*\+)?(json|xml|yaml|toml)")

#: A service's form of a part; None for one that it cannot be given.
Form = Callable[[Any], dict[str, Any] | None]


def _image(part: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": part.url or data_url(part)}}


def _audio(part: Audio) -> dict[str, Any] | None:
    if not part.data:
        return None
    subtype = part.mime_type.partition("/")[2]
    return {
        "type": "input_audio",
        "input_audio": {"data": part.base64, "format": _AUDIO_FORMATS.get(subtype, subtype)},
    }


def _document(part: Document) -> dict[str, Any] | None:
    if not part.data:
        return None
    filename = part.name or "document." + part.mime_type.partition("/")[2]
    return {"type": "file", "file": {"filename": filename, "file_data": data_url(part)}}


#: OpenAI's own forms, by the kind of part.
FORMS: Mapping[str, Form] = {"image": _image, "audio": _audio, "document": _document}


def content_part(part: Part, forms: Mapping[str, Form]) -> dict[str, Any]:
    """A part in the service's form, or in words where it has none: nothing is left out in silence."""
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    # Services take PDF as a file, and refuse what could be read as it is.
    text = readable(part)
    form = forms.get(kind(part))
    made = form(part) if form is not None and text is None else None
    return made or {"type": "text", "text": in_words(part) if text is None else text}


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
    if not isinstance(part, Document) or not part.data or not _READABLE.fullmatch(part.mime_type):
        return None
    return f"{part.name or 'document'}:\n{part.data.decode('utf-8', 'replace')}"


def in_words(part: Part) -> str:
    """What a service cannot be given, named.

    >>> in_words(Image("image/png", url="https://x.test/a.png"))
    '[image that this service cannot be given: https://x.test/a.png]'
    """
    name = getattr(part, "name", None)
    detail = f"{name}, " if name else ""
    where = getattr(part, "url", None) or getattr(part, "mime_type", "")
    return f"[{kind(part)} that this service cannot be given: {detail}{where}]"


def noted(part: Part) -> Part:
    """A picture or sound that an assistant made cannot be sent back as such: it is named."""
    return Text(f"[{kind(part)}]") if isinstance(part, Image | Audio | Document) else part


def joined(parts: Iterable[Part]) -> str:
    """The texts, a line each."""
    return "\n".join(part.text for part in parts if isinstance(part, Text) and part.text)


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
