"""An answer of a type: the schema that is asked for, and the check of what came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import ConfigError, OutputError

__all__ = ["OutputType"]

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL)


class OutputType:
    """Any type that pydantic can validate.

    Models answer with an object; a type that is none (``int``, ``list[str]``) travels as ``{"value": …}``.

    >>> OutputType(list[int]).parse('{"value": [1, 2]}')
    [1, 2]
    """

    def __init__(self, type_: Any) -> None:
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError

        try:
            self._adapter: Any = TypeAdapter(type_)
            schema = self._adapter.json_schema()
        except PydanticUserError as error:
            raise ConfigError(
                f"output={type_!r} is no type pydantic can validate",
                hint="give a pydantic model, a dataclass, or a type such as list[str]",
            ) from error
        self._wrapped = schema.get("type") != "object" and "$ref" not in schema
        definitions = schema.pop("$defs", None)
        self.schema: Mapping[str, Any] = _wrap(schema, definitions) if self._wrapped else _with(schema, definitions)
        self.name = getattr(type_, "__name__", str(type_))

    def parse(self, text: str) -> Any:
        """The value in `text`; `OutputError` with what is wrong, in words a model can act on."""
        from pydantic import ValidationError
        from pydantic_core import from_json

        fenced = _FENCE.match(text)
        try:
            data = from_json(fenced.group(1) if fenced else text)
        except ValueError as error:
            raise OutputError(f"The answer is no JSON: {error}", hint=_HINT) from error
        if self._wrapped and isinstance(data, dict) and set(data) == {"value"}:
            data = data["value"]
        try:
            return self._adapter.validate_python(data)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'answer'}: {item['msg']}" for item in error.errors()
            )
            raise OutputError(f"The answer does not match {self.name}: {problems}", hint=_HINT) from error


_HINT = "use a simpler type, say in the prompt what is wanted, or choose a stronger model"


def _wrap(schema: dict[str, Any], definitions: dict[str, Any] | None) -> dict[str, Any]:
    whole = {
        "type": "object",
        "properties": {"value": schema},
        "required": ["value"],
        "additionalProperties": False,
    }
    return _with(whole, definitions)


def _with(schema: dict[str, Any], definitions: dict[str, Any] | None) -> dict[str, Any]:
    return {**schema, "$defs": definitions} if definitions else schema
