"""A model that answers from a script: for tests, demonstrations and offline notebooks."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from .. import errors
from ..articles import a_kind
from ..counting import counted
from ..errors import ConfigError, ProviderError, StreamError
from ..keywords import keywords_told
from ..options import nearest
from ..plain import one_line
from ..usage import Usage
from .base import (
    NATIVE,
    Delta,
    Done,
    OutputForms,
    Request,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageDelta,
)

__all__ = ["Scripted"]

_ERROR_KEYS = ("type", "message", "hint", "status", "request_id", "retry_after", "body", "retryable")
_CALL_KEYS = ("name", "input", "id")
_ERROR_TYPES = {
    name: cls for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, ProviderError)
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """One line of a script, checked."""

    text: str = ""
    thinking: str = ""
    tool_calls: Sequence[Mapping[str, Any]] = ()
    error: str | Mapping[str, Any] | ProviderError | None = None
    delay_ms: float = 0
    chunks: int | Sequence[str] | None = None
    on: str | None = None
    usage: Usage = field(default_factory=lambda: Usage(10, 5))
    stop_reason: StopReason | None = None


_KEYS = tuple(f.name for f in fields(_Answer))


@keywords_told
class Scripted:
    """Answers from a list of lines, or from a JSONL file of them; no network, no cost, the same every time.

    A line is a mapping with any of: `text`, `thinking`, `tool_calls` (each with `name`, `input` and perhaps
    `id`), `error` (words, or ``{"type": "RateLimitError", "message": …, "status": …, "retry_after": …}``; what
    else the line has comes before it), `delay_ms`, `chunks` (the pieces of the text, or their number; words
    otherwise), `usage`, `stop_reason`, and `on`. A plain string is a line with that text, a `ProviderError` one that
    fails with it.

    A line with `on` answers whenever the last user message is that text; of several, each answers once and the
    last one stays. The other lines answer once, in order. `requests` records what was asked.

    >>> import asyncio
    >>> model = Scripted(["Good morning"])
    >>> asyncio.run(model.complete(Request(())))[0]
    TextDelta(text='Good morning', block=0)
    """

    name = "scripted"
    options = frozenset(
        {
            "temperature",
            "top_p",
            "max_output_tokens",
            "stop_sequences",
            "tool_choice",
            "thinking",
            "extra_body",
        }
    )
    constrains_arguments = False
    output_forms: OutputForms | None = NATIVE

    def __init__(self, lines: Iterable[str | Mapping[str, Any] | ProviderError] | str | Path) -> None:
        if isinstance(lines, str | Path):
            self.model = str(lines)
            answers = [_check(line, where) for where, line in _read(Path(lines))]
        else:
            self.model = "script"
            if not isinstance(lines, Iterable):
                raise ConfigError(
                    f"a script is {a_kind(lines)}", hint='give a list of answers, ["Hello"], or a file of them'
                )
            answers = [_check(line, f"answer {number}") for number, line in enumerate(lines, 1)]
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._calls = 0
        self._in_order = [answer for answer in answers if answer.on is None]
        self._next = 0
        self._by_prompt: dict[str, list[_Answer]] = {}
        for answer in answers:
            if answer.on is not None:
                self._by_prompt.setdefault(answer.on.strip(), []).append(answer)

    @classmethod
    def text(cls, *texts: str) -> Scripted:
        """A script of plain texts."""
        return cls(list(texts))

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """The next line, piece by piece."""
        answer, ids = self._take(request)
        await _wait(answer)
        for delta in _deltas(answer, ids, _pieces(answer)):
            yield delta
            # A script that never waits could not be cancelled between two pieces.
            await asyncio.sleep(0)
        if answer.error is not None:
            raise _error(answer.error)

    async def complete(self, request: Request) -> Sequence[Delta]:
        """The next line at once."""
        answer, ids = self._take(request)
        await _wait(answer)
        if answer.error is not None:
            raise _error(answer.error)
        return list(_deltas(answer, ids, ["".join(_pieces(answer))]))

    async def models(self) -> Sequence[str]:
        """The script's own name alone."""
        return [self.model]

    def _take(self, request: Request) -> tuple[_Answer, list[str]]:
        """The next answer, and the ids of its calls. Safe from several threads."""
        with self._lock:
            self.requests.append(request)
            answer = self._match(request)
            return answer, [call.get("id") or self._new_id(request) for call in answer.tool_calls]

    def _match(self, request: Request) -> _Answer:
        prompt = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
        matching = self._by_prompt.get(prompt.strip())
        if matching:
            return matching.pop(0) if len(matching) > 1 else matching[0]
        if self._next >= len(self._in_order):
            raise StreamError("no more scripted answers", hint=self._what_is_missing(), retryable=False)
        self._next += 1
        return self._in_order[self._next - 1]

    def _what_is_missing(self) -> str:
        prompts = [one_line(prompt, 60) for prompt in self._by_prompt]
        on = f"no line is `on` this message: those are on {', '.join(map(repr, prompts[:5]))}"
        on += f" and {len(prompts) - 5} others" if len(prompts) > 5 else ""
        if not self._in_order:
            return f"{on}; one without `on` answers anything" if prompts else "the script is empty: add a line"
        count = len(self._in_order)
        given = f"the script has {counted(count, 'answer')} in order, and all were given: add a line"
        return f"{given}; {on}" if prompts else given

    def _new_id(self, request: Request) -> str:
        """``call_1``, ``call_2`` …, passing over ids that the conversation has already."""
        taken = {call.id for message in request.messages for call in message.tool_calls}
        while True:
            self._calls += 1
            if f"call_{self._calls}" not in taken:
                return f"call_{self._calls}"

    def __repr__(self) -> str:
        return f"Scripted({self.model!r})"


async def _wait(answer: _Answer) -> None:
    if answer.delay_ms:
        await asyncio.sleep(answer.delay_ms / 1000)


def _deltas(answer: _Answer, ids: Sequence[str], pieces: Iterable[str]) -> Iterator[Delta]:
    if answer.thinking:
        yield ThinkingDelta(answer.thinking)
    for piece in pieces:
        if piece:
            yield TextDelta(piece)
    for key, (call, call_id) in enumerate(zip(answer.tool_calls, ids, strict=True)):
        yield ToolCallDelta(key, call_id, call["name"])
        yield ToolCallDelta(key, arguments=json.dumps(call.get("input") or {}, ensure_ascii=False))
    if answer.error is None:
        yield UsageDelta(answer.usage)
        yield Done(answer.stop_reason or ("tool_use" if answer.tool_calls else "end_turn"))


def _pieces(answer: _Answer) -> list[str]:
    if answer.chunks is None:
        return re.findall(r"\s*\S+\s*|\s+", answer.text)
    if not isinstance(answer.chunks, int):
        return list(answer.chunks)
    size = -(-len(answer.text) // answer.chunks) or 1
    return [answer.text[start : start + size] for start in range(0, len(answer.text), size)]


def _error(error: str | Mapping[str, Any] | ProviderError) -> ProviderError:
    if isinstance(error, ProviderError):
        # A line may answer several times: each failure has a traceback and a result of its own.
        return copy.copy(error)
    if isinstance(error, str):
        return ProviderError(error)
    known = {key: value for key, value in error.items() if key not in ("type", "message")}
    return _ERROR_TYPES[error.get("type", "ProviderError")](error.get("message", "scripted error"), **known)


# Reading and checking


def _read(path: Path) -> Iterator[tuple[str, Any]]:
    problem = ""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    if problem:
        raise ConfigError(f"cannot read the script {path}: {problem}", hint="check the path")
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{where}: no valid JSON: {error}", hint="one JSON object a line") from None
        yield where, value


def _check(line: Any, where: str) -> _Answer:
    """The line as an answer; a `ConfigError` that says where and what."""
    if isinstance(line, str):
        return _Answer(text=line)
    if isinstance(line, ProviderError):
        return _Answer(error=line)
    if not isinstance(line, Mapping):
        raise ConfigError(
            f"{where}: {a_kind(line)}", hint="an answer is an object or a text, or in Python a ProviderError"
        )
    _check_keys(line, _KEYS, where)
    for key, kinds in _KINDS.items():
        if key in line and (not isinstance(line[key], kinds) or isinstance(line[key], bool)):
            raise ConfigError(f"{where}: `{key}` is {line[key]!r}", hint=_SHAPES[key])
    values = dict(line)
    _check_calls(values.get("tool_calls", ()), where)
    _check_error(values.get("error"), where)
    if "chunks" in values:
        values["text"] = _check_chunks(values["chunks"], values.get("text"), where)
    if values.get("delay_ms", 0) < 0:
        raise ConfigError(f"{where}: `delay_ms` is {values['delay_ms']!r}", hint=_SHAPES["delay_ms"])
    if "usage" in values:
        _check_keys(values["usage"], tuple(f.name for f in fields(Usage)), where)
        values["usage"] = Usage.from_dict(values["usage"])
    if "stop_reason" in values and values["stop_reason"] not in get_args(StopReason):
        _unknown("stop_reason", values["stop_reason"], get_args(StopReason), where)
    return _Answer(**values)


_KINDS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "thinking": str,
    "tool_calls": (list, tuple),
    "error": (str, Mapping, ProviderError),
    "delay_ms": (int, float),
    "chunks": (int, list, tuple),
    "on": str,
    "usage": Mapping,
    "stop_reason": str,
}
_SHAPES = {
    "text": "a text",
    "thinking": "a text",
    "tool_calls": 'a list of {"name": …, "input": {…}}',
    "error": 'words, {"type": "RateLimitError", "message": …}, or a ProviderError',
    "delay_ms": "milliseconds, 0 or more",
    "chunks": "a list of texts, or a number of pieces, 1 or more",
    "on": "the text of the last user message",
    "usage": '{"input_tokens": …, "output_tokens": …}',
    "stop_reason": "one of " + ", ".join(get_args(StopReason)),
}


def _check_keys(given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in given:
        if key not in known:
            _unknown("key", key, known, where)


def _unknown(what: str, word: Any, known: Sequence[str], where: str) -> None:
    near = nearest(str(word), known)
    hint = f"did you mean `{near}`?" if near else "known are: " + ", ".join(known)
    raise ConfigError(f"{where}: unknown {what} `{word}`", hint=hint)


def _check_calls(calls: Sequence[Any], where: str) -> None:
    for call in calls:
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
            raise ConfigError(f"{where}: a tool call is {call!r}", hint=_SHAPES["tool_calls"])
        _check_keys(call, _CALL_KEYS, where)
        if not isinstance(call.get("input") or {}, Mapping) or not isinstance(call.get("id") or "", str):
            raise ConfigError(f"{where}: a tool call is {call!r}", hint=_SHAPES["tool_calls"])


def _check_error(error: Any, where: str) -> None:
    if not isinstance(error, Mapping):
        return
    _check_keys(error, _ERROR_KEYS, where)
    kind = error.get("type", "ProviderError")
    if kind not in _ERROR_TYPES:
        _unknown("error type", kind, tuple(_ERROR_TYPES), where)


def _check_chunks(chunks: int | Sequence[Any], text: str | None, where: str) -> str:
    if isinstance(chunks, int):
        if chunks < 1:
            raise ConfigError(f"{where}: `chunks` is {chunks!r}", hint=_SHAPES["chunks"])
        return text or ""
    if not all(isinstance(chunk, str) for chunk in chunks):
        raise ConfigError(f"{where}: `chunks` is {chunks!r}", hint=_SHAPES["chunks"])
    if text is not None and text != "".join(chunks):
        raise ConfigError(f"{where}: `chunks` are not the pieces of `text`", hint="leave out one of the two")
    return "".join(chunks)
