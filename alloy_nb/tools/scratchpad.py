"""The `scratchpad` tool: notes that survive when the conversation is compacted."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

from ..errors import ToolError
from .base import Tool
from .context import ToolContext

__all__ = ["Scratchpad", "notes_of"]

_STATE = "scratchpad"


class Scratchpad(Tool):
    """Keeps short notes by key in the run's state (the agent's, in an agent), under ``"scratchpad"``."""

    name = "scratchpad"
    description = (
        "Notes that stay when earlier parts of the conversation are dropped. Write findings down before they are "
        "lost, read them back later. read: all notes, or the one with `key`; write: save `value` under `key`; "
        "delete: drop `key`; clear: drop all notes."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": ["read", "write", "delete", "clear"]},
            "key": {"type": "string", "description": "Name of the note, e.g. 'findings'"},
            "value": {"type": "string", "description": "The note itself, for write"},
        },
        "required": ["action"],
        "additionalProperties": False,
    }
    idempotent = True
    key_argument: ClassVar[str | None] = "key"

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        notes = notes_of(ctx.state)
        key, value = input.get("key"), input.get("value")
        match input.get("action"):
            case "read":
                return _read(notes, key)
            case "write":
                return _write(notes, key, value)
            case "delete":
                return _delete(notes, key)
            case "clear":
                notes.clear()
                return "Scratchpad cleared."
            case other:
                raise ToolError(f"Unknown action '{other}'. Use 'read', 'write', 'delete' or 'clear'.")


def notes_of(state: MutableMapping[str, Any]) -> MutableMapping[str, str]:
    """The notes in a tool state, by key."""
    notes: MutableMapping[str, str] = state.setdefault(_STATE, {})
    return notes


def _read(notes: Mapping[str, str], key: str | None) -> str:
    if key:
        return notes[_known(notes, key)]
    return "\n".join(f"{name}: {note}" for name, note in notes.items()) or "(scratchpad is empty)"


def _write(notes: MutableMapping[str, str], key: str | None, value: str | None) -> str:
    if not key:
        raise ToolError("'write' requires a 'key'")
    if value is None:
        raise ToolError("'write' requires a 'value'")
    notes[key] = value
    return f"Saved: {key}"


def _delete(notes: MutableMapping[str, str], key: str | None) -> str:
    if not key:
        raise ToolError("'delete' requires a 'key'")
    del notes[_known(notes, key)]
    return f"Deleted: {key}"


def _known(notes: Mapping[str, str], key: str) -> str:
    if key not in notes:
        names = ", ".join(notes) or "none"
        raise ToolError(f"There is no note '{key}'. Notes: {names}")
    return key
