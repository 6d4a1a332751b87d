"""The `context` tool: what the agents of a team share, in their hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..errors import ToolError
from ..plain import revealed_name
from ..redaction import redact
from ..tools.base import Tool
from ..tools.context import ToolContext
from .context import LONGEST_VALUE, SharedContext, as_json

__all__ = ["ContextTool"]

#: How many values agents may put there, and how long a key may be.
MOST_KEYS = 200
LONGEST_KEY = 200


class ContextTool(Tool):
    """Lists, reads and writes a team's shared context in the name of one member."""

    name = "context"
    description = (
        "What the agents of your team share: values by key, which all of them see. list: the keys, with who wrote each "
        "one; get: the value of `key`; set: put `value`, any JSON, under `key`; delete: drop `key`."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": ["list", "get", "set", "delete"]},
            "key": {"type": "string", "description": "Name of the value, e.g. 'findings'"},
            "value": {"description": "The value itself, for set: any JSON"},
        },
        "required": ["action"],
        "additionalProperties": False,
    }
    idempotent = True
    key_argument: ClassVar[str | None] = "key"

    def __init__(self, context: SharedContext, member: str, name: str = "context") -> None:
        self._context = context
        self._member = member
        self.name = name

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        key = input.get("key") or ""
        match input.get("action"):
            case "list":
                return self._list()
            case "get":
                return as_json(self._context[self._known(key)])
            case "set":
                return self._set(key, input)
            case "delete":
                self._context.pop(self._known(key), None)
                return f"Deleted: {key}"
            case other:
                raise ToolError(f"Unknown action '{other}'. Use 'list', 'get', 'set' or 'delete'.")

    def _list(self) -> str:
        entries = self._context.entries()
        lines = [f"{_shown(key)} (by {entry.by or 'the user'})" for key, entry in sorted(entries.items())]
        return "\n".join(lines) or "(empty)"

    def _set(self, key: str, input: Mapping[str, Any]) -> str:
        if not key or len(key) > LONGEST_KEY:
            raise ToolError(f"'set' requires a 'key' of at most {LONGEST_KEY} characters")
        if "value" not in input:
            raise ToolError("'set' requires a 'value'")
        size = len(as_json(input["value"], 10 * LONGEST_VALUE))
        if size > LONGEST_VALUE:
            raise ToolError(f"the value is too long: at most {LONGEST_VALUE} characters of JSON; put a summary there")
        if key not in self._context and len(self._context) >= MOST_KEYS:
            raise ToolError(f"there are {MOST_KEYS} values already: delete one first")
        self._context.put(key, input["value"], by=self._member)
        return f"Saved: {key}"

    def _known(self, key: str) -> str:
        entries = self._context.entries()
        if key not in entries:
            known = ", ".join(map(_shown, sorted(entries)[:MOST_KEYS])) or "none"
            raise ToolError(f"There is nothing under '{_shown(key)}'. Keys: {known}")
        return key


def _shown(key: str) -> str:
    """One agent's key in another one's conversation: on one line, without hidden characters and keys of services."""
    return redact(revealed_name(key))
