"""May a JSON schema be strict, so that a service holds its model to it? Then its strict form. Pure data to data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["make_strict"]

#: What a strict schema may say. Whatever else it says would be refused, or left out of account.
_KEYWORDS = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
        "$ref", "$defs", "title", "description", "default", "format", "pattern",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
    }
)  # fmt: skip
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_LOOKAROUNDS = ("(?=", "(?!", "(?<")
_TYPES = ("type", "$ref", "anyOf", "enum", "const")

#: Bounds that every model keeps; newer ones allow more.
_DEEPEST = 5
_MOST_PROPERTIES = 100


class _Loose(Exception):
    """This schema would lose something."""


def make_strict(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same schema with every object closed and every key required; None where that would lose something.

    An object that lists its properties is taken as closed, as our own tools take it. A key that may be left out
    stays so only where null says the same: it has no other default, and null fits it.

    >>> make_strict({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]})["required"]
    ['path']
    >>> make_strict({"type": "object", "properties": {"limit": {"type": "integer", "default": 5}}}) is None
    True
    """
    try:
        schema = _with_open_root(schema)
        if schema.get("type") != "object" or "anyOf" in schema:
            return None
        strict = _strict(schema, 0)
    except (_Loose, AttributeError, KeyError, TypeError):  # the last ones: it is no schema at all
        return None
    return strict if _count_properties(strict) <= _MOST_PROPERTIES else None


def _with_open_root(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A type that holds itself is one reference to a definition; services want to see the object."""
    root = str(schema.get("$ref", ""))
    if not root.startswith("#/$defs/"):
        return schema
    return {**schema["$defs"][root.removeprefix("#/$defs/")], "$defs": schema["$defs"]}


def _strict(schema: Any, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or depth > _DEEPEST or not _KEYWORDS.issuperset(schema):
        raise _Loose
    if not any(key in schema for key in _TYPES) or not _is_plain_text(schema):
        raise _Loose
    if schema.get("default") is not None:
        raise _Loose
    made = {key: value for key, value in schema.items() if key != "default"}
    if "$defs" in made:
        made["$defs"] = {name: _strict(value, depth) for name, value in made["$defs"].items()}
    if "anyOf" in made:
        made["anyOf"] = [_strict(option, depth) for option in made["anyOf"]]
    kinds = _kinds(made)
    if "array" in kinds:
        made["items"] = _strict(made.get("items"), depth + 1)
    if "object" in kinds:
        made |= _closed(made, depth)
    if "$ref" in made and len(made) > 1 + ("$defs" in made):
        # A reference may have no neighbours; a choice of one may.
        made["anyOf"] = [{"$ref": made.pop("$ref")}]
    return made


def _closed(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    if schema.get("additionalProperties", not properties) is not False:
        raise _Loose
    required = set(schema.get("required") or ())
    if required - set(properties) or not all(name in required or _takes_null(properties[name]) for name in properties):
        raise _Loose
    return {
        "properties": {name: _strict(value, depth + 1) for name, value in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def _takes_null(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    options = schema.get("anyOf")
    return "null" in _kinds(schema) or (isinstance(options, list) and any(map(_takes_null, options)))


def _kinds(schema: Mapping[str, Any]) -> tuple[str, ...]:
    kinds = schema.get("type")
    return (kinds,) if isinstance(kinds, str) else tuple(kinds or ())


def _is_plain_text(schema: Mapping[str, Any]) -> bool:
    pattern = str(schema.get("pattern", ""))
    return schema.get("format", "date") in _FORMATS and not any(look in pattern for look in _LOOKAROUNDS)


def _count_properties(schema: Any) -> int:
    if isinstance(schema, list):
        return sum(map(_count_properties, schema))
    if not isinstance(schema, Mapping):
        return 0
    return len(schema.get("properties") or ()) + sum(map(_count_properties, schema.values()))
