"""JSON schemas in the dialect that Anthropic's API speaks: for answers, and for the arguments of tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["input_schema", "output_schema"]

#: What a grammar may hold; schemas with more are refused.
MOST_OPTIONAL = 24
MOST_UNIONS = 16

_FORMATS = frozenset("date-time time date duration email hostname uri ipv4 ipv6 uuid".split())
_DEFINITIONS = ("$defs", "definitions")
#: Words about a schema that say nothing of what fits it.
_NOISE = frozenset({"$schema", "$id", "$comment", "discriminator"})


class _UnfitError(Exception):
    """The schema says what this dialect has no words for."""


def output_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema an answer can be held to; None where that cannot be (maps with any keys, recursion, anything goes).

    What the dialect lacks (``minimum``, ``pattern``, …) is said in descriptions instead.

    >>> output_schema({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}})["properties"]
    {'n': {'type': 'integer', 'description': '{minimum: 1}'}}
    >>> output_schema({"type": "object", "additionalProperties": {"type": "integer"}}) is None
    True
    """
    try:
        return _Fitting().whole(schema)
    except _UnfitError:
        return None


class _Fitting:
    """One schema on its way into the dialect."""

    def __init__(self) -> None:
        self._optional = 0
        self._unions = 0
        #: Which definitions each definition uses, by their pointers; the root's pointer is "".
        self._uses: dict[str, set[str]] = {}
        self._within = ""

    def whole(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        rest = dict(schema)
        definitions: dict[str, dict[str, Any]] = {}
        for word in _DEFINITIONS:
            for name, value in _mapping(rest.pop(word, None)).items():
                definitions.setdefault(word, {})[name] = self._fit_within(f"#/{word}/{name}", value)
        fitted = self._fit_within("", rest)
        if self._optional > MOST_OPTIONAL or self._unions > MOST_UNIONS:
            raise _UnfitError
        self._check_references("", set(), set())
        return {**fitted, **definitions}

    def _fit_within(self, pointer: str, schema: Any) -> dict[str, Any]:
        self._within = pointer
        self._uses[pointer] = set()
        return self._fit(schema)

    def _check_references(self, pointer: str, above: set[str], checked: set[str]) -> None:
        """Each leads to a definition that is there, and none back to itself."""
        if pointer in above or pointer not in self._uses:
            raise _UnfitError
        if pointer not in checked:
            for used in self._uses[pointer]:
                self._check_references(used, {*above, pointer}, checked)
            checked.add(pointer)

    def _fit(self, schema: Any) -> dict[str, Any]:
        if not isinstance(schema, Mapping):
            raise _UnfitError
        rest = {word: value for word, value in schema.items() if word not in _NOISE}
        if "$ref" in rest:
            return self._reference(rest)
        fitted = self._variants(rest) or self._literals(rest) or self._typed(rest)
        for word in ("title", "description"):
            if word in rest:
                fitted[word] = rest.pop(word)
        if rest:
            said = ", ".join(f"{word}: {json.dumps(value, ensure_ascii=False)}" for word, value in rest.items())
            fitted["description"] = _joined(fitted.get("description"), f"{{{said}}}")
        return fitted

    def _reference(self, rest: dict[str, Any]) -> dict[str, Any]:
        pointer = str(rest["$ref"])
        self._uses[self._within].add(pointer)
        # Nothing may stand beside a reference; within a choice of one it may.
        described = {"description": rest["description"]} if "description" in rest else {}
        return {"anyOf": [{"$ref": pointer}], **described} if described else {"$ref": pointer}

    def _variants(self, rest: dict[str, Any]) -> dict[str, Any]:
        for word in ("anyOf", "oneOf", "allOf"):
            variants = rest.pop(word, None)
            if not isinstance(variants, list) or not variants:
                continue
            self._unions += 1
            if word == "allOf" and len(variants) > 1:
                raise _UnfitError
            rest.pop("type", None)
            return {"anyOf": [self._fit(variant) for variant in variants]}
        return {}

    def _literals(self, rest: dict[str, Any]) -> dict[str, Any]:
        for word in ("enum", "const"):
            value = rest.get(word)
            values = value if word == "enum" and isinstance(value, list) else [value]
            if word in rest and values and all(_is_plain(value) for value in values):
                rest.pop("type", None)
                return {word: rest.pop(word)}
        return {}

    def _typed(self, rest: dict[str, Any]) -> dict[str, Any]:
        kind = rest.pop("type", None)
        kinds = kind if isinstance(kind, list) else [kind]
        if not kinds or not all(isinstance(kind, str) for kind in kinds):
            raise _UnfitError
        fitted: dict[str, Any] = {"type": kind}
        self._unions += len(kinds) > 1
        if "object" in kinds:
            fitted |= self._object(rest)
        if "array" in kinds:
            fitted |= self._array(rest)
        if "string" in kinds and rest.get("format") in _FORMATS:
            fitted["format"] = rest.pop("format")
        return fitted

    def _object(self, rest: dict[str, Any]) -> dict[str, Any]:
        properties, more = rest.pop("properties", None), rest.pop("additionalProperties", None)
        if not properties and more is not False and (properties is None or more is not None):
            raise _UnfitError  # a map with any keys; an answer held to this dialect would always be {}
        fitted = {name: self._fit(value) for name, value in _mapping(properties).items()}
        required = [name for name in _names(rest.pop("required", None)) if name in fitted]
        self._optional += len(fitted) - len(required)
        return {"properties": fitted, "required": required, "additionalProperties": False}

    def _array(self, rest: dict[str, Any]) -> dict[str, Any]:
        fitted: dict[str, Any] = {}
        if "items" in rest:
            fitted["items"] = self._fit(rest.pop("items"))
        if rest.get("minItems") in (0, 1):
            fitted["minItems"] = rest.pop("minItems")
        return fitted


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _joined(description: Any, more: str) -> str:
    return f"{description}\n\n{more}" if description else more


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


# Tools


def input_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's schema with an object at its root, as the API wants it.

    A choice at the root, which it refuses, becomes one object with the properties of all; which belong together is
    said in the description. The tool itself still checks its arguments against the schema as it was.

    >>> either = {"anyOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]}
    >>> input_schema(either)
    {'type': 'object', 'properties': {'a': {}, 'b': {}}, 'description': 'One of: a; b'}
    """
    root = _resolved(schema, schema)
    for word in ("anyOf", "oneOf", "allOf"):
        variants = root.pop(word, None)
        if isinstance(variants, list) and variants:
            root = _merged(root, [_resolved(variant, schema) for variant in variants], all_of=word == "allOf")
    return {**root, "type": "object"}


def _resolved(schema: Any, whole: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `schema`, with what it refers to in the place of a reference."""
    found: dict[str, Any] = dict(_mapping(schema))
    for _ in range(8):  # a reference may lead to a reference, but not for ever
        steps = str(found.get("$ref", "")).split("/")
        if len(steps) != 3 or steps[0] != "#" or steps[1] not in _DEFINITIONS:
            break
        del found["$ref"]
        found = {**_mapping(_mapping(whole.get(steps[1])).get(steps[2])), **found}
    return found


def _merged(root: dict[str, Any], variants: list[dict[str, Any]], *, all_of: bool) -> dict[str, Any]:
    sets = [set(_names(variant.get("required"))) for variant in variants]
    shared = set.union(*sets) if all_of else set.intersection(*sets)
    properties = dict(_mapping(root.get("properties")))
    for variant in variants:
        for name, value in _mapping(variant.get("properties")).items():
            properties.setdefault(name, value)
    needed = sorted(shared | set(_names(root.get("required"))))
    merged: dict[str, Any] = {"type": "object", **root, "properties": properties}
    if needed:
        merged["required"] = needed
    if not all_of:
        choice = "One of: " + "; ".join(
            ", ".join(_mapping(variant.get("properties"))) or "nothing" for variant in variants
        )
        merged["description"] = _joined(root.get("description"), choice)
    return merged
