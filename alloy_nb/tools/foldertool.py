"""What the tools that look through folders have in common: where they begin is asked about, and kept to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .context import ToolContext
from .filetool import FileTool
from .paths import Place, folder_of

__all__ = ["FolderTool", "shown_prefix"]


class FolderTool(FileTool):
    """A tool of a folder and what lies below it: it asks where `read` would ask about a file there.

    As with one file, the folder is resolved once, and gone through by the real path that was decided about.
    """

    def given_path(self, input: Mapping[str, Any]) -> Any:
        return input.get("path") or "."

    def asks_about(self, place: Place) -> bool:
        return place.risk is not None or self.requires_approval

    def _place(self, input: Mapping[str, Any], ctx: ToolContext) -> Place:
        return folder_of(self.given_path(input), ctx)


def shown_prefix(place: Place, ctx: ToolContext) -> str:
    """What stands before a path below a place that is shown: nothing in the working directory, else the way to it.

    >>> from pathlib import Path
    >>> ctx = ToolContext(Path("/project"))
    >>> [shown_prefix(Place(Path(path), Path(path)), ctx) for path in ("/project", "/project/src", "/x")]
    ['', 'src/', '/x/']
    """
    if place.path.is_relative_to(ctx.working_directory):
        below = place.path.relative_to(ctx.working_directory).as_posix()
        return "" if below == "." else below + "/"
    return place.path.as_posix().rstrip("/") + "/"
