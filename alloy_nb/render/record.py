"""The run record: a whole run as JSON, for the notebook file and for showing it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..messages import Message
from ..redaction import redact
from ..usage import Usage
from .clean import shorten, shown, shown_value
from .references import refer, resolve
from .values import block_from_dict, block_to_dict

if TYPE_CHECKING:
    from .blocks import Transcript

__all__ = ["RECORD_BYTES", "RECORD_VERSION", "from_record", "read_number", "read_word", "to_record"]

RECORD_VERSION = 1

#: A notebook with many runs must stay one that can be opened, sent and diffed.
RECORD_BYTES = 256_000

#: The strings that may be cut, in the order in which they go: (which keys, in which part of the record).
_CUTS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"output", "error", "tool_result"}), "the longest tool outputs"),
    (frozenset({"data", "rich"}), "data and images"),
    (frozenset({"input"}), "tool arguments"),
    (frozenset({"thinking"}), "thinking"),
)

#: What says which thing is meant is never cut.
_KEPT = frozenset({"type", "block", "id", "call_id", "run_id", "name", "mime", "mime_type", "state", "status", "kind"})
_MEDIA = frozenset({"image", "audio", "document"})

#: Who nests deeper means no good: a record is written and read by functions that call themselves.
_DEEPEST = 100

_LEVELS = (64_000, 16_000, 4_000, 1_000, 250)


def to_record(transcript: Transcript, *, messages: bool = True, limit: int = RECORD_BYTES) -> dict[str, Any]:
    """The record of a run, as it is now; see `Transcript.record`."""
    record: dict[str, Any] = {
        "v": RECORD_VERSION,
        "run_id": None if transcript.run_id is None else shown(transcript.run_id),
        "status": shown(transcript.status),
        "model": transcript.model,
        "prompt": transcript.prompt,
        "inputs": list(transcript.inputs),
        "notice": transcript.notice,
        "turns": transcript.turns,
        "usage": transcript.usage.to_dict(),
        "cost": transcript.cost,
        "seconds": transcript.seconds,
        "blocks": [block_to_dict(block) for block in transcript.blocks],
    }
    if messages:
        record["messages"] = refer([_message_dict(message) for message in transcript.messages], record["blocks"])
    return fit(record, limit)


def _message_dict(message: Message | Mapping[str, Any]) -> Any:
    data = message.to_dict() if isinstance(message, Message) else message
    return _redacted(data)


def _redacted(value: Any, depth: int = 0) -> Any:
    """`value` without keys in any string, and with nothing that UTF-8 cannot say."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, str):
        return redact(value.encode("utf-8", "replace").decode("utf-8"))
    if isinstance(value, Mapping):
        return {_redacted(str(key)): _redacted(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item, depth + 1) for item in value]
    return shown_value(value)


def from_record(record: Any) -> Transcript:
    """The transcript that a record tells of; see `Transcript.from_record`."""
    from .blocks import Transcript

    version = record.get("v") if isinstance(record, Mapping) else None
    if not isinstance(record, Mapping) or not isinstance(version, int):
        raise ConfigError("this is no run record", hint="a run record is a JSON object with `v` and `blocks`")
    if version > RECORD_VERSION:
        raise ConfigError(
            f"a run record of version {version} is newer than this alloy_nb reads", hint="upgrade alloy-nb"
        )
    run_id = record.get("run_id")
    transcript = Transcript(
        run_id if isinstance(run_id, str) else None,
        inputs=[item for item in _items(record, "inputs") if isinstance(item, str)],
        notice=read_word(record, "notice") or None,
    )
    transcript.prompt = read_word(record, "prompt")
    transcript.model = read_word(record, "model")
    transcript.status = read_word(record, "status") or "running"
    transcript.turns = int(read_number(record, "turns") or 0)
    transcript.cost = read_number(record, "cost")
    transcript.seconds = read_number(record, "seconds") or 0.0
    transcript.usage = _usage(record)
    messages = resolve(list(_items(record, "messages")), list(_items(record, "blocks")), 4 * RECORD_BYTES)
    transcript.messages = [item for item in messages if isinstance(item, Mapping)]
    transcript.restore(block_from_dict(item) for item in _items(record, "blocks"))
    return transcript


def _items(record: Mapping[str, Any], key: str) -> Iterable[Any]:
    items = record.get(key)
    return items if isinstance(items, list) else ()


def read_word(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return shown(value) if isinstance(value, str) else ""


def read_number(record: Mapping[str, Any], key: str) -> float | None:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if value - value == 0 else None


def _usage(record: Mapping[str, Any]) -> Usage:
    usage = record.get("usage")
    if not isinstance(usage, Mapping):
        return Usage()
    return Usage.from_dict({key: value for key, value in usage.items() if isinstance(value, int)})


# -- the size ---------------------------------------------------------------------------------------------------------


def size_of(record: Any) -> int:
    """Bytes as JSON in UTF-8, as a notebook keeps it."""
    return len(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())


def fit(record: dict[str, Any], limit: int) -> dict[str, Any]:
    """`record` in at most `limit` bytes: tool outputs are cut first, the longest first; a notice says so."""
    if size_of(record) <= limit:
        return record
    cut: list[str] = []
    for names, what in _CUTS:
        cut.append(what)
        for level in _LEVELS:
            record = {**record, **_cut_parts(record, names, level)}
            if _fits(record, cut, limit):
                return _with_notice(record, cut)
    if record.get("messages"):
        record = {**record, "messages": []}
        cut.append("messages")
    for level in (64_000, 16_000, 4_000, 250, 20):
        if _fits(record, cut, limit):
            return _with_notice(record, cut)
        record = _map_strings(record, partial(_cut, level=level))
    if _fits(record, cut, limit):
        return _with_notice(record, cut)
    cut.append("earlier blocks")
    while record["blocks"] and not _fits(record, cut, limit):
        # What was said last is worth the most.
        record = {**record, "blocks": record["blocks"][len(record["blocks"]) // 2 + 1 :]}
    return _with_notice(record, cut)


def _cut_parts(record: dict[str, Any], names: frozenset[str], level: int) -> dict[str, Any]:
    def cut(text: str, path: tuple[str, ...]) -> str:
        return _cut(text, path, level) if names.intersection(path) else text

    return {key: _map_strings(record[key], cut) for key in ("blocks", "messages") if key in record}


def _cut(text: str, path: tuple[str, ...], level: int) -> str:
    if len(text) <= level or path[-1] in _KEPT:
        return text
    if (path[-1] == "data" and _MEDIA.intersection(path)) or path[-2:] == ("rich", "image"):
        return ""  # half of a picture is none
    return shorten(text, level)


def _fits(record: dict[str, Any], cut: list[str], limit: int) -> bool:
    return size_of(_with_notice(record, cut)) <= limit


def _with_notice(record: dict[str, Any], cut: list[str]) -> dict[str, Any]:
    text = "this record was shortened: " + ", ".join(cut)
    return {**record, "blocks": [*record["blocks"], {"block": "notice", "kind": "shortened", "text": text}]}


def _map_strings(value: Any, change: Callable[[str, tuple[str, ...]], str], path: tuple[str, ...] = ()) -> Any:
    """`value` with every string but keys changed; `path` names the keys and kinds it lies under."""
    if isinstance(value, str):
        return change(value, path)
    if isinstance(value, Mapping):
        kind = value.get("type") or value.get("block")
        here = (*path, kind) if isinstance(kind, str) else path
        return {key: _map_strings(item, change, (*here, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_map_strings(item, change, path) for item in value]
    return value
