"""A record of what was done on somebody's behalf, for reading it later."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..keywords import keywords_told
from ..redaction import redact
from .base import Halt, HookContext, Middleware
from .hearing import Hearing
from .ledger import Ledger, first_broken

if TYPE_CHECKING:
    from ..events import Event
    from ..messages import ToolCall

__all__ = ["Audit"]

logger = logging.getLogger("alloy_nb")

#: Characters of a string, and items of a list or an object, that a line keeps.
LONGEST, MOST = 2_000, 200
DEEPEST = 20


@keywords_told
class Audit(Middleware):
    """Appends a JSON line to a file for each run that begins or ends, each tool call and each change of the model.

    - ``run_start``: `model`; `session`, of an agent; `parent` (run and call), of a run within a tool call.
    - ``tool_start``: `id`, `name`, `input`, and `decision`: `allowed`, `by` (``"user"``, ``"policy"``,
      ``"function"``, ``"remembered"``), `reason` and `remember`; null where no question was put.
    - ``tool_end``: `id`, `name`, `outcome` (``"ok"``, ``"failed"``, or ``"refused"`` for one that never ran),
      `error`, `duration_ms`. A call without one was under way when the process died.
    - ``fallback``: `from`, `to`, `reason`.
    - ``run_end``: `status`, `error`, `turns`, `usage`, `cost` in US dollars, or null where no price is known.

    Each has `v`, `time` (UTC), `event`, `run_id`, `agent`, `turn`, and `correlation_id` where the caller gave one.
    Secrets are taken out; of long strings the beginning is kept, with their length and SHA-256. What was asked and
    answered is not written.

    A new file has mode 0600. Several processes may share it: a line is written in one piece. With `chain`, each line
    holds in `prev` the SHA-256 of the line before it, so that `Audit.verify` finds what was changed or taken out; not
    so the newest lines, cut off from the end: note the last hash elsewhere (not on Windows).

    When a line cannot be written, that is logged once, and told by a line ``lost`` with their number when it is
    possible again. With `required`, the run is halted before its next call of a model or a tool; a call that was told
    of in the line is under way by then. Raises `ConfigError` when the file cannot be written from the start.

    >>> import alloy_nb as alloy, json, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "audit.jsonl"
    >>> result = alloy.run("Hello", model=alloy.Scripted([{"text": "Hi"}]), middleware=[alloy.Audit(path, chain=True)])
    >>> [json.loads(line)["event"] for line in path.read_text().splitlines()]
    ['run_start', 'run_end']
    >>> alloy.Audit.verify(path) is None
    True
    """

    def __init__(self, path: str | os.PathLike[str], *, chain: bool = False, required: bool = False) -> None:
        if not isinstance(path, str | os.PathLike):
            raise ConfigError(f"path is {path!r}", hint="give the file: Audit('audit.jsonl')")
        self._ledger = Ledger(Path(path).expanduser().absolute(), chain=chain)
        self._required = required
        self._hearing = Hearing()
        #: What was decided of calls that have not begun, by run and call.
        self._decisions: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._lost = 0
        self._complained = False

    def __repr__(self) -> str:
        return f"Audit({str(self._ledger.path)!r}, chain={self._ledger.chain}, required={self._required})"

    @staticmethod
    def verify(path: str | os.PathLike[str]) -> int | None:
        """The number, from 1, of the first line that does not follow from the one before; None when all do.

        For a file that was written with `chain`. It, or the line before it, was changed, or one between them is gone.
        Raises `ConfigError` when it cannot be read.
        """
        try:
            return first_broken(Path(path).expanduser())
        except OSError as error:
            raise ConfigError(
                f"cannot read {os.fspath(path)}: {error.strerror or error}", hint="check the path and its permissions"
            ) from error

    def on_event(self, event: Event) -> None:
        tell = _LINES.get(event.type)
        if tell is None or not self._hearing.takes(event):
            return
        if event.type == "approval_result":
            self._decisions[event.run_id, event.payload["id"]] = event.payload
            return
        entry = _head(event) | tell(event.payload)
        if event.type == "tool_start":
            decision = self._decisions.pop((event.run_id, event.payload["id"]), None)
            entry["decision"] = None if decision is None else _decision(decision)
        self._append(entry)

    def before_completion(self, ctx: HookContext) -> Halt | None:
        return self._halt()

    def before_tool_call(self, ctx: HookContext, call: ToolCall) -> Halt | None:
        return self._halt()

    def _halt(self) -> Halt | None:
        if self._required and self._lost and not self._tell_lost():
            return Halt(f"the audit file {self._ledger.path} cannot be written")
        return None

    def _append(self, entry: Mapping[str, Any]) -> None:
        if not (self._tell_lost() and self._write(entry)):
            self._lost += 1

    def _tell_lost(self) -> bool:
        """Whether lines can be written: those that could not be are told of first."""
        if not self._lost:
            return True
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        if not self._write({"v": 1, "time": now, "event": "lost", "lines": self._lost}):
            return False
        self._lost = 0
        return True

    def _write(self, entry: Mapping[str, Any]) -> bool:
        try:
            self._ledger.append(entry)
        except OSError as error:
            if not self._complained:
                self._complained = True
                logger.error("the audit file %s cannot be written: %s", self._ledger.path, error.strerror or error)
            return False
        return True


def _head(event: Event) -> dict[str, Any]:
    head: dict[str, Any] = {
        "v": 1,
        "time": datetime.fromtimestamp(event.ts_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "event": event.type,
        "run_id": event.run_id,
        "agent": event.agent,
        "turn": event.turn,
    }
    if event.correlation_id not in (None, event.run_id):
        head["correlation_id"] = event.correlation_id
    return head


def _run_start(payload: Mapping[str, Any]) -> dict[str, Any]:
    told = {"model": f"{payload['provider']}:{payload['model']}"}
    return told | {name: payload[name] for name in ("session", "parent") if name in payload}


def _tool_start(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": payload["id"], "name": kept(payload["name"]), "input": kept(payload["input"])}


def _decision(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kept(payload.get(name)) for name in ("allowed", "by", "reason", "remember")}


def _tool_end(payload: Mapping[str, Any]) -> dict[str, Any]:
    error = payload["error"]
    outcome = "ok" if error is None else "failed" if payload["executed"] else "refused"
    told = {"id": payload["id"], "name": kept(payload["name"]), "outcome": outcome, "error": kept(error)}
    return {**told, "duration_ms": payload["duration_ms"]}


def _fallback(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kept(payload[name]) for name in ("from", "to", "reason")}


def _run_end(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kept(payload[name]) for name in ("status", "error", "error_type", "turns", "usage", "cost")}


_LINES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "run_start": _run_start,
    "approval_result": _decision,
    "tool_start": _tool_start,
    "tool_end": _tool_end,
    "fallback": _fallback,
    "run_end": _run_end,
}


def kept(value: Any, depth: int = 0) -> Any:
    """What a line keeps of a value: plain JSON, without secrets, and not endless.

    >>> kept({"to": ["ada", 1]})
    {'to': ['ada', 1]}
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < DEEPEST:
        if isinstance(value, Mapping):
            pairs = list(value.items())
            told = {_cut(str(name)): kept(item, depth + 1) for name, item in pairs[:MOST]}
            return told if len(pairs) <= MOST else {**told, "…": f"{len(pairs) - MOST} more"}
        if isinstance(value, list | tuple):
            items = [kept(item, depth + 1) for item in value[:MOST]]
            return items if len(value) <= MOST else [*items, f"… {len(value) - MOST} more"]
    return _cut(value if isinstance(value, str) else repr(value))


def _cut(text: str) -> str:
    text = redact(text)
    if len(text) <= LONGEST:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:LONGEST]}… ({len(text)} characters, sha256 {digest})"
