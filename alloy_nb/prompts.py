"""From what a user passes as a prompt to a message."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .articles import a_kind
from .errors import ConfigError
from .messages import Audio, Document, Image, Message, Part, Text, ToolCall, ToolResult

__all__ = ["to_message"]

_MAGIC = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


def to_message(prompt: Any) -> Message:
    """A user message of a `str`, a `Message`, or a sequence of `str`, parts, `Path`s, bytes, images and figures.

    >>> to_message("Hello").text
    'Hello'
    """
    if isinstance(prompt, Message):
        return prompt
    if isinstance(prompt, str | bytes | Mapping) or not isinstance(prompt, Iterable):
        prompt = [prompt]
    parts = tuple(_to_part(item) for item in prompt)
    if not any(not isinstance(part, Text) or part.text.strip() for part in parts):
        raise ConfigError("the prompt is empty", hint="write a question, or pass messages=")
    return Message("user", parts)


def _to_part(item: Any) -> Part:
    if isinstance(item, str):
        return Text(item)
    if isinstance(item, ToolCall | ToolResult):
        raise ConfigError(f"{a_kind(item)} is no prompt", hint="pass it inside messages=")
    if isinstance(item, Part):
        return item
    if isinstance(item, Path):
        return _read_path(item)
    if isinstance(item, bytes):
        return _sniff(item)
    if hasattr(item, "savefig") or hasattr(item, "save"):
        return Image.from_figure(item)
    raise ConfigError(
        f"cannot send {a_kind(item)}",
        hint="pass text, a Path, bytes of an image, a PIL image, a figure, or a Message",
    )


def _read_path(path: Path) -> Part:
    kind = mimetypes.guess_type(path.name)[0] or ""
    if kind.startswith("image/"):
        return Image.from_path(path)  # type: ignore[no-any-return]
    if kind.startswith("audio/"):
        return Audio.from_path(path)  # type: ignore[no-any-return]
    document: Document = Document.from_path(path)
    if kind == "application/pdf":  # some are plain ASCII, and no text all the same
        return replace(document, name=path.name)
    try:
        text = document.data.decode("utf-8")
    except UnicodeDecodeError:
        return Document(document.mime_type, document.data, name=path.name)
    return Text(f"{path.name}:\n```\n{text}\n```\n")


def _sniff(data: bytes) -> Part:
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return Image(kind, data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Image("image/webp", data)
    if data.startswith(b"%PDF"):
        return Document("application/pdf", data)
    raise ConfigError(f"{len(data)} bytes of an unknown kind", hint="wrap them: Image(mime_type, data), Document(...)")
