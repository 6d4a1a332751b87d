"""A run as lines of Python's `logging`, in words for a person."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..keywords import keywords_told
from ..options import wrong_choice
from ..redaction import change_strings, redact, redact_line
from .base import Middleware
from .hearing import Hearing

if TYPE_CHECKING:
    from ..events import Event
    from ..messages import Message

__all__ = ["Logger"]

#: Characters of an argument, of an error or a reason, and of a message where `content` is wanted.
ARGUMENT, REASON, CONTENT = 60, 200, 500


@keywords_told
class Logger(Middleware):
    """Writes a line for each turn, tool call, question, retry, fallback, and for a run's beginning and end.

    `logger` is a `logging.Logger` or its name, by default ``"alloy_nb.runs"``; `level` that of ordinary lines, as a
    number or a name (``"DEBUG"``). What was refused or tried again is a warning, a failed run an error. As with any
    logger, somebody must show the lines: ``logging.basicConfig(level="INFO")``.

    Messages are not written unless `content` is True. Arguments, errors and reasons are shortened to one line, and
    secrets taken out. Each record has `alloy_run_id` and `alloy_agent`. Raises `ConfigError` for an unknown level.

    >>> import alloy_nb as alloy
    >>> import logging, sys
    >>> ours = logging.Logger("example"); ours.addHandler(logging.StreamHandler(sys.stdout))
    >>> model = alloy.Scripted([{"text": "Good morning"}])
    >>> result = alloy.run("Hello", model=model, run_id="r1", middleware=[alloy.Logger(ours)])
    alloy: r1 started with scripted:script
    alloy: turn 1: asking scripted:script
    alloy: turn 1: 10 tokens in, 5 out
    alloy: r1 completed after 1 turn, 10 tokens in, 5 out
    """

    def __init__(
        self, logger: logging.Logger | str | None = None, level: int | str = logging.INFO, *, content: bool = False
    ) -> None:
        self._logger = logger if isinstance(logger, logging.Logger) else logging.getLogger(logger or "alloy_nb.runs")
        self._level = _level(level)
        self._content = content
        self._hearing = Hearing()

    def __repr__(self) -> str:
        return f"Logger({self._logger.name!r}, {logging.getLevelName(self._level)!r}, content={self._content})"

    def on_event(self, event: Event) -> None:
        tell = _LINES.get(event.type)
        if tell is None or not self._hearing.takes(event):
            return
        quote = _QUOTED.get(event.type) if self._content else None
        for said in (tell(event), None if quote is None else quote(event)):
            if said is not None:
                self._log(event, self._level if said[0] is None else said[0], said[1])

    def _log(self, event: Event, level: int, words: str) -> None:
        who = f"{shown(event.agent)}: " if event.agent else ""
        extra = {"alloy_run_id": event.run_id, "alloy_agent": event.agent}
        self._logger.log(level, "alloy: %s%s", who, words, extra=extra)


def _level(level: int | str) -> int:
    if isinstance(level, int):
        return level
    names = logging.getLevelNamesMapping()
    if level.upper() not in names:
        raise wrong_choice("level", level, list(names))
    return names[level.upper()]


def shown(text: Any, longest: int = REASON) -> str:
    """On one line, shortened, safe to print, without secrets: nothing that a model writes can pass for a line."""
    return redact_line(str(text), longest)


#: A line of its own level, or (None) of the ordinary one.
_Said = tuple[int | None, str]


def _run_start(event: Event) -> _Said:
    return None, f"{shown(event.run_id)} started with {_model(event.payload)}"


def _turn_start(event: Event) -> _Said:
    return None, _in_turn(event, f"asking {_model(event.payload)}")


def _usage(event: Event) -> _Said:
    return None, _in_turn(event, _spent(event.payload, event.payload.get("cost")))


def _message(event: Event) -> _Said | None:
    return (None, _in_turn(event, "the answer was cut short")) if event.payload.partial else None


def _tool_start(event: Event) -> _Said:
    given = (f"{name}={_argument(value)}" for name, value in event.payload["input"].items())
    return None, _in_turn(event, f"{_tool(event)}({shown(', '.join(given), 5 * ARGUMENT)})")


def _argument(value: Any) -> str:
    return shown(json.dumps(change_strings(value, redact), ensure_ascii=False, default=repr), ARGUMENT)


def _tool_end(event: Event) -> _Said:
    payload = event.payload
    if payload["error"] is not None:
        # Its first line says what is wrong; what a command printed comes after it.
        first = str(payload["error"]).strip().partition("\n")[0]
        how = f"failed after {payload['duration_ms']:.0f} ms" if payload.get("executed", True) else "did not run"
        return logging.WARNING, _in_turn(event, f"{_tool(event)} {how}: {shown(first)}")
    return None, _in_turn(event, f"{_tool(event)} done in {payload['duration_ms']:.0f} ms")


def _approval_request(event: Event) -> _Said:
    return None, _in_turn(event, f"may {_tool(event)} run? {shown(event.payload['reason'])}")


def _approval_result(event: Event) -> _Said:
    payload = event.payload
    if payload["allowed"]:
        return None, _in_turn(event, f"{_tool(event)} allowed by {payload['by']}")
    reason = f": {shown(payload['reason'])}" if payload["reason"] else ""
    return logging.WARNING, _in_turn(event, f"{_tool(event)} denied by {payload['by']}{reason}")


def _retry(event: Event) -> _Said:
    payload = event.payload
    return logging.WARNING, _in_turn(event, f"trying again in {payload['delay_s']:.1f} s: {shown(payload['reason'])}")


def _fallback(event: Event) -> _Said:
    payload = event.payload
    words = f"asking {shown(payload['to'])} instead of {shown(payload['from'])}: {shown(payload['reason'])}"
    return logging.WARNING, _in_turn(event, words)


def _dropped_option(event: Event) -> _Said:
    return logging.WARNING, _in_turn(event, f"{shown(event.payload['model'])} takes no {event.payload['name']}")


def _compaction(event: Event) -> _Said:
    payload = event.payload
    before, after = payload.get("before_tokens"), payload.get("after_tokens")
    return None, _in_turn(event, f"the conversation was shortened from {before} to {after} tokens")


def _run_end(event: Event) -> _Said:
    payload = event.payload
    status, turns = payload["status"], payload["turns"]
    words = f"{shown(event.run_id)} {_ENDS.get(status, status)} after {counted(turns, 'turn')}, "
    words += _spent(payload["usage"], payload.get("cost"))
    if status != "error":
        return logging.WARNING if status == "halted" else None, words
    hint = f" ({shown(payload['hint'])})" if payload.get("hint") else ""
    return logging.ERROR, f"{words}: {payload.get('error_type')}: {shown(payload['error'])}{hint}"


def _prompt(event: Event) -> _Said:
    return None, f'asked: "{shown(event.payload["prompt"], CONTENT)}"'


def _words(event: Event) -> _Said | None:
    message: Message = event.payload
    return (None, _in_turn(event, f'{message.role}: "{shown(message.text, CONTENT)}"')) if message.text else None


def _output(event: Event) -> _Said:
    return None, _in_turn(event, f'{_tool(event)} gave: "{shown(event.payload["output"], CONTENT)}"')


_ENDS = {"error": "failed", "max_turns": "stopped at max_turns", "waiting": "waits for decisions"}


def _model(payload: Mapping[str, Any]) -> str:
    provider = payload.get("provider")
    return shown(f"{provider}:{payload['model']}" if provider else payload["model"])


def _tool(event: Event) -> str:
    return shown(event.payload["name"], ARGUMENT)


def _in_turn(event: Event, words: str) -> str:
    return f"turn {event.turn}: {words}" if event.turn else words


def _spent(usage: Mapping[str, Any], cost: float | None) -> str:
    words = f"{usage['input_tokens']:,} tokens in, {usage['output_tokens']:,} out"
    return words if cost is None else f"{words}, ${cost:.4f}"


_LINES: dict[str, Callable[[Event], _Said | None]] = {
    "run_start": _run_start,
    "turn_start": _turn_start,
    "usage": _usage,
    "message": _message,
    "tool_start": _tool_start,
    "tool_end": _tool_end,
    "approval_request": _approval_request,
    "approval_result": _approval_result,
    "retry": _retry,
    "fallback": _fallback,
    "dropped_option": _dropped_option,
    "compaction": _compaction,
    "run_end": _run_end,
}

#: What is said besides, where `content` is wanted.
_QUOTED: dict[str, Callable[[Event], _Said | None]] = {"run_start": _prompt, "message": _words, "tool_end": _output}
