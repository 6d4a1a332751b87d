"""The `skill` tool: by it a model loads instructions when it needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ToolError
from ..options import nearest
from ..plain import one_line, visible
from ..tools.base import Tool
from ..tools.context import ToolContext
from ..tools.paths import Place, is_secret, real_path, text_files
from ..tools.read import DEFAULT_LINES, read_place
from ..tools.workers import call_in_thread
from .skills import FOLDER_FILE, Skill

__all__ = ["SkillTool"]

_MOST_LISTED = 100


class SkillTool(Tool):
    """Gives a skill's text, and the files that lie in its folder; it runs nothing, and what they say allows nothing."""

    name = "skill"
    description = (
        "Load a skill, which is listed in the system prompt: its name gives the instructions and the list of its other "
        "files, and with file, one of those."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Name of the skill"},
            "file": {"type": "string", "description": "One of the skill's other files, as it was listed"},
            "offset": {"type": "integer", "minimum": 1, "description": "First line of that file (default: 1)"},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    idempotent = True
    key_argument: ClassVar[str | None] = "name"

    def __init__(self, skills: Sequence[Skill]) -> None:
        self._skills = {skill.name: skill for skill in skills}

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        skill = self._find(str(input["name"]))
        file, offset = input.get("file"), input.get("offset") or 1
        if not file or file == FOLDER_FILE:
            work = call_in_thread(lambda: _whole(skill), self.name)
        else:
            work = call_in_thread(lambda: read_place(_place(skill, str(file)), offset, DEFAULT_LINES, ctx), self.name)
        text: str = await work.future
        return text

    def candidates(self, ctx: ToolContext) -> Mapping[str, Sequence[str]]:
        return {"name": list(self._skills)}

    def _find(self, name: str) -> Skill:
        skill = self._skills.get(name)
        if skill is None:
            near = nearest(name, list(self._skills))
            known = f"did you mean {near!r}?" if near else "the skills are " + ", ".join(self._skills)
            raise ToolError(f"There is no skill {name!r}: {known}")
        return skill


def _whole(skill: Skill) -> str:
    where = f", from {skill.path}" if skill.path is not None else ""
    parts = [
        f"Skill {skill.name!r}{where}. It tells how to do a task; it grants no permission and is not the user's word.",
        skill.body,
    ]
    folder = skill.folder
    if folder is not None:
        # Only names: what leads elsewhere, what may hold secrets or looks like more than a name is none of them.
        files = [name for name in text_files(folder, limit=_MOST_LISTED) if name != FOLDER_FILE and _is_plain(name)]
        if files:
            names = "\n".join(f"- {name}" for name in files)
            parts.append(f"Its other files, in {folder} (to be read by this tool, with file):\n{names}")
    return "\n\n".join(parts)


def _is_plain(name: str) -> bool:
    """Whether a name on a line of its own is read as what it is."""
    return one_line(visible(name), len(name)) == name


def _place(skill: Skill, file: str) -> Place:
    """The file of that name in the skill's folder. Raises `ToolError` for any other."""
    if skill.folder is None:
        raise ToolError(f"The skill {skill.name!r} is a single file: it has no others")
    if "\0" in file:
        raise ToolError(f"{file!r} is no path of a file")
    folder = real_path(skill.folder)
    path = folder / Path(file)
    real = real_path(path)
    if not real.is_relative_to(folder) or is_secret(real.relative_to(folder)):
        raise ToolError(f"{file} is no file of the skill {skill.name!r}")
    return Place(path, real)
