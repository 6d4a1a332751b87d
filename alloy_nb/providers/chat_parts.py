"""The parts of a message in the forms of Chat Completions: pictures, sound, documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..messages import Audio, Document, Image, Part, Text
from ._parts import data_url, in_words, kind, readable, unpacked

__all__ = ["FORMS", "Form", "content_part"]

_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-flac": "flac"}

#: A service's form of a part; None for one that it cannot be given.
Form = Callable[[Any], dict[str, Any] | None]


def _image(part: Image) -> dict[str, Any] | None:
    if not (part.url or part.data):
        return None
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
    part = unpacked(part)
    # Services take PDF as a file, and refuse what could be read as it is.
    text = readable(part)
    form = forms.get(kind(part))
    made = form(part) if form is not None and text is None else None
    return made or {"type": "text", "text": in_words(part) if text is None else text}
