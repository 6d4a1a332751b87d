"""The `grep` tool: where in the files a regular expression matches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from ..counting import counted
from ..errors import ToolError
from .child import Outcome, run_in_child
from .context import ToolContext
from .foldertool import FolderTool, shown_prefix
from .paths import Place, is_secret
from .patterns import Pattern
from .results import MAX_TEXT
from .searching import Search

__all__ = ["Grep"]

DEFAULT_LIMIT = 200
MAX_LIMIT = 2000
MAX_CONTEXT = 20
LONGEST_PATTERN = 5000
#: With room below the cap on every result for the notices at its end.
MAX_CHARACTERS = MAX_TEXT - 2000
#: Seconds for one search.
MAX_SECONDS = 15.0
#: The child ends by itself in time, unless a pattern holds it up: then it is killed after so many times that.
_PATIENCE = 1.2


class Grep(FolderTool):
    """Searches files for a regular expression in Python's syntax, line by line.

    A search runs in a process of its own, which is killed when its time is up: no pattern can hold the run up.
    Hidden files, packages and caches are passed over as `glob` does, and so are links, binary files, files over
    20 MB, and files that may hold secrets. Name such a file as `path` to have it searched.
    """

    name = "grep"
    description = (
        "Search files for a regular expression (Python's syntax), line by line. output: lines (default) gives "
        "path:number:line, files the paths alone, count how many lines match in each. glob narrows the files: *.py "
        "by name at any depth, src/**/*.js by path. Hidden files, packages, caches, binary and very large files are "
        "passed over."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": r"The regular expression, e.g. def \w+_test\("},
            "path": {"type": "string", "description": "File or folder to search (default: the working directory)"},
            "glob": {"type": "string", "description": "Only files whose path matches, e.g. *.py"},
            "ignore_case": {"type": "boolean", "description": "Take upper and lower case as one (default: false)"},
            "context": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_CONTEXT,
                "description": "Lines to show before and after each match (default: 0)",
            },
            "output": {"type": "string", "enum": ["lines", "files", "count"]},
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LIMIT,
                "description": f"Most matches to give, or files (default: {DEFAULT_LIMIT})",
            },
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }
    idempotent = True
    #: The search has a limit of its own, after which it tells what it found.
    timeout = math.inf
    key_argument: ClassVar[str | None] = "pattern"
    verbs: ClassVar[tuple[str, ...]] = ("search",)

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        search = _search_of(input, self.decided_place(input, ctx), ctx)
        seconds = search.seconds * _PATIENCE
        target = "alloy_nb.tools.searching:search"
        outcome = await run_in_child(target, asdict(search), seconds=seconds, cancelled=ctx.cancelled)
        return _to_text(outcome, search)


def _search_of(input: Mapping[str, Any], place: Place, ctx: ToolContext) -> Search:
    pattern = input.get("pattern")
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST_PATTERN:
        raise ToolError(f"pattern must be a regular expression of at most {LONGEST_PATTERN} characters")
    folder = place.real.is_dir()
    if not folder and not place.real.is_file():
        raise ToolError(f"File or folder does not exist: {place.path}")
    glob = input.get("glob") or "**"
    if "/" not in glob.rstrip("/"):
        glob = f"**/{glob}"
    Pattern(glob)  # an error of it is told here
    prefix = shown_prefix(place, ctx)
    below = "any" if folder else ""
    return Search(
        root=str(place.real),
        prefix=prefix if folder else prefix.rstrip("/"),
        pattern=pattern,
        ignore_case=bool(input.get("ignore_case")),
        glob=glob,
        context=_number(input, "context", 0, MAX_CONTEXT),
        output=input.get("output") or "lines",
        limit=_number(input, "limit", DEFAULT_LIMIT, MAX_LIMIT),
        room=MAX_CHARACTERS,
        seconds=MAX_SECONDS if ctx.time_limit is None else min(MAX_SECONDS, ctx.time_limit * 0.7),
        secrets=is_secret(place.path / below) or is_secret(place.real / below),
    )


def _number(input: Mapping[str, Any], key: str, default: int, most: int) -> int:
    value = input.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or value < 0:
        raise ToolError(f"{key} must be a whole number, 0 or more (got {value!r})")
    return min(value, most)


# -- the answer -------------------------------------------------------------------------------------------------------


def _to_text(outcome: Outcome, search: Search) -> str:
    files = [message for message in outcome.messages if "path" in message]
    ends = [message for message in outcome.messages if "searched" in message]
    lines = [line for file in files for line in _lines_of(file, search)]
    notes = list(_notes(ends[0], search, found=bool(lines))) if ends else [_held_up(outcome, search)]
    return "\n".join([*lines, *notes])


def _lines_of(file: Mapping[str, Any], search: Search) -> Iterator[str]:
    path = file["path"].replace("\n", "\\n")
    if search.output == "files":
        yield path
    elif search.output == "count":
        yield f"{path}:{file['count']}"
    else:
        last = None
        for number, mark, text in file["lines"]:
            if search.context and last is not None and number > last + 1:
                yield "--"
            yield f"{path}{mark}{number}{mark}{text}"
            last = number
        if search.context:
            yield "--"


def _notes(end: Mapping[str, Any], search: Search, *, found: bool) -> Iterator[str]:
    if end["left_out"]:
        what = "lines match" if search.output == "lines" else "files match"
        yield f"... ({end['left_out']} more {what}; narrow the pattern, the path or the glob)"
    if not found:
        yield f"No line matches {search.pattern!r} ({counted(end['searched'], 'file')} searched)."
    if end["unfinished"]:
        yield f"(the search ended {end['unfinished']}: there may be more)"
    if end["binary"]:
        yield f"(not searched: {counted(end['binary'], 'binary file')})"
    if end["huge"]:
        yield f"(not searched, since larger than 20 MB: {end['huge']}; name one as path to search it)"
    if end["secret"]:
        yield f"(not searched, since they may hold secrets: {end['secret']}; name one as path, and the user is asked)"
    if end["unreadable"]:
        yield f"(could not be read: {counted(end['unreadable'], 'file')})"


def _held_up(outcome: Outcome, search: Search) -> str:
    if outcome.ending == "cancelled":
        return "(the search was stopped)"
    return (
        f"(the search was ended after {search.seconds * _PATIENCE:g} s; above is what was found until then. One line "
        "held the pattern up: write it without nested repeats such as (a+)+, or name a smaller path)"
    )
