"""Searching files for a regular expression. Runs in a child process: see `child`."""

from __future__ import annotations

import io
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ToolError
from .opening import hold
from .paths import is_secret
from .patterns import Pattern
from .storing import encoding_of
from .walking import Walk

__all__ = ["Search", "search"]

#: Bytes: what is larger is data, and searched only when it is named itself.
MAX_FILE = 20_000_000
#: Characters of a line that are searched at once, and that are shown.
LONGEST_SEARCHED = 1 << 20
LONGEST_SHOWN = 400

_SAMPLE = 8192
_LINES_A_LOOK = 2000
_NAMED = 3

#: Number, mark (":" for a match, "-" for a line around one) and text.
Line = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for, and how much of it to tell.

    `root` is the real path of a folder or a file, `prefix` what stands before a path below it that is told, `secrets`
    whether files with keys may be searched. `limit` counts lines that match for the output ``lines``, files else;
    `room` counts characters.
    """

    root: str
    prefix: str
    pattern: str
    ignore_case: bool = False
    glob: str = "**"
    context: int = 0
    output: str = "lines"
    limit: int = 200
    room: int = 100_000
    seconds: float = 20.0
    secrets: bool = False


def search(**job: Any) -> Iterator[dict[str, Any]]:
    """Messages: of each file that matches its `path`, `count` and `lines`; at the end one of what was passed over.

    `job` is what a `Search` is made of. Raises `ToolError` for a pattern that is none.
    """
    return _Searching(Search(**job)).run()


@dataclass(slots=True)
class _Passed:
    """Files that were not searched."""

    binary: int = 0
    unreadable: int = 0
    secret: list[str] = field(default_factory=list)
    huge: list[str] = field(default_factory=list)


class _Searching:
    def __init__(self, search: Search) -> None:
        self._search = search
        self._regex = _compile(search)
        self._end = time.monotonic() + search.seconds
        self._room = search.room
        self._told = 0
        self._left_out = 0
        self._searched = 0
        self._passed = _Passed()
        self._unfinished = ""

    def run(self) -> Iterator[dict[str, Any]]:
        root = Path(self._search.root)
        if root.is_dir():
            walk = Walk(root, Pattern(self._search.glob), seconds=self._search.seconds)
            for path in walk:
                yield from self._look_at(root / path, self._search.prefix + path)
                if self._unfinished:
                    break
            self._unfinished = self._unfinished or walk.unfinished
        else:
            yield from self._look_at(root, self._search.prefix, named=True)
        yield self._summary()

    def _look_at(self, path: Path, shown: str, *, named: bool = False) -> Iterator[dict[str, Any]]:
        if is_secret(path) and not self._search.secrets:
            self._passed.secret.append(shown)
            return
        try:
            # Through no link, as the walk went: what turned into one meanwhile is not searched.
            with hold(path) as held, held.open() as file:
                if os.fstat(file.fileno()).st_size > MAX_FILE and not named:
                    self._passed.huge.append(shown)
                    return
                lines = _lines(file)
                if lines is None:
                    self._passed.binary += 1
                    return
                self._searched += 1
                yield from self._tell(shown, lines)
        except (OSError, ToolError):
            self._passed.unreadable += 1

    def _tell(self, shown: str, lines: Iterator[tuple[int, str]]) -> Iterator[dict[str, Any]]:
        kept: list[Line] = []
        count = 0
        for line in self._matches(lines):
            count += line[1] == ":"
            if self._search.output != "lines":
                if self._search.output == "files":
                    break
            elif self._takes(shown, line):
                kept.append(line)
        if count and self._search.output != "lines":
            if not self._takes(shown, (0, ":", "")):
                return
        elif not kept:
            return
        yield {"path": shown, "count": count, "lines": kept}

    def _takes(self, shown: str, line: Line) -> bool:
        """Whether there is room to tell it; a match for which there is none is counted."""
        size = len(shown) + len(line[2]) + 12
        if self._told < self._search.limit and self._room >= size:
            self._room -= size
            self._told += line[1] == ":"
            return True
        self._left_out += line[1] == ":"
        return False

    def _matches(self, lines: Iterator[tuple[int, str]]) -> Iterator[Line]:
        """Lines that match, with those around them."""
        before: deque[Line] = deque(maxlen=self._search.context)
        after = 0
        for number, line in lines:
            if number % _LINES_A_LOOK == 0 and time.monotonic() > self._end:
                self._unfinished = f"after {self._search.seconds:g} s"
                return
            found = self._regex.search(line)
            if found is not None:
                yield from before
                before.clear()
                yield number, ":", _shown(line, found.start())
                after = self._search.context
            elif after:
                yield number, "-", _shown(line, 0)
                after -= 1
            elif self._search.context:
                before.append((number, "-", _shown(line, 0)))

    def _summary(self) -> dict[str, Any]:
        passed = self._passed
        return {
            "searched": self._searched,
            "left_out": self._left_out,
            "binary": passed.binary,
            "unreadable": passed.unreadable,
            "secret": _named(passed.secret),
            "huge": _named(passed.huge),
            "unfinished": self._unfinished,
        }


def _named(paths: list[str]) -> str:
    """The first few of them, and how many more there are."""
    more = len(paths) - _NAMED
    return ", ".join(paths[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _compile(search: Search) -> re.Pattern[str]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a pattern that a later Python will read in another way
        try:
            return re.compile(search.pattern, re.IGNORECASE if search.ignore_case else 0)
        except (re.error, OverflowError, RecursionError) as error:
            raise ToolError(
                f"{search.pattern[:200]!r} is no regular expression: {error}",
                hint=r"it is Python's syntax: put \ before ( ) [ ] { } . * + ? ^ $ | that stand for themselves",
            ) from error


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]] | None:
    """The lines with their numbers, without ends; of a very long one its pieces. None when it is no text."""
    encoding = encoding_of(file.read(_SAMPLE))
    if encoding is None:
        return None
    file.seek(len(encoding.mark))
    errors = "surrogateescape" if encoding.name == "utf-8" else "replace"
    return _numbered(io.TextIOWrapper(file, encoding.name, errors, newline="\n"))


def _numbered(text: io.TextIOWrapper) -> Iterator[tuple[int, str]]:
    number = 1
    while piece := text.readline(LONGEST_SEARCHED):
        whole = piece.endswith("\n")
        line = piece[:-1].removesuffix("\r") if whole else piece
        yield number, line if line.isascii() else _real(line)
        number += whole


def _real(line: str) -> str:
    """Bytes that are no UTF-8 came as lone surrogates: the line is latin-1, as `read` shows it."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return line.encode("utf-8", "surrogateescape").decode("latin-1")
    return line


def _shown(line: str, start: int) -> str:
    """The line, or of a long one the part around `start`."""
    if len(line) <= LONGEST_SHOWN:
        return line
    begin = 0 if start < LONGEST_SHOWN // 2 else start - LONGEST_SHOWN // 4
    end = begin + LONGEST_SHOWN
    return f"{'…' if begin else ''}{line[begin:end]}{f'… ({len(line)} characters)' if end < len(line) else ''}"
