"""What a run takes from around: context files and skills, as its options ask for them.

What finds and reads them is imported when it is first asked for: most runs ask for neither.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..folders import home_folder
from ..models import model_info
from ..options import Options
from ..providers.base import shows_tools

if TYPE_CHECKING:
    from ..tools.base import Tool
    from .discovery import Section
    from .skills import Skill

__all__ = ["Surroundings", "home_of", "look_around", "skills_of", "tell_problems"]

logger = logging.getLogger("alloy_nb")

#: The tool by which a model loads skills.
LOADER = "skill"

_MOST_TOLD = 1000
_told: set[str] = set()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The context files and skills of a run, with a line for each that was passed over."""

    sections: tuple[Section, ...] = ()
    skills: tuple[Skill, ...] = ()
    problems: tuple[str, ...] = ()

    def prompt(self, base: str | None) -> str | None:
        """The system prompt: `base`, and what was found; None where there is neither."""
        if not self.sections and not self.skills:
            return base
        from .system_prompt import compose

        return compose(base, self.sections, self.skills)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What loads the skills."""
        if not self.skills:
            return ()
        from .skill_tool import SkillTool

        return (SkillTool(self.skills),)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What goes in, a line each."""
        skills = [f"skills: {', '.join(skill.name for skill in self.skills)}"] if self.skills else []
        return (*map(str, self.sections), *skills)


_NOTHING = Surroundings()


def look_around(options: Options, directory: Path, provider: Any, taken: Container[str] = ()) -> Surroundings:
    """Read what is there now; files that are as they were last time are only looked at.

    Context files have a quarter of the model's window at most, `MOST` characters where it is large (also where no
    `provider` is known). Skills are left out for a model that is shown no tools, and where another tool has `taken` the
    name of the one that loads them. Raises `ConfigError` for a skill that was named and is none.
    """
    if not options.context_discovery and not options.skills:
        return _NOTHING
    from .discovery import MOST, Found, discover_context, fit

    found = Found()
    if options.context_discovery:
        found = fit(discover_context(directory, home_of(options)), _room(options, provider, MOST))
    skills, problems = skills_of(options.skills, directory, home_of(options))
    offered = shows_tools(provider) and LOADER not in taken
    return Surroundings(found.sections, skills if offered else (), (*found.problems, *problems))


def skills_of(given: Any, directory: Path, home: Path) -> tuple[tuple[Skill, ...], tuple[str, ...]]:
    """The skills that the option `skills` asks for, and a line for each that was passed over."""
    if not given:
        return (), ()
    from .skills import find_skills, named_skills

    if given is True:
        return find_skills(directory, home)
    return named_skills(given, directory), ()


def tell_problems(problems: Sequence[str]) -> None:
    """Tell of each once: it is the same at every run."""
    if len(_told) > _MOST_TOLD:
        _told.clear()
    for problem in problems:
        if problem not in _told:
            _told.add(problem)
            logger.warning("%s", problem)


def home_of(options: Options) -> Path:
    """The folder that holds the user's ``.alloy``: ``context["home"]``, else their home."""
    given = options.context.get("home")
    if given is None:
        return home_folder()
    if not isinstance(given, str | os.PathLike):
        raise ConfigError(f"context['home'] is {given!r}", hint="give the path of the folder that holds .alloy")
    return Path(given).expanduser().absolute()


def _room(options: Options, provider: Any, most: int) -> int:
    """Characters for context files: a quarter of the window, at four characters a token."""
    if provider is None:
        return most
    known: int | None = options.context_window or getattr(provider, "context_window", None)
    return min(most, known or model_info(provider.model, provider.name).window)
