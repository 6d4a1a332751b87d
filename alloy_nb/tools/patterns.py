"""Patterns of paths, matched folder by folder, so that a walk goes only where a match can be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate

from ..errors import ToolError

__all__ = ["Pattern", "Positions", "has_wildcard"]

LONGEST_PATTERN = 1000
MAX_ALTERNATIVES = 100

#: Folders that hold other people's files, by the thousand. Hidden ones, as .git and .venv, are left out anyway.
DULL_FOLDERS = frozenset({"__pycache__", "node_modules", "bower_components", "site-packages", "venv"})

_WILDCARD = re.compile(r"[*?\[{]")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")

#: Where in the pattern a folder stands: (alternative, segment), each a segment that its entries may match.
Positions = frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Segment:
    """What one name of a path must match. `regex` is None for a name without wildcards."""

    text: str
    regex: re.Pattern[str] | None

    @property
    def any_depth(self) -> bool:
        return self.text == "**"

    def matches(self, name: str) -> bool:
        if self.regex is None:
            return name == self.text
        # As in a shell: what is hidden must be asked for.
        if name.startswith(".") and not self.text.startswith("."):
            return False
        return self.regex.match(name) is not None

    def matches_folder(self, name: str) -> bool:
        return self.matches(name) and (self.regex is None or name not in DULL_FOLDERS)


class Pattern:
    """A pattern such as ``src/**/*.{py,pyi}``: ``*``, ``?``, ``[abc]`` within a name, ``**`` for folders at any depth.

    Hidden files and folders are matched by a segment that begins with a dot, dull folders (``node_modules``) by one
    that is their name. Raises `ToolError` for a pattern that cannot be read.

    >>> pattern = Pattern("src/*.py")
    >>> below = pattern.enter(pattern.start, "src")
    >>> pattern.accepts(below, "a.py"), pattern.accepts(below, ".a.py"), pattern.enter(pattern.start, "tests")
    (True, False, frozenset())
    """

    def __init__(self, text: str) -> None:
        if not text.strip("/") or len(text) > LONGEST_PATTERN or "\0" in text:
            raise ToolError(f"{text[:100]!r} is no pattern of paths", hint="a pattern looks like **/*.py")
        self._alternatives = tuple(map(_segments, _expand(text)))
        self.start: Positions = self._closed({(number, 0) for number in range(len(self._alternatives))})

    def enter(self, positions: Positions, name: str) -> Positions:
        """Where the entries of the folder called `name` stand; empty when nothing in it can match."""
        found = set()
        for number, index in positions:
            segment = self._alternatives[number][index]
            if segment.any_depth:
                if not name.startswith(".") and name not in DULL_FOLDERS:
                    found.add((number, index))
            elif index + 1 < len(self._alternatives[number]) and segment.matches_folder(name):
                found.add((number, index + 1))
        return self._closed(found) if found else frozenset()

    def accepts(self, positions: Positions, name: str) -> bool:
        """Whether an entry called `name` matches to its end."""
        for number, index in positions:
            segments = self._alternatives[number]
            if index + 1 == len(segments) and segments[index].matches(name):
                return True
        return False

    def names(self, positions: Positions, name: str) -> bool:
        """Whether the pattern says `name` itself at one of the positions, without wildcards."""
        segments = (self._alternatives[number][index] for number, index in positions)
        return any(segment.regex is None and segment.text == name for segment in segments)

    def _closed(self, positions: set[tuple[int, int]]) -> Positions:
        """With those after each ``**``, which stands for no folder too."""
        found = set(positions)
        for number, index in positions:
            while self._alternatives[number][index].any_depth:
                index += 1
                found.add((number, index))
        return frozenset(found)


def has_wildcard(text: str) -> bool:
    return _WILDCARD.search(text) is not None


def _segments(text: str) -> tuple[_Segment, ...]:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise ToolError(f"the pattern {text!r} leads nowhere", hint="give the folder to start from as `path`")
    if parts[-1] == "**":
        parts.append("*")
    # One ** after another says nothing new.
    kept = [part for at, part in enumerate(parts) if part != "**" or parts[at + 1] != "**"]
    return tuple(_Segment(part, re.compile(translate(part)) if has_wildcard(part) else None) for part in kept)


def _expand(text: str) -> list[str]:
    """``a.{b,c}`` as ``a.b`` and ``a.c``."""
    found: dict[str, None] = {}
    left = [text]
    while left:
        item = left.pop()
        braces = _BRACES.search(item)
        if braces is None:
            found[item] = None
        else:
            choices = reversed(braces[1].split(","))
            left += [item[: braces.start()] + choice + item[braces.end() :] for choice in choices]
        if len(left) + len(found) > MAX_ALTERNATIVES:
            raise ToolError(f"the pattern {text!r} has more than {MAX_ALTERNATIVES} alternatives")
    return list(found)
