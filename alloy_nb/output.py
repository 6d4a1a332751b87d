"""An answer of a type: the schema that is asked for, and the check of what came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from .articles import a_kind
from .errors import ConfigError, OutputError
from .json_text import find_json, is_json, pretty_json
from .typed_dicts import modernize

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["OutputType"]

_HINT = "use a simpler type, say in the prompt what is wanted, or choose a stronger model"
#: Problems that are told at once, and the letters of a wrong value.
_MOST_PROBLEMS, _LONGEST_VALUE = 10, 60
#: Whose types hold numbers and tables in a form that JSON does not have.
_WRAPPED = re.compile(r'\s*\{\s*"value"\s*:(.*)\}\s*', re.DOTALL)
#: What is a value, and was given for a type.
_VALUES = (str, bytes, int, float, complex, list, tuple, dict, set)
_ARRAYS = ("numpy", "pandas", "polars", "torch", "pyarrow", "xarray", "scipy")


class OutputType:
    """Any type that pydantic can validate.

    Models answer with an object; a type that is none (``int``, ``list[str]``) travels as ``{"value": …}``. ``str`` is
    the text as it is said: `schema` is None, and nothing is asked of the model. Raises `ConfigError` for what is no
    type, or one that has no JSON form.

    >>> OutputType(list[int]).parse('{"value": [1, 2]}')
    [1, 2]
    >>> OutputType(str).parse("Hello")
    'Hello'
    """

    def __init__(self, type_: Any) -> None:
        self.name: str = getattr(type_, "__name__", None) or str(type_)
        self.schema: Mapping[str, Any] | None = None
        if type_ is str:
            return
        from pydantic import TypeAdapter, create_model
        from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

        if isinstance(type_, FunctionType | BuiltinFunctionType | MethodType):
            raise _no_type(type_, "it is a function")
        if isinstance(type_, _VALUES):
            raise _no_type(type_, f"it is {a_kind(type_)}")
        try:
            type_ = modernize(type_)
            self._adapter: Any = TypeAdapter(type_)
            schema = _with_open_root(self._adapter.json_schema())
            self._wrapped: Any = None
            if schema.get("type") != "object":
                self._wrapped = create_model("Answer", value=(type_, ...))
                schema = _wrap(schema)
        except (PydanticUserError, PydanticUndefinedAnnotation) as error:
            raise _no_type(type_, _without_advice(error.message)) from error
        except (NameError, TypeError) as error:
            raise _no_type(type_, str(error)) from error
        self.schema = schema

    def parse(self, text: str, *, cut: bool = False) -> Any:
        """The value in `text`; `OutputError` with what is wrong, in words a model can act on."""
        return self.read(text, cut=cut)[0]

    def read(self, text: str, *, cut: bool = False) -> tuple[Any, str | None]:
        """The value in `text` and the JSON it came as, a line a value; None for a mere text.

        The JSON may stand in a fence or among words, but for a text that was `cut`; of several, exactly one must match.
        """
        if self.schema is None:
            return text, None
        found = find_json(text, among_words=not cut)
        if not found:
            raise OutputError(f"The answer is no JSON: {_excerpt(text)}", hint=_HINT)
        values: list[tuple[Any, str]] = []
        problem: OutputError | None = None
        for candidate in found:
            try:
                values.append((self._validated(candidate), candidate))
            except OutputError as error:
                problem = error
        if len(values) > 1:
            raise OutputError(f"The answer holds {len(values)} JSON values that match: give one alone", hint=_HINT)
        if not values:
            assert problem is not None
            raise problem
        value, candidate = values[0]
        return value, pretty_json(self._unwrapped(candidate))

    def _unwrapped(self, text: str) -> str:
        """The JSON of the value alone."""
        inner = _WRAPPED.fullmatch(text) if self._wrapped is not None else None
        return inner[1] if inner and is_json(inner[1]) else text

    def _validated(self, text: str) -> Any:
        from pydantic import ValidationError

        try:
            if self._wrapped is None:
                return self._adapter.validate_json(text)
            try:
                return self._wrapped.model_validate_json(text).value
            except ValidationError as error:
                # A model that was only told of the form may leave out the object around the value.
                try:
                    return self._adapter.validate_json(text)
                except ValidationError as bare:
                    raise (error if _is_wrapped(text) else bare) from None
        except ValidationError as error:
            raise OutputError(f"The answer does not match {self.name}: {_problems(error)}", hint=_HINT) from error
        except Exception as error:
            raise ConfigError(
                f"a validator of {self.name} raised {type(error).__name__}: {error}",
                hint="raise ValueError in a validator for what the model is to mend",
            ) from error


def _without_advice(message: str) -> str:
    """What pydantic says is wrong, without what it advises those who build on it."""
    unknown = re.match(r"Unable to generate pydantic-core schema for (.+?)\. Set `", message, re.DOTALL)
    return f"nothing tells how {unknown[1]} is made of JSON" if unknown else message.split("\n")[0]


def _no_type(type_: Any, why: str) -> ConfigError:
    made_of = str(getattr(type_, "__module__", "")).partition(".")[0]
    if made_of in _ARRAYS:
        hint = (
            f"ask for what it is made of, such as list[float] or a list of models, and make the {made_of} value of it"
        )
    elif isinstance(type_, str):
        hint = "give the type itself, not its name"
    else:
        hint = "give a pydantic model, a dataclass, or a type such as list[str], of values that JSON can hold"
    return ConfigError(f"output={type_!r} is no type that a model can answer with: {why}", hint=hint)


# The schema


def _with_open_root(schema: dict[str, Any]) -> dict[str, Any]:
    """A type that holds itself is one reference to a definition; services want to see the object."""
    root = schema.get("$ref", "").removeprefix("#/$defs/")
    return {**schema["$defs"][root], "$defs": schema["$defs"]} if root else schema


def _wrap(schema: dict[str, Any]) -> dict[str, Any]:
    value = {key: part for key, part in schema.items() if key != "$defs"}
    whole = {
        "type": "object",
        "properties": {"value": value},
        "required": ["value"],
        "additionalProperties": False,
    }
    return {**whole, "$defs": schema["$defs"]} if "$defs" in schema else whole


# What is wrong, in words


def _is_wrapped(text: str) -> bool:
    from pydantic_core import from_json

    value = from_json(text)
    return isinstance(value, dict) and "value" in value


def _problems(error: ValidationError) -> str:
    items = error.errors(include_url=False, include_context=False)
    told = "; ".join(map(_problem, items[:_MOST_PROBLEMS]))
    left = len(items) - _MOST_PROBLEMS
    return f"{told}; and {left} more problems" if left > 0 else told


def _problem(item: Mapping[str, Any]) -> str:
    where = ".".join(map(str, item["loc"])) or "answer"
    value = item.get("input")
    # Of what is missing, or of an object, the whole around it would be quoted.
    given = "" if item["type"] == "missing" or isinstance(value, dict) else f" (it is {_excerpt(_shown(value))})"
    return f"{where}: {item['msg']}{given}"


def _shown(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        return "it is empty"
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
