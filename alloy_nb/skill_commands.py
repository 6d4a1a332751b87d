"""The words with a slash that are about skills, and those that skills are; see `commands`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .options import nearest
from .plain import one_line
from .redaction import redact_line

if TYPE_CHECKING:
    from .commands import Command
    from .context.skills import Skill
    from .places import Place

__all__ = ["list_skills", "skill_and_rest", "skill_commands", "use_skill"]

_BRIEF = 80
_WORD = re.compile(r"[A-Za-z][\w-]*")
_EVERYWHERE = frozenset({"notebook", "terminal"})


def list_skills(place: Place) -> None:
    """The skills that are here, a line each, and what is wrong with others."""
    skills, problems = place.skills()
    lines = [_skill_line(place, skill) for skill in skills]
    lines += [one_line(f"{problem}", 300) for problem in problems]
    place.say("\n".join(lines) or "There are no skills: ~/.alloy/skills/NAME.md, or .alloy/skills/NAME.md, is one.")


def _skill_line(place: Place, skill: Skill) -> str:
    own = any(command.name == skill.name and command.lines for command in place.commands)
    word = f"/{skill.name}" if own else f"/skill {skill.name}"
    about = redact_line(skill.description or skill.body, _BRIEF)
    return one_line(f"{place.prefix}{word}: {about}" + (f" ({skill.path})" if skill.path else ""), 400)


def use_skill(place: Place, argument: str) -> Any:
    """Ask by the skill that the argument begins with, about the rest of it."""
    skills, _ = place.skills()
    return place.ask_skill(*skill_and_rest(skills, argument))


def skill_and_rest(skills: Sequence[Skill], argument: str) -> tuple[Skill, str]:
    """The skill that the argument begins with, and the rest of it. Raises `ConfigError` where it begins with none."""
    # A name may have blanks in it.
    fitting = [skill for skill in skills if re.match(rf"{re.escape(skill.name)}(?:\s|\Z)", argument)]
    if not fitting:
        given = one_line(argument.partition(" ")[0], 40)
        near = nearest(given, [skill.name for skill in skills])
        known = ", ".join(skill.name for skill in skills) or "none"
        raise ConfigError(
            f"there is no skill {given!r}" if given else "/skill needs the name of a skill",
            hint=f"did you mean {near}?" if near else f"the skills are: {known}",
        )
    skill = max(fitting, key=lambda skill: len(skill.name))
    return skill, argument[len(skill.name) :].strip()


def _ask_skill(skill: Skill, place: Place, text: str) -> Any:
    return place.ask_skill(skill, text)


def skill_commands(skills: Iterable[Skill], commands: Sequence[Command]) -> tuple[Command, ...]:
    """Each skill as a command of its own name, where that is a word and no command's."""
    from .commands import Command

    taken = {name for command in commands for name in (command.name, *command.also)}
    words = [skill for skill in skills if skill.name not in taken and _WORD.fullmatch(skill.name)]
    return tuple(
        Command(
            skill.name,
            "[TEXT]",
            f"skill: {redact_line(skill.description or skill.body, _BRIEF)}",
            partial(_ask_skill, skill),
            _EVERYWHERE,
            lines=True,
            asks=True,
        )
        for skill in words
    )
