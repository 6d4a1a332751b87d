"""What the tools of one file have in common: their question, and that it is kept to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from ..errors import ToolError
from .base import Tool
from .context import ToolContext
from .opening import changed
from .paths import Place, place_of

__all__ = ["FileTool"]


class FileTool(Tool):
    """A tool of the file that `file_path` names: it touches the place that was decided about, or none.

    Between the question and the answer a path may come to lead elsewhere. So a call resolves it once, compares what
    would be asked about that place with `ToolContext.allowed`, and opens it by `opening.hold`.
    """

    key_argument: ClassVar[str | None] = "file_path"
    #: What a call may be said to want, in a question.
    verbs: ClassVar[tuple[str, ...]]

    def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str | None:
        place = self._place(input, ctx)
        return self._question(self.verb_for(place), input, place) if self.asks_about(place) else None

    def verb_for(self, place: Place) -> str:
        """The one of `verbs` that says what a call does there."""
        return self.verbs[0]

    def asks_about(self, place: Place) -> bool:
        """Whether a person must allow it first."""
        return True

    def given_path(self, input: Mapping[str, Any]) -> Any:
        """The path as the model gave it."""
        return input.get("file_path")

    def remembered(self, input: Mapping[str, Any], reason: str) -> Any:
        """The path, with where it led when it was allowed, if that was elsewhere or needed a warning."""
        given = self.given_path(input)
        heads = (self._head(verb, input) for verb in self.verbs)
        told = next((reason[len(head) :] for head in heads if reason.startswith(head)), reason)
        return [given, told] if told else given

    def decided_place(self, input: Mapping[str, Any], ctx: ToolContext) -> Place:
        """Where the path leads now. Raises `ToolError` when that is not what the call was allowed for."""
        place = self._place(input, ctx)
        if ctx.allowed is not None and ctx.allowed.startswith(f"{self.name} wants to "):
            as_decided = ctx.allowed in {self._question(verb, input, place) for verb in self.verbs}
        else:
            # Nobody was asked, or by the user's own code: then it stays where nobody need be asked.
            as_decided = place.risk is None
        if not as_decided and not self._is_own_answer(input, ctx):
            raise changed(place.path, f" (now it {place.risk})" if place.risk else "")
        return place

    def _place(self, input: Mapping[str, Any], ctx: ToolContext) -> Place:
        value = self.given_path(input)
        place = place_of(value, ctx)
        if str(value).endswith(("/", "/.", os.sep)):
            raise ToolError(f"{value!r} names a folder, not a file")
        return place

    def _question(self, verb: str, input: Mapping[str, Any], place: Place) -> str:
        return self._head(verb, input) + place.told

    def _head(self, verb: str, input: Mapping[str, Any]) -> str:
        return f"{self.name} wants to {verb} `{self.given_path(input)}`"

    def _is_own_answer(self, input: Mapping[str, Any], ctx: ToolContext) -> bool:
        """A subclass that decides itself what to ask is asked again: it must say the same as before."""
        if type(self).approval_reason is FileTool.approval_reason:
            return False
        return self.approval_reason(input, ctx) == ctx.allowed
