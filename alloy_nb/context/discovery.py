"""Context files: what the user and a project want every model to know, found by where they lie.

From the general to the particular: ``~/.alloy`` (``AGENTS.md`` and ``context/*.md``), the root of the git repository
(``AGENTS.md`` and ``.alloy/context/*.md``), each folder below it (``AGENTS.md``), and the working directory like the
root. Those of a project are somebody else's words: `system_prompt` marks them as such.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

from ..counting import counted
from ..plain import one_line
from ..tools.paths import real_path
from .textfile import NotRead, read_text_file

__all__ = ["MOST", "Found", "Origin", "Section", "discover_context", "fit", "git_root", "markdown_names", "shown_name"]

#: Characters of one file, and of all together.
MOST_OF_ONE = 32_000
MOST = 64_000
#: Files of one folder.
_MOST_FILES = 100
_MOST_ENTRIES = 10_000
#: No file is worth less room than this.
_LEAST = 200

Origin = Literal["user", "project"]


@dataclass(frozen=True, slots=True)
class Section:
    """A context file: its name as it is told, its text (`cut` where there is more of it), and whose it is."""

    name: str
    text: str
    path: Path
    origin: Origin
    cut: bool = False

    def __str__(self) -> str:
        size = len(self.text)
        return f"{self.name}: {'the first ' if self.cut else ''}{counted(size, 'character')}"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the nearest last, and a line for each file that is there and was passed over."""

    sections: tuple[Section, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder to look into: ``AGENTS.md`` in `folder`, and the ``.md`` files of `context`, if it has any."""

    folder: Path
    within: Path
    origin: Origin
    context: Path | None = None


def discover_context(directory: Path, home: Path) -> Found:
    """The context files for a working directory, and for the user whose home that is. Empty ones are left out.

    A file is told once, however many ways lead to it; two files of one name are two.
    """
    sections: list[Section] = []
    problems: list[str] = []
    seen: set[Path] = set()
    for place in _places(directory, home):
        for path in _files(place, problems):
            name = shown_name(path, place.within, place.origin)
            try:
                file = read_text_file(path, place.within, MOST_OF_ONE)
            except NotRead as error:
                problems.append(f"{name} was not read: {error.message}")
                continue
            if file is None or file.real in seen or not file.text.strip():
                continue
            seen.add(file.real)
            sections.append(Section(name, file.text.strip(), path, place.origin, file.cut))
    return Found(tuple(sections), tuple(problems))


def git_root(directory: Path) -> Path | None:
    """The nearest folder that holds ``.git``, a folder or a file, from a real path upwards; None when there is none.

    Like git, we do not take the word of a ``.git`` that somebody else has put above (into ``/tmp``, say).
    """
    trusted = {_owner(directory), os.geteuid() if hasattr(os, "geteuid") else None}
    for folder in (directory, *directory.parents):
        if os.path.lexists(folder / ".git"):
            return folder if folder == directory or _owner(folder / ".git") in trusted else None
    return None


def _owner(path: Path) -> int | None:
    try:
        return os.lstat(path).st_uid
    except OSError:
        return None


def _places(directory: Path, home: Path) -> Iterator[_Place]:
    own = home / ".alloy"
    yield _Place(own, home, "user", own / "context")
    directory = real_path(directory)
    root = git_root(directory) or directory
    for folder in (*reversed(directory.parents), directory):
        if folder.is_relative_to(root):
            ends = folder in (root, directory)
            yield _Place(folder, root, "project", folder / ".alloy" / "context" if ends else None)


def _files(place: _Place, problems: list[str]) -> Iterator[Path]:
    yield place.folder / "AGENTS.md"
    if place.context is not None:
        name = shown_name(place.context, place.within, place.origin)
        yield from (place.context / file for file in markdown_names(place.context, name, problems))


def markdown_names(folder: Path, name: str, problems: list[str], *, suffix: str = ".md") -> list[str]:
    """The names in a folder that end so, in order; a missing folder has none, what is wrong is a problem."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in islice(entries, _MOST_ENTRIES) if entry.name.endswith(suffix))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problems.append(f"{name} was not read: {error.strerror or error}")
        return []
    if len(names) > _MOST_FILES:
        problems.append(f"{name} holds {len(names)} files: those after the first {_MOST_FILES} were not read")
    return names[:_MOST_FILES]


def shown_name(path: Path, within: Path, origin: Origin) -> str:
    """How a path is told: from home with a ``~``, in a project from its root."""
    try:
        below = path.relative_to(within).as_posix()
    except ValueError:
        return one_line(str(path))
    return one_line(f"~/{below}" if origin == "user" else below)


def fit(found: Found, most: int) -> Found:
    """As much as has room in `most` characters. What is nearest counts most: the first files are cut, or left out."""
    room, kept, problems = most, [], list(found.problems)
    for section in reversed(found.sections):
        if len(section.text) > room:
            if room < _LEAST:
                problems.append(f"{section.name} was left out: all context files together are too long")
                continue
            section = replace(section, text=section.text[:room], cut=True)
        room -= len(section.text)
        kept.append(section)
    return Found(tuple(reversed(kept)), tuple(problems))
