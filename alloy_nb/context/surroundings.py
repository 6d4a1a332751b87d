"""What a run takes from around: context files and skills, as its options ask for them."""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..folders import home_folder
from ..models import model_info
from ..options import Options
from ..tools.base import Tool
from .discovery import MOST, Found, Section, discover_context, fit
from .skill_tool import SkillTool
from .skills import Skill, find_skills, named_skills
from .system_prompt import compose

__all__ = ["Surroundings", "home_of", "look_around", "skills_of", "tell_problems"]

logger = logging.getLogger("alloy_nb")

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
        return compose(base, self.sections, self.skills) if self.sections or self.skills else base

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What loads the skills."""
        return (SkillTool(self.skills),) if self.skills else ()

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
    found = Found()
    if options.context_discovery:
        # A token is about four characters.
        found = fit(discover_context(directory, home_of(options)), min(MOST, _window(options, provider)))
    skills, problems = skills_of(options.skills, directory, home_of(options))
    offered = getattr(provider, "shows_tools", True) and SkillTool.name not in taken
    return Surroundings(found.sections, skills if offered else (), (*found.problems, *problems))


def skills_of(given: Any, directory: Path, home: Path) -> tuple[tuple[Skill, ...], tuple[str, ...]]:
    """The skills that the option `skills` asks for, and a line for each that was passed over."""
    if given is True:
        return find_skills(directory, home)
    return (named_skills(given, directory) if given else ()), ()


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


def _window(options: Options, provider: Any) -> int:
    if provider is None:
        return MOST
    known: int | None = options.context_window or getattr(provider, "context_window", None)
    return known or model_info(provider.model, provider.name).window
