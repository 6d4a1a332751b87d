"""Skills: instructions for a kind of task, kept in Markdown files, found by where they lie.

``~/.alloy/skills`` holds the user's, ``.alloy/skills`` in the root of the git repository and in the working directory
the project's; each is a file ``NAME.md``, or a folder with a ``SKILL.md`` and what else the skill needs.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..articles import a_kind
from ..errors import ConfigError
from ..folders import home_folder
from ..keywords import keywords_told
from ..plain import one_line, visible
from ..tools.paths import real_path
from .discovery import Origin, git_root, markdown_names, shown_name
from .frontmatter import split_frontmatter
from .textfile import NotRead, read_text_file

__all__ = ["FOLDER_FILE", "Skill", "discover_skills", "find_skills", "named_skills"]

logger = logging.getLogger("alloy_nb")

#: The file that makes a folder a skill.
FOLDER_FILE = "SKILL.md"
#: Characters of one skill: less than a tool may answer.
MOST = 90_000
_LONGEST_NAME = 64

_PLACEHOLDER = re.compile(r"\{\{([^{}\n]+)\}\}")


@keywords_told
@dataclass(frozen=True, slots=True)
class Skill:
    """Instructions for a kind of task: their name, what they are for, the text itself, and the file it is from.

    `body` may hold placeholders, which `apply` fills: ``{{input}}``, or names of your own.

    >>> Skill.from_text("---\\nname: review\\n---\\nReview {{input}} with care.").apply("setup.py")
    'Review setup.py with care.'
    """

    name: str
    description: str = ""
    body: str = ""
    path: Path | None = None

    @classmethod
    def from_text(cls, text: str, path: Path | None = None) -> Skill:
        """Read frontmatter and body; a name that it does not say is the file's, or the folder's of a ``SKILL.md``."""
        facts, body = split_frontmatter(text)
        facts = {key: visible(fact) for key, fact in facts.items()}  # YAML spells what nobody sees by escapes
        name = one_line(facts.get("name", ""), _LONGEST_NAME) or (_name_of(path) if path is not None else "skill")
        return cls(name, facts.get("description", ""), body, path)

    @classmethod
    def from_path(cls, path: str | os.PathLike[str]) -> Skill:
        """Read a file, or a folder's ``SKILL.md``. Raises `ConfigError` when it cannot be read."""
        file = Path(path).expanduser().absolute()
        file = file / FOLDER_FILE if file.is_dir() else file
        try:
            found = _read(file, file.parent)
        except NotRead as error:
            raise ConfigError(
                f"{file} was not read: {error.message}", hint="give a Markdown file, or its folder"
            ) from error
        if found is None:
            raise ConfigError(f"there is no skill {file}", hint="give a Markdown file, or a folder with a SKILL.md")
        return found

    @property
    def folder(self) -> Path | None:
        """The folder of a ``SKILL.md``, whose other files belong to the skill; None for a single file."""
        return self.path.parent if self.path is not None and self.path.name == FOLDER_FILE else None

    def apply(self, values: str | Mapping[str, Any]) -> str:
        """The body with its placeholders filled: ``{{input}}`` by a string, each ``{{key}}`` by a mapping's value.

        All at once, so that a value which looks like a placeholder stays as it is; so does a placeholder that
        `values` does not know.
        """
        known = {"input": values} if isinstance(values, str) else values

        def fill(match: re.Match[str]) -> str:
            key = match[1] if match[1] in known else match[1].strip()
            return str(known[key]) if key in known else match[0]

        return _PLACEHOLDER.sub(fill, self.body)

    def prompt(self, text: str = "") -> str:
        """The body as a prompt about `text`, which stands at its end where no ``{{input}}`` says otherwise."""
        asks = any(match.strip() == "input" for match in _PLACEHOLDER.findall(self.body))
        if asks or not text.strip():
            return self.apply(text)
        return f"{self.body}\n\n{text}".strip()


@keywords_told
def discover_skills(
    working_directory: str | os.PathLike[str] = ".", home: str | os.PathLike[str] | None = None
) -> tuple[Skill, ...]:
    """The user's and the project's skills, by name; of one name, the one nearest to the working directory.

    `home` is the folder that holds the user's ``.alloy``. A file that cannot be read is logged, and left out.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skills = Path(folder, ".alloy", "skills")
    ...     skills.mkdir(parents=True)
    ...     _ = (skills / "haiku.md").write_text("Write a haiku about {{input}}.")
    ...     [skill.name for skill in discover_skills(folder, home=folder)]
    ['haiku']
    """
    own = home_folder() if home is None else Path(home).expanduser().absolute()
    skills, problems = find_skills(Path(working_directory).expanduser().absolute(), own)
    for problem in problems:
        logger.warning("%s", problem)
    return skills


def find_skills(directory: Path, home: Path) -> tuple[tuple[Skill, ...], tuple[str, ...]]:
    """The same, and a line for each that was passed over."""
    problems: list[str] = []
    found: dict[str, Skill] = {}
    directory = real_path(directory)
    root = git_root(directory) or directory
    places: list[tuple[Path, Path, Origin]] = [(home, home, "user"), (root, root, "project")]
    if directory != root:
        places.append((directory, root, "project"))
    seen: set[Path] = set()
    for folder, within, origin in places:
        folder = folder / ".alloy" / "skills"
        if real_path(folder) in seen:
            continue
        seen.add(real_path(folder))
        here: dict[str, Skill] = {}
        for skill in _in_folder(folder, within, shown_name(folder, within, origin), problems):
            if skill.name in here:
                file = shown_name(skill.path or folder, within, origin)
                problems.append(f"{file} was left out: another skill there is called {skill.name}, too")
            else:
                here[skill.name] = skill
        found.update(here)
    return tuple(sorted(found.values(), key=lambda skill: skill.name)), tuple(problems)


def named_skills(given: Iterable[Any], directory: Path) -> tuple[Skill, ...]:
    """Skills that are given one by one: as such, as files, or as folders of one or of many.

    Raises `ConfigError` for what is none, and for two of one name.
    """
    found: dict[str, Skill] = {}
    for item in given:
        for skill in _of(item, directory):
            if skill.name in found:
                raise ConfigError(f"two skills are called {skill.name!r}", hint="rename one in its frontmatter")
            found[skill.name] = skill
    return tuple(sorted(found.values(), key=lambda skill: skill.name))


def _of(item: Any, directory: Path) -> Sequence[Skill]:
    if isinstance(item, Skill):
        return [item]
    if not isinstance(item, str | os.PathLike):
        raise ConfigError(f"skills holds {a_kind(item)}", hint="give paths, or alloy.Skill objects")
    path = directory / Path(item).expanduser()
    if not path.is_dir() or (path / FOLDER_FILE).exists():
        return [Skill.from_path(path)]
    problems: list[str] = []
    skills = list(_in_folder(path, path, str(path), problems))
    for problem in problems:
        logger.warning("%s", problem)
    return skills


def _in_folder(folder: Path, within: Path, name: str, problems: list[str]) -> Iterator[Skill]:
    """The skills of a folder, in the order of its names."""
    for entry in markdown_names(folder, name, problems, suffix=""):
        path = folder / entry
        if path.is_dir():
            path = path / FOLDER_FILE
        elif not entry.endswith(".md"):
            continue
        try:
            skill = _read(path, within)
        except NotRead as error:
            problems.append(f"{name}/{one_line(path.relative_to(folder).as_posix())} was not read: {error.message}")
            continue
        if skill is not None:
            yield skill


def _read(path: Path, within: Path) -> Skill | None:
    file = read_text_file(path, within, MOST)
    if file is None:
        return None
    if file.cut:
        raise NotRead(f"it is longer than {MOST:,} characters")
    return Skill.from_text(file.text, path)


def _name_of(path: Path) -> str:
    return one_line(path.parent.name if path.name == FOLDER_FILE else path.stem, _LONGEST_NAME)
