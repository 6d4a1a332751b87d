"""A run in the terminal: its text on stdout as it comes, its tools and warnings on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..plain import printable
from ..redaction import redact
from ..render.outputs import output_lines, told_code
from ..tools.toolbox import subject_of
from .console import Answer, Notes, is_terminal

if TYPE_CHECKING:
    from ..events import Event
    from ..result import Result
    from ..tools.base import Tool

__all__ = ["Transcript"]

#: Characters of a line of a tool's output.
_LINE = 100


class Transcript:
    """Made before the run, while stdout is still the real one.

    `live` shows the text of every turn as it comes; otherwise `write_answer` shows the last one.
    """

    def __init__(self, tools: Mapping[str, Tool], *, live: bool) -> None:
        self._tools = tools
        self._live = live
        self._told_of_policy = False
        self._calls: dict[str, str] = {}
        self._told_last: tuple[str, str] | None = None
        self.answer = Answer(sys.stdout)
        self.decorated = is_terminal(sys.stderr)
        # On one terminal a note must not begin in the middle of the answer's line.
        shared = is_terminal(sys.stdout) and self.decorated
        self.notes = Notes(sys.stderr, self.answer.end_line if shared else lambda: None)

    def hear(self, event: Event) -> None:
        payload = event.payload
        match event.type:
            case "run_start" if payload.get("context") or payload.get("skills"):
                self.notes.line(_around(payload))
            case "text_delta" if self._live:
                self.answer.write(payload)
            case "message" if self._live:
                self.answer.end_line()
            case "tool_start":
                subject = subject_of(self._tools.get(payload["name"]), payload["input"])
                self._told_last = (payload["id"], f"{payload['name']} {subject}")
                self._calls[payload["id"]] = self._told_last[1]
                self.notes.line(f"› {self._told_last[1]}")
            case "tool_end":
                self._tell_outcome(payload)
            case "approval_result" if payload["by"] == "policy" and not payload["allowed"]:
                self._tell_of_policy()
            case "retry":
                # Attempt 0 is a pause that was asked for before: nothing was tried yet.
                what = "trying again" if payload["attempt"] else "going on"
                self.notes.line(f"{what} in {payload['delay_s']:.1f} s: {payload['reason']}", "yellow")
            case "fallback":
                self.notes.line(
                    f"going on with {payload['to']} instead of {payload['from']}: {payload['reason']}", "yellow"
                )

    def _tell_outcome(self, payload: Mapping[str, Any]) -> None:
        """What went wrong; and for a person some of what the tool gave."""
        structured = payload.get("structured")
        code = structured.get("exit_code") if isinstance(structured, Mapping) else None
        error = payload["error"] or (f"exit code {code}" if code else "")
        if error:
            self.notes.line(f"✗ {payload['name']}: {error}", "yellow")
        if not self.decorated or payload["error"]:
            return
        lines = output_lines(
            redact(printable(told_code(str(payload.get("output") or ""), code))), _LINE, failed=bool(code)
        )
        call = (payload["id"], self._calls.pop(payload["id"], payload["name"]))
        if lines and not error and self._told_last != call:  # one of several at once
            self.notes.line(f"✓ {call[1]}")
        self._told_last = None
        for line in lines:
            self.notes.line(line, indent="  ")

    def _tell_of_policy(self) -> None:
        """Once: the reason that follows is written for the model, not for a command line."""
        if not self._told_of_policy:
            self._told_of_policy = True
            self.notes.line("a tool call was denied; a person is asked in a terminal, --approval auto asks nobody")

    def write_answer(self, result: Result) -> None:
        """What of the answer is not on stdout yet."""
        if not self._live:
            self.answer.write(result.text)

    def show_footer(self, result: Result, notice: str | None = None) -> None:
        """Which model it was and what it took, for eyes only; what the model says of itself, always."""
        from ..render.wording import cost_words, duration_words, token_words

        if self.decorated:
            usage = result.usage
            tokens = f"{token_words(usage.input_tokens)} → {token_words(usage.output_tokens)} tokens"
            spent = (cost_words(result.cost), duration_words(result.duration * 1000))
            self.notes.line(" · ".join((str(result.model), counted(result.turns, "turn"), tokens, *spent)))
        if notice:
            self.notes.line(notice, "yellow")


def _around(payload: Mapping[str, Any]) -> str:
    """What goes to the model beside the question."""
    skills = payload.get("skills") or ()
    parts = [*(payload.get("context") or ()), *([f"skills: {', '.join(skills)}"] if skills else [])]
    return f"with {' · '.join(parts)}"
