"""The header of a GGUF file: enough of it to tell whether it is whole and how its model wants to be spoken to."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ConfigError

__all__ = ["Header", "check_magic", "read_header"]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
# Beyond these a number can only be noise read as a length.
_LARGEST_TEXT, _LARGEST_COUNT = 1 << 26, 1 << 24

_HINT = "fetch it again: `alloy local pull smollm2`, or `alloy local pull hf:ORG/REPO:FILE`"


@dataclass(frozen=True, slots=True)
class Header:
    """`context_length` in tokens (None: not told), `template` the model's own chat template, `least_size` in bytes."""

    architecture: str
    context_length: int | None
    template: str | None
    least_size: int


def check_magic(path: Path) -> None:
    """Raise `ConfigError` unless the file begins as GGUF files do."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror or error}", hint="check the path and its permissions"
        ) from error
    if start != _MAGIC:
        raise ConfigError(f"{path} is no GGUF file", hint=_HINT)


def read_header(path: Path) -> Header:
    """Read the header; `ConfigError` for a file that is no GGUF or was cut short."""
    check_magic(path)
    size = path.stat().st_size
    try:
        with path.open("rb", buffering=1 << 20) as file:
            header = _Reader(file).header()
    except (EOFError, struct.error, UnicodeDecodeError, OverflowError) as error:
        raise _cut_short(path, size) from error
    if size < header.least_size:
        raise _cut_short(path, size)
    return header


def _cut_short(path: Path, size: int) -> ConfigError:
    return ConfigError(f"{path} is cut short or broken ({size:,} bytes)", hint=_HINT)


class _Reader:
    """Reads the little-endian values that a GGUF header is made of."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def header(self) -> Header:
        self._take(len(_MAGIC))
        version, tensors, pairs = self._number("I"), self._number("Q"), self._number("Q")
        if version not in _VERSIONS or max(tensors, pairs) > _LARGEST_COUNT:
            raise EOFError(f"GGUF version {version}")
        values: dict[str, Any] = {}
        for _ in range(pairs):
            key = self._text()
            values[key] = self._value(self._number("I"))
        architecture = str(values.get("general.architecture", ""))
        last = max((self._tensor_offset() for _ in range(tensors)), default=None)
        context = values.get(f"{architecture}.context_length")
        return Header(
            architecture=architecture,
            context_length=int(context) if context else None,
            template=values.get("tokenizer.chat_template") or None,
            least_size=self.file.tell() + (0 if last is None else last + 1),
        )

    def _tensor_offset(self) -> int:
        self._skip_text()
        self._take(8 * int(self._number("I")) + 4)
        return int(self._number("Q"))

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._skip_array()
        return self._number(_scalar(kind))

    def _skip_array(self) -> None:
        """Vocabularies: long, and of no use here."""
        kind, count = self._number("I"), self._number("Q")
        if kind in (_STRING, _ARRAY):
            skip: Callable[[], Any] = self._skip_text if kind == _STRING else self._skip_array
            for _ in range(count):
                skip()
            return
        self._skip(struct.calcsize(_scalar(kind)) * count)

    def _skip_text(self) -> None:
        self._skip(self._number("Q"))

    def _text(self) -> str:
        return str(self._take(self._number("Q")), "utf-8")

    def _number(self, code: str) -> Any:
        return struct.unpack("<" + code, self._take(struct.calcsize("<" + code)))[0]

    def _take(self, count: int) -> bytes:
        if count > _LARGEST_TEXT:
            raise EOFError(f"a text of {count} bytes")
        data = self.file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _skip(self, count: int) -> None:
        # Read on, not seek: a seek past the end of a file cut short raises nothing.
        while count > 0:
            step = min(count, 1 << 20)
            self._take(step)
            count -= step


def _scalar(kind: int) -> str:
    try:
        return _SCALARS[kind]
    except KeyError:
        raise EOFError(f"a value of kind {kind}") from None
