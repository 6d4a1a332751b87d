"""Reading a small text file that somebody else may have written: inside its folder only, up to a limit, once."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import AlloyError, ToolError
from ..plain import visible
from ..tools.opening import Held, hold
from ..tools.paths import is_secret, real_path
from ..tools.storing import encoding_of

__all__ = ["NotRead", "TextFile", "read_text_file"]

#: Bytes that a character may take.
_WIDEST = 4
_MOST_KEPT = 500


class NotRead(AlloyError):
    """A file that is there and was passed over; the message says why, to follow "NAME was not read: "."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text, with plain line ends and without what is not seen; `cut` where the file is longer.

    `real` is where the path leads.
    """

    text: str
    real: Path
    cut: bool = False


# By real path: the version that was read, how much of it was wanted, and what came of it.
_kept: dict[str, tuple[tuple[int, ...], int, TextFile]] = {}


def read_text_file(path: Path, within: Path, most: int) -> TextFile | None:
    """At most `most` characters of the file; None when there is none. `within` is a folder above it.

    A file that is as it was last time is not read again. Raises `NotRead` for one that is no text, no file, cannot be
    read, or is a link that leads out of `within` or to what is no Markdown or may hold secrets: who shares a folder
    decides what its links say, but not what else of this machine is read.
    """
    real = _real(path, within)
    if real is None:
        return None
    try:
        with hold(real) as held:
            return _read(held, most)
    except FileNotFoundError:
        return None
    except (ToolError, OSError) as error:
        raise NotRead(getattr(error, "strerror", None) or str(error)) from error


def _real(path: Path, within: Path) -> Path | None:
    try:
        real = Path(os.path.realpath(path, strict=True))
    except FileNotFoundError:
        if path.is_symlink():
            raise NotRead("it is a link to nothing") from None
        return None
    except NotADirectoryError:
        return None
    except OSError as error:
        raise NotRead(error.strerror or str(error)) from error
    base = real_path(within)
    if not real.is_relative_to(base):
        raise NotRead(f"it is a link that leads out of {within}")
    if real != base / path.relative_to(within) and (real.suffix != ".md" or is_secret(real.relative_to(base))):
        raise NotRead("it is a link to a file of another kind")
    return real


def _read(held: Held, most: int) -> TextFile:
    status, key = held.status(), str(held.path)
    if status is None:
        raise FileNotFoundError
    version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    kept = _kept.get(key)
    if kept is not None and kept[:2] == (version, most):
        return kept[2]
    with held.open() as file:
        data = file.read(most * _WIDEST + 1)
    found = _decode(data, held.path, most)
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[key] = version, most, found
    return found


def _decode(data: bytes, real: Path, most: int) -> TextFile:
    encoding = encoding_of(data[:8192])
    if encoding is None:
        raise NotRead("it is no text")
    cut = len(data) > most * _WIDEST
    try:
        # What is cut may end within a character.
        text = codecs.getincrementaldecoder(encoding.name)().decode(data[len(encoding.mark) :], final=not cut)
    except UnicodeDecodeError:
        what = f"it is not in {encoding}, as its beginning says" if encoding.mark else "it is not in UTF-8"
        raise NotRead(what) from None
    text = visible(text)
    return TextFile(text[:most], real, cut or len(text) > most)
