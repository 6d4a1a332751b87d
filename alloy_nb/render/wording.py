"""The words and numbers that every form of a run has in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..plain import one_line
from .values import Approval, Block, Notice, Text, Tool

if TYPE_CHECKING:
    from .blocks import Transcript

__all__ = [
    "MARKS",
    "UNFINISHED",
    "approvals_by_call",
    "cost_words",
    "duration_words",
    "exit_code",
    "footer_words",
    "is_whole",
    "notice_words",
    "outcome_words",
    "question_words",
    "reason_words",
    "standing",
    "thinking_words",
    "token_words",
    "unfinished_words",
    "verdict_words",
]

#: The mark of a tool's state.
MARKS: Mapping[str, str] = {"waiting": "○", "running": "●", "done": "✓", "failed": "✗", "denied": "✗"}

UNFINISHED = "this run did not finish here"

_STATUS = {
    "max_turns": "stopped: it reached max_turns",
    "waiting": "waiting for a decision",
    "error": "ended in an error",
    "halted": "halted",
    "cancelled": "stopped; what was said so far is kept",
    "stopped": "stopped",
    "running": UNFINISHED,
}

_VERBS = {
    "read": "read",
    "write": "write",
    "edit": "change",
    "fetch": "fetch",
    "glob": "list",
    "grep": "search",
}

_ALLOWED = {"once": "allowed once", "command": "allowed for this {what}", "tool": "allowed for this tool"}
#: What is remembered of a call, by its tool; else its command.
_WHAT = {"read": "file", "write": "file", "edit": "file", "fetch": "host"}

_LONGEST_OUTCOME = 90

#: Below this many seconds a duration of thought says more of the machine than of the thought.
_MOMENT = 0.1


def duration_words(ms: float) -> str:
    """Milliseconds as a person says them.

    >>> duration_words(38.2), duration_words(2_140), duration_words(72_000)
    ('38 ms', '2.1 s', '1 min 12 s')
    """
    if ms < 1000:
        return f"{max(round(ms), 1)} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s"


def token_words(count: int) -> str:
    """A number of tokens, short.

    >>> token_words(312), token_words(4_120), token_words(1_250_000)
    ('312', '4.1 k', '1.2 M')
    """
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f} k" if count < 999_950 else f"{count / 1_000_000:.1f} M"


def cost_words(cost: float | None) -> str:
    """US dollars; rather "unknown" than a wrong number.

    >>> cost_words(0.0171), cost_words(None)
    ('$0.017', 'cost unknown')
    """
    if cost is None:
        return "cost unknown"
    if cost == 0:
        return "$0"
    if cost < 0.0001:
        return "< $0.0001"
    return f"${cost:.2f}" if cost >= 1 else f"${cost:.3f}" if cost >= 0.01 else f"${cost:.4f}"


def thinking_words(seconds: float | None, *, live: bool, static: bool) -> str:
    """The line above folded thinking.

    >>> thinking_words(2.14, live=False, static=False), thinking_words(0.002, live=False, static=False)
    ('Thought for 2.1 s', 'Thought')
    """
    took = "" if static or seconds is None or seconds < _MOMENT else duration_words(seconds * 1000)
    if live:
        return f"Thinking… {took}".rstrip()
    return f"Thought for {took}" if took else "Thought"


def notice_words(notice: Notice, *, static: bool) -> str:
    """A notice on one line.

    >>> notice_words(Notice("retry", "attempt 1 failed: busy", 2.0), static=False)
    'attempt 1 failed: busy; trying again in 2.0 s'
    >>> notice_words(Notice("pause", "openai asked for a pause", 20.0), static=False)
    'openai asked for a pause; going on in 20.0 s'
    """
    if notice.seconds is None or static:
        return notice.text
    what = "going on" if notice.kind == "pause" else "trying again"
    return f"{notice.text}; {what} in {duration_words(notice.seconds * 1000)}"


def footer_words(transcript: Transcript, *, static: bool, live: bool = False) -> list[str]:
    """The facts under a run: how it stands, model, turns, tokens, cost, time.

    `live`: it goes on before our eyes; then without the time, which would stand still whenever nothing arrives.
    """
    usage, turns = transcript.usage, transcript.turns
    words = ["running"] if live else []
    if transcript.status != "completed" and not live:
        status = standing(transcript)
        words.append(_STATUS.get(status, status))
    if transcript.model:
        words.append(transcript.model)
    if turns:
        words.append(f"turn {turns}" if live else f"{turns} turn{'s' if turns != 1 else ''}")
    if usage.total_tokens:
        words.append(f"{token_words(usage.input_tokens)} → {token_words(usage.output_tokens)} tokens")
        words.append(cost_words(transcript.cost))
    if not static and not live and transcript.seconds:
        words.append(duration_words(transcript.seconds * 1000))
    return words


def standing(transcript: Transcript) -> str:
    """The status that is told: ``"stopped"`` of a run that was cancelled before anything came of it.

    >>> from alloy_nb.render.blocks import Transcript
    >>> transcript = Transcript()
    >>> transcript.status = "cancelled"
    >>> standing(transcript)
    'stopped'
    """
    if transcript.status != "cancelled" or any(map(_is_of_the_answer, transcript.blocks)):
        return transcript.status
    return "stopped"


def _is_of_the_answer(block: Block) -> bool:
    return isinstance(block, Tool) or (isinstance(block, Text) and block.by == "model" and bool(block.markdown.strip()))


def unfinished_words(run_id: str, session: str | None = None) -> str:
    """What stands in a notebook in place of a run that was never seen to end; `session` is where it is stored.

    >>> unfinished_words("r1")
    'this run did not finish here; while its kernel lives, `%alloy /attach r1` shows it'
    >>> unfinished_words("r1", "thesis").removeprefix(unfinished_words("r1"))
    '; `%alloy /resume thesis` goes on with what is stored of its conversation'
    """
    words = f"{UNFINISHED}; while its kernel lives, `%alloy /attach {run_id}` shows it"
    if session is None:
        return words
    name = one_line(session, 80)
    return f"{words}; `%alloy /resume {name}` goes on with what is stored of its conversation"


def question_words(question: Approval) -> str:
    """What a call wants to do, after its name and before its key argument; in the verb of its reason, if that has one.

    >>> question_words(Approval(name="write", reason="write wants to create `a.txt`"))
    'wants to create'
    """
    named = _WANTS.match(question.reason.removeprefix(question.name))
    return f"wants to {named[1] if named else _VERBS.get(question.name, 'run')}"


def reason_words(question: Approval) -> str:
    """What the reason says beyond the line that `question_words` begins.

    >>> reason_words(Approval(name="read", input={"path": ".env"}, reason="read wants to open `.env`, a risk"))
    'a risk'
    """
    values = question.input.values() if isinstance(question.input, Mapping) else ()
    for value in values:
        line = f"{question.name} {question_words(question)} `{value}`"
        if isinstance(value, str) and question.reason.startswith(line):
            return question.reason[len(line) :].removeprefix(",").strip()
    return question.reason


_WANTS = re.compile(r" wants to ([a-z]+) `")


def verdict_words(question: Approval) -> str:
    """How a question was answered.

    >>> verdict_words(Approval(state="allowed", by="user"))
    'allowed once by you'
    >>> verdict_words(Approval(name="edit", state="allowed", by="user", remember="command"))
    'allowed for this file by you'
    """
    by = {"user": "you", "function": "the approval function", "": ""}.get(question.by, question.by)
    if question.state == "allowed":
        words = "allowed" if question.by == "remembered" else _ALLOWED.get(question.remember, "allowed")
        words = words.format(what=_WHAT.get(question.name, "command"))
        return f"{words}, as before" if question.by == "remembered" else f"{words} by {by}" if by else words
    if question.state == "denied":
        return f"denied: {question.answer or (f'{by} said no' if by else 'the answer was no')}"
    return "never answered" if question.state == "withdrawn" else "waiting for a decision"


def outcome_words(tool: Tool, question: Approval | None, *, static: bool) -> str:
    """The right end of a tool's line: time taken, and what went wrong or was allowed."""
    words = []
    # That a policy allowed it goes without saying: nobody was asked.
    if question is not None and question.state == "allowed" and question.by != "policy":
        words.append(verdict_words(question))
    ran = tool.state in ("done", "failed") and tool.duration_ms is not None
    if ran and not static and isinstance(tool.duration_ms, int | float):
        words.append(duration_words(tool.duration_ms))
    code = exit_code(tool)
    if code and tool.error is None:
        words.append(f"exit code {code}")
    if tool.error is not None:
        words.append(_one_line(_brief(tool.error)))
    elif tool.state == "running":
        share = f"{tool.fraction:.0%}" if isinstance(tool.fraction, int | float) else ""
        words.append(" ".join(item for item in (share, _one_line(tool.progress[-1] if tool.progress else "")) if item))
        words[-1] = words[-1] or "running"
    elif tool.state == "waiting":
        words.append("waiting" if tool.input is not None else "…")
    return " · ".join(words)


def exit_code(tool: Tool) -> int | None:
    """That of a command; None for what is none.

    >>> exit_code(Tool(data={"exit_code": 3})), exit_code(Tool())
    (3, None)
    """
    code = tool.data.get("exit_code") if isinstance(tool.data, Mapping) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def is_whole(error: str) -> bool:
    """Whether the line of a tool tells all of an error."""
    return "\n" not in error.strip() and len(_brief(error)) <= _LONGEST_OUTCOME


def _brief(error: str) -> str:
    """What a quiet line says: `denied: no`, and of a tool that crashed what it said itself."""
    error = error.removeprefix("Tool crashed: ")
    for word in ("Denied", "Blocked"):
        if error.startswith(f"{word}: "):
            return word.lower() + error[len(word) :]
    return error


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_OUTCOME else line[: _LONGEST_OUTCOME - 1] + "…"


def approvals_by_call(blocks: Iterable[Block]) -> dict[str, Approval]:
    """The newest question of each call."""
    return {block.id: block for block in blocks if isinstance(block, Approval)}
