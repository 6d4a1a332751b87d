"""A run as plain text: for terminals, for `repr`, for places that show nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..redaction import secret_begins
from .blocks import Transcript
from .clean import shown
from .notices import CUT
from .outputs import output_lines, told_code
from .rich import Rich, Table, Words, table_rows
from .values import Approval, Block, Error, Notice, Text, Thinking, Tool
from .wording import (
    MARKS,
    approvals_by_call,
    exit_code,
    footer_words,
    is_whole,
    notice_words,
    outcome_words,
    question_words,
    thinking_words,
    verdict_words,
)

if TYPE_CHECKING:
    from ..events import Event

__all__ = ["BREAK", "TextWriter", "end_of_text", "next_word", "to_text", "whole_words"]

_COLOURS = {"running": "34", "done": "32", "failed": "31", "denied": "31", "error": "31", "quiet": "2"}

_SET_IN = "  "
_USUAL_ROOM = 100

#: What ends a word that may be a key, or an escape sequence: anything but a visible ASCII sign.
BREAK = re.compile(r"[^!-~\x1b]")


def to_text(transcript: Transcript, *, static: bool = True) -> str:
    """The whole run as text: thinking folded to a line, a line a tool, the answer as it is, a line of facts.

    With `static`, which is the default, it is the same text for the same run: no times.

    >>> from alloy_nb.events import Event
    >>> transcript = Transcript()
    >>> transcript.feed(Event(1, "r", "text_delta", "Hello"))
    >>> transcript.feed(Event(2, "r", "run_end", {"status": "completed"}))
    >>> to_text(transcript)
    'Hello'
    """
    paint = _painter(color=False)
    questions = approvals_by_call(transcript.blocks)
    calls = {block.id for block in transcript.blocks if isinstance(block, Tool)}
    parts = []
    for block in transcript.blocks:
        if isinstance(block, Approval) and block.id in calls and block.state != "pending":
            continue
        question = questions.get(block.id) if isinstance(block, Tool) else None
        if question is None or question.state != "pending":
            parts.append((_kind(block), _block_text(block, question, static, paint)))
    foot = _foot(transcript, static)
    if foot:
        parts.append(("foot", foot))
    return _joined(parts)


def end_of_text(transcript: Transcript, longest: int) -> str:
    """The last lines of a run, at most `longest` characters, without its line of facts; the rest is not looked at."""
    parts: list[tuple[str, str]] = []
    size = 0
    for block in reversed(transcript.blocks):
        if isinstance(block, Approval) or size > longest:
            continue
        text = _block_text(block, None, True, _painter(color=False))[-longest:]
        parts.insert(0, (_kind(block), text))
        size += len(text)
    text = _joined(parts)
    if len(text) <= longest:
        return text
    cut = text[-longest:]
    return cut.partition("\n")[2].lstrip("\n") or cut


def _kind(block: Block) -> str:
    return "text" if isinstance(block, Text) else "line"


def _joined(parts: list[tuple[str, str]]) -> str:
    """Lines of machinery close together, an empty line around the words."""
    text, before = "", ""
    for kind, part in parts:
        if not part:
            continue
        gap = "" if not text else "\n" if kind == before == "line" else "\n\n"
        text += gap + part
        before = kind
    return text


def _foot(transcript: Transcript, static: bool) -> str:
    words = footer_words(transcript, static=static)
    lines = ["── " + " · ".join(words)] if words else []
    if transcript.notice:
        lines.append(transcript.notice)
    return "\n".join(lines)


def _block_text(block: Block, question: Approval | None, static: bool, paint: Callable[[str, str], str]) -> str:
    match block:
        case Thinking():
            return paint("quiet", f"· {thinking_words(block.seconds, live=block.live, static=static)}")
        case Text():
            return block.markdown.strip("\n") if block.by == "model" else f"> {block.markdown.strip()}"
        case Tool():
            return "\n".join([_tool_line(block, question, static, paint), *map(_rich, block.rich)])
        case Approval():
            return _question_line(block)
        case Notice():
            return paint("quiet", f"· {notice_words(block, static=static)}")
        case Error():
            return _error_text(block, paint)


def _tool_line(tool: Tool, question: Approval | None, static: bool, paint: Callable[[str, str], str]) -> str:
    words = outcome_words(tool, question, static=static)
    line = " ".join(item for item in (MARKS[tool.state], tool.name, tool.key) if item)
    gap = " … " if tool.error is not None else " "
    return paint(tool.state, line) + (gap + words if words else "")


def _rich(item: Rich) -> str:
    """A table in columns, set in below the tool's line; a picture as a word."""
    if isinstance(item, Words):
        return f"  {item.text}"
    if not isinstance(item, Table):
        return "  [image]"
    rows = [item.columns, *item.rows]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, wide, item.numeric, strict=True)
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join([*lines, *([f"  {table_rows(item)}"] if item.more else [])])


def _question_line(question: Approval) -> str:
    line = f"? {question.name} {question_words(question)} {question.key}".rstrip()
    if question.state == "pending":
        return f"{line} … {question.reason}" if question.reason else line
    return f"{line} … {verdict_words(question)}"


def _error_text(error: Error, paint: Callable[[str, str], str]) -> str:
    name = f"{error.type}: " if error.type else ""
    text = paint("error", f"✗ {name}{error.message}")
    return f"{text}\n  Hint: {error.hint}" if error.hint else text


def _painter(*, color: bool) -> Callable[[str, str], str]:
    def paint(name: str, text: str) -> str:
        code = _COLOURS.get(name)
        return f"\x1b[{code}m{text}\x1b[0m" if color and code else text

    return paint


class TextWriter:
    """Writes a run as it happens: words as they come, a line for each tool's start and end.

    `write` takes the pieces of text (``sys.stdout.write``). The word at the very end is held back until it is whole,
    so that no key is shown half. `tail` asks for the line of facts at the end.

    >>> from alloy_nb.events import Event
    >>> pieces = []
    >>> writer = TextWriter(pieces.append)
    >>> writer.feed(Event(1, "r", "text_delta", "Good mor"))
    >>> writer.feed(Event(2, "r", "text_delta", "ning"))
    >>> writer.feed(Event(3, "r", "run_end", {"status": "completed"}))
    >>> "".join(pieces)
    'Good morning\\n'
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        color: bool = False,
        static: bool = False,
        tail: bool = True,
        transcript: Transcript | None = None,
    ) -> None:
        self.transcript = Transcript() if transcript is None else transcript
        self._write = write
        self._paint = _painter(color=color)
        self._static = static
        self._tail = tail
        self._held: list[str] = []
        self._at_line_start = True
        self._before = ""
        self._looked_at = 0

    def feed(self, event: Event) -> None:
        """Take in one event (into the transcript too) and write what it adds."""
        ours = self.transcript.run_id in (None, event.run_id)
        self.transcript.feed(event)
        if not ours and not event.type.startswith("approval_"):
            return
        if event.type == "text_delta":
            self._say(str(event.payload))
            return
        handle = _WRITERS.get(event.type)
        if handle is not None:
            handle(self, event)

    # -- words ------------------------------------------------------------------------------------------------------

    def _say(self, piece: str) -> None:
        if self._before != "text":
            self._thought()
            self._gap("text")
        self._held.append(piece)
        if BREAK.search(piece):
            text = "".join(self._held)
            ready = whole_words(text)
            self._held = [text[len(ready) :]]
            self._put(shown(ready))

    def _put(self, text: str) -> None:
        if text:
            self._write(text)
            self._at_line_start = text.endswith("\n")

    def _flush(self) -> None:
        self._put(shown("".join(self._held)))
        self._held = []

    # -- lines ------------------------------------------------------------------------------------------------------

    def _gap(self, kind: str) -> None:
        """An empty line between words and machinery."""
        self._flush()
        if self._before:
            if not self._at_line_start:
                self._put("\n")
            if not self._before == kind == "line":
                self._put("\n")
        self._before = kind

    def _line(self, text: str) -> None:
        self._gap("line")
        self._put(text + "\n")

    def _thought(self) -> None:
        """One line for thinking that is over, before whatever comes after it."""
        # A call that never became complete may have been taken out again.
        self._looked_at = min(self._looked_at, self.transcript.count)
        new = self.transcript.since(self._looked_at)
        for block in new:
            if isinstance(block, Thinking) and not block.live:
                self._line(_block_text(block, None, self._static, self._paint))
        live = bool(new) and isinstance(new[-1], Thinking) and new[-1].live
        self._looked_at += len(new) - live

    def _tool_line(self, event: Event) -> None:
        self._thought()
        call_id = str(event.payload.get("id") or "")
        tool, question = self.transcript.tool(call_id), self.transcript.question(call_id)
        if tool is None:
            return
        asked = question is not None and question.state == "pending"
        if event.type == "tool_end":
            if asked:  # nobody ended the line on which the question stands
                self._put("\n")
            self._line("\n".join([_block_text(tool, question, self._static, self._paint), *self._output(tool)]))
        elif question is None or question.state == "allowed":
            line = " ".join(item for item in (MARKS["running"], tool.name, tool.key) if item)
            self._line(self._paint("running", line))

    def _output(self, tool: Tool) -> list[str]:
        """Some of what it gave, unless that is shown already or the line says all of it."""
        if tool.state == "denied" or tool.rich:
            return []
        text = told_code(tool.output, exit_code(tool)) if tool.error is None else tool.error
        if tool.error is not None and is_whole(tool.error):
            return []
        lines = output_lines(text, self._room() - len(_SET_IN), failed=tool.state == "failed")
        return [self._paint("quiet", _SET_IN + line) for line in lines]

    def _room(self) -> int:
        """Columns that a line of output may take."""
        return _USUAL_ROOM

    def _question(self, _: Event) -> None:
        """Who asks puts the question; here only what was said before it comes out first."""
        self._thought()
        self._flush()
        if not self._at_line_start:
            self._put("\n")

    def _notice(self, _: Event) -> None:
        self._thought()
        self._show_last(Notice)

    def _handoff(self, event: Event) -> None:
        """Only what the line of the call that hands over did not tell."""
        if isinstance(block := self.transcript.last, Notice) and block.kind == event.type:
            self._notice(event)

    def _message(self, event: Event) -> None:
        self._thought()
        self._flush()
        if event.payload.role == "user" and event.payload.text:
            self._show_last(Text)

    def _end(self, _: Event) -> None:
        self._thought()
        self._flush()
        if not self._at_line_start:
            self._put("\n")
        if self.transcript.last == CUT:
            self._show_last(Notice)
        self._show_last(Error)
        foot = _foot(self.transcript, self._static) if self._tail else ""
        if foot:
            self._line(self._paint("quiet", foot))

    def _show_last(self, kind: type[Notice] | type[Text] | type[Error]) -> None:
        block = self.transcript.last
        if isinstance(block, kind):
            self._line(_block_text(block, None, self._static, self._paint))


def whole_words(text: str) -> str:
    """`text` without an end that may become something else: a part of a word, or of a key.

    >>> whole_words("one two thr")
    'one two '
    """
    ready = text[: _whole_until(text) if BREAK.search(text) else 0]
    # A key with a blank in it is no word: neither may its beginning stay when its last word goes. It may begin within
    # a word, as at the end of a token, which must not be cut either.
    begins = min(secret_begins(text), secret_begins(ready))
    return ready if begins >= len(ready) else whole_words(ready[:begins])


def next_word(text: str) -> str:
    """`text` from its second word on, where it was cut in the first one.

    >>> next_word("ne two three")
    'two three'
    """
    found = BREAK.search(text)
    return text[found.end() :] if found else ""


def _whole_until(text: str) -> int:
    """How much of `text` no further words can change: all but its last word, and what makes a key of that."""
    breaks = [match.end() for match in BREAK.finditer(text)]
    if text[: breaks[-1]].endswith("\r"):
        return breaks[-1] - 1
    while text[: breaks[-1]].endswith(("Bearer ", "bearer ")):
        breaks.pop()
        if not breaks:
            return 0
    return breaks[-1]


_WRITERS: Mapping[str, Callable[[TextWriter, Event], None]] = {
    "tool_start": TextWriter._tool_line,
    "tool_end": TextWriter._tool_line,
    "approval_request": TextWriter._question,
    "message": TextWriter._message,
    "run_end": TextWriter._end,
    **dict.fromkeys(("retry", "fallback", "dropped_option", "compaction"), TextWriter._notice),
    "handoff": TextWriter._handoff,
}
