"""JSON Schema as Gemini reads it: what it would refuse or pass over is said in words that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["adapt_schema"]

#: Keywords under which schemas stand, by name or in a list, or as they are.
_NAMED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")


def adapt_schema(schema: Any) -> Any:
    """The same schema; a ``$ref`` stands alone, as it must there, and ``const`` is an ``enum`` of one.

    >>> adapt_schema({"$ref": "#/$defs/Pet", "description": "whose?"})
    {'description': 'whose?', 'anyOf': [{'$ref': '#/$defs/Pet'}]}
    >>> adapt_schema({"const": "cat", "type": "string"})
    {'type': 'string', 'enum': ['cat']}
    """
    if not isinstance(schema, Mapping):
        return schema
    adapted = {keyword: _adapt(keyword, value) for keyword, value in schema.items()}
    if "const" in adapted:
        value = adapted.pop("const")
        # Of other values there is no enum: the type has to do.
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            adapted.setdefault("enum", [value])
    if "$ref" in adapted and "anyOf" not in adapted and any(not keyword.startswith("$") for keyword in adapted):
        adapted["anyOf"] = [{"$ref": adapted.pop("$ref")}]
    return adapted


def _adapt(keyword: str, value: Any) -> Any:
    if keyword in _NAMED and isinstance(value, Mapping):
        return {name: adapt_schema(inner) for name, inner in value.items()}
    if keyword in _LISTED and isinstance(value, list | tuple):
        return [adapt_schema(inner) for inner in value]
    return adapt_schema(value) if keyword in _SINGLE else value
