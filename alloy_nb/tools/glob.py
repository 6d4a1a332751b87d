"""The `glob` tool: which files there are, by a pattern of their paths."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from ..errors import ToolError
from .context import ToolContext
from .foldertool import FolderTool, shown_prefix
from .patterns import Pattern, has_wildcard
from .results import MAX_TEXT
from .walking import Walk
from .workers import call_in_thread

__all__ = ["Glob"]

#: Paths that the model gets at once, and their characters, with room below the cap on every result for the notices.
MAX_PATHS = 500
MAX_CHARACTERS = MAX_TEXT - 1000
#: Seconds for one walk.
MAX_SECONDS = 20.0


class Glob(FolderTool):
    """Lists files by a pattern such as ``**/*.py``, sorted by path; of too many, those nearest to the start.

    Hidden files and folders, and the folders of packages and caches (``node_modules``, ``__pycache__``, virtual
    environments), are listed only when the pattern names them. ``.gitignore`` is not heeded: data that is kept out of
    a repository is often just what is looked for. Links to folders are not followed.
    """

    name = "glob"
    description = (
        "List files whose path matches a pattern, sorted. * and ? match within a name, ** any depth of folders, {a,b} "
        "either: **/*.py is every Python file, src/*.{js,ts} those right in src. A pattern that ends in / lists "
        "folders. Hidden files, packages and caches (.git, node_modules, virtual environments) are left out unless "
        "the pattern names them."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": "The pattern, e.g. **/*.py"},
            "path": {"type": "string", "description": "Folder to start from (default: the working directory)"},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }
    idempotent = True
    #: The walk has a limit of its own, after which it tells what it found.
    timeout = math.inf
    key_argument: ClassVar[str | None] = "pattern"
    verbs: ClassVar[tuple[str, ...]] = ("list",)

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        settling = call_in_thread(lambda: self._list(input, ctx), self.name)
        text: str = await settling.future
        return text

    def given_path(self, input: Mapping[str, Any]) -> str:
        return _split(input)[0]

    def _list(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        _, rest = _split(input)
        pattern = Pattern(rest)
        place = self.decided_place(input, ctx)
        if not place.real.is_dir():
            raise ToolError(f"Folder does not exist: {place.path}")
        seconds = MAX_SECONDS if ctx.time_limit is None else min(MAX_SECONDS, ctx.time_limit * 0.8)
        folders = rest.endswith("/")
        stopped = ctx.cancelled.is_set
        walk = Walk(place.real, pattern, seconds=seconds, links=True, folders=folders, is_cancelled=stopped)
        text = _collect(walk, shown_prefix(place, ctx))
        return text or f"No {'folder' if folders else 'file'} matches {rest!r} in {place.path}."


def _split(input: Mapping[str, Any]) -> tuple[str, str]:
    """The folder that the walk begins in, and the pattern below it: names before the first wildcard are the folder's.

    So a link or a ``..`` in them is seen by who asks, and a pattern may begin with ``/`` or ``~``.
    """
    text, given = input.get("pattern"), input.get("path") or "."
    if not isinstance(text, str) or not isinstance(given, str):
        raise ToolError("pattern and path must be text", hint="a pattern looks like **/*.py")
    if os.sep == "\\":
        text = text.replace("\\", "/")
    body = text.rstrip("/")
    if not body.strip():
        raise ToolError(f"{text!r} is no pattern of paths", hint="give the folder as `path`, and a pattern such as *")
    parts = body.split("/")
    fixed = next((at for at, part in enumerate(parts) if has_wildcard(part)), len(parts) - 1)
    folder = "/".join(parts[:fixed]) or ("/" if body.startswith("/") else "")
    if folder and not folder.startswith("~"):
        folder = os.path.join(given, folder)
    return folder or given, "/".join(parts[fixed:]) + text[len(body) :][:1]


def _collect(walk: Walk, prefix: str) -> str:
    found: list[str] = []
    more = 0
    room = MAX_CHARACTERS
    for path in walk:
        line = (prefix + path).replace("\n", "\\n")
        room -= len(line) + 1
        if len(found) < MAX_PATHS and room > 0:
            found.append(line)
        else:
            more += 1
    notes = []
    if more:
        at_least = "at least " if walk.unfinished else ""
        notes.append(f"... ({at_least}{more} more; narrow the pattern, or start from another folder)")
    if walk.unfinished:
        notes.append(f"(the search ended {walk.unfinished}: there may be more)")
    return "\n".join([*sorted(found), *notes])
