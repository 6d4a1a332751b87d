"""Schemas from signatures, and the check of what a model gave."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from ..errors import ConfigError, ToolError
from ..typed_dicts import modernize
from .context import ToolContext
from .docstring import read_docstring

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from .base import Tool

__all__ = ["Arguments", "arguments_of", "check_input"]

_EMPTY = inspect.Parameter.empty
#: What a parameter without an annotation is told to be, by the type of its default.
_JSON_TYPES = {bool: "boolean", int: "number", float: "number", list: "array", tuple: "array", dict: "object"}


# -- checking ---------------------------------------------------------------------------------------------------------


def check_input(tool: Tool, input: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The arguments to run `tool` with: Python values for a function, else JSON values of the right type.

    Forgiving where the meaning is plain: null for an argument that may be left out, ``"5"`` for a number, JSON text
    for a list or an object. Raises `ToolError` with everything that is wrong, for the model.
    """
    from .decorator import FunctionTool

    given = {} if input is None else input
    if not isinstance(given, Mapping):
        raise ToolError(f"Invalid arguments for {tool.name}: an object is needed, not {_show(given)}")
    if isinstance(tool, FunctionTool):
        return tool.arguments.validate(given)
    values, problems = _check_json(tool.input_schema, given)
    if problems:
        raise ToolError(_complaint(tool.name, problems, tool.input_schema))
    return values


def _check_json(schema: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required: Sequence[str] = schema.get("required") or ()
    values: dict[str, Any] = {}
    problems = [f"`{key}` is missing" for key in required if key not in given]
    for key, value in given.items():
        if key not in properties:
            if _is_closed(schema):
                problems.append(_unknown(key, properties))
            else:
                values[key] = value
        elif value is None and key not in required and not _fits(None, properties[key]):
            continue
        else:
            values[key] = _forgive(value, properties[key])
            if not _fits(values[key], properties[key]):
                problems.append(f"`{key}` must be {_wanted(properties[key])} (got {_show(value)})")
    return values, problems


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Whether other arguments than the listed ones are surely wrong."""
    if "additionalProperties" in schema:
        return schema["additionalProperties"] is False
    return bool(schema.get("properties")) and not any(
        key in schema for key in ("patternProperties", "anyOf", "oneOf", "allOf", "$ref")
    )


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, (list, tuple)),
    "object": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
}

_ARTICLES = {"array": "an ", "integer": "an ", "object": "an ", "null": ""}


def _types_of(schema: Any) -> list[str]:
    """The types a property may have, as far as they stand at its top; none when anything may do."""
    kinds = schema.get("type", []) if isinstance(schema, Mapping) else []
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _fits(value: Any, schema: Any) -> bool:
    kinds = _types_of(schema)
    if kinds and not any(_CHECKS.get(kind, lambda _: True)(value) for kind in kinds):
        return False
    return not isinstance(schema, Mapping) or "enum" not in schema or value in schema["enum"]


def _forgive(value: Any, schema: Any) -> Any:
    """The value that was meant, where that is plain."""
    if _fits(value, schema):
        return value
    meant = value
    if isinstance(value, str):
        meant = _parsed(value)
    elif isinstance(value, float) and value.is_integer():
        meant = int(value)
    if meant is value and "string" in _types_of(schema) and isinstance(value, (int, float)):
        meant = json.dumps(value)
    return meant if _fits(meant, schema) else value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _wanted(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(value) for value in schema["enum"])
    kinds = _types_of(schema)
    return " or ".join(_ARTICLES.get(kind, "a ") + kind for kind in kinds)


def _unknown(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, n=1)
    return f"`{key}` is unknown" + (f" (did you mean `{near[0]}`?)" if near else "")


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _complaint(name: str, problems: Iterable[str], schema: Mapping[str, Any]) -> str:
    required = schema.get("required") or ()
    takes = []
    for key, prop in (schema.get("properties") or {}).items():
        words = [" or ".join(_types_of(prop)), "required" if key in required else ""]
        details = ", ".join(filter(None, words))
        takes.append(f"{key} ({details})" if details else key)
    return f"Invalid arguments for {name}: {'; '.join(problems)}. It takes: {', '.join(takes) or 'nothing'}."


# -- functions --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Arguments:
    """What a function takes: `schema` for the model; `validate` and `bind` for the call."""

    name: str
    parameters: Sequence[inspect.Parameter]
    #: Parameters that are given the `ToolContext`.
    contexts: frozenset[str]
    #: Field of the pydantic model -> parameter. The fields have names of their own: a parameter may be called
    #: `schema` or `_x`, which pydantic does not allow.
    fields: Mapping[str, str]
    model: type[BaseModel]
    schema: dict[str, Any] = field(repr=False)

    def validate(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Python values for what was given, by parameter; raises `ToolError`."""
        from pydantic import ValidationError

        try:
            return self._validated(given)
        except ValidationError as error:
            first = error
        mended = self._mended(given, first)
        if mended != given:
            try:
                return self._validated(mended)
            except ValidationError as error:
                first = error
        raise ToolError(_complaint(self.name, map(self._problem, first.errors(include_url=False)), self.schema))

    def _validated(self, given: Mapping[str, Any]) -> dict[str, Any]:
        from pydantic.fields import FieldInfo

        made = self.model.model_validate(dict(given))
        defaults = {p.name for p in self.parameters if isinstance(p.default, FieldInfo)}
        return {
            name: getattr(made, key)
            for key, name in self.fields.items()
            if key in made.model_fields_set or name in defaults
        }

    def _mended(self, given: Mapping[str, Any], error: ValidationError) -> dict[str, Any]:
        """Without null where a default stands, and with JSON text read."""
        wrong = {problem["loc"][0] for problem in error.errors(include_url=False) if problem["loc"]}
        required = self.schema.get("required", ())
        mended = {}
        for key, value in given.items():
            if key in wrong and value is None and key not in required:
                continue
            if key in wrong and isinstance(value, str) and isinstance(_parsed(value), (list, dict)):
                value = _parsed(value)
            mended[key] = value
        return mended

    def _problem(self, problem: Mapping[str, Any]) -> str:
        place = ".".join(map(str, problem["loc"]))
        if problem["type"] == "missing":
            return f"`{place}` is missing"
        if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
            return _unknown(place, self.fields.values())
        return f"`{place}`: {problem['msg']} (got {_show(problem['input'])})"

    def bind(self, values: Mapping[str, Any], ctx: ToolContext) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments for the call."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter in self.parameters:
            name = parameter.name
            if name in self.contexts:
                value: Any = ctx
            elif name in values:
                value = values[name]
            elif parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is not _EMPTY:
                value = parameter.default
            else:
                continue
            if parameter.kind is parameter.POSITIONAL_ONLY:
                args.append(value)
            else:
                kwargs[name] = value
        return args, kwargs


def arguments_of(function: Callable[..., Any], name: str, names: Mapping[str, Any] | None = None) -> Arguments:
    """Read a function's signature; `names` help to resolve string annotations. Raises `ConfigError`."""
    from .decorator import code_of, doc_of, signature_of

    code = code_of(function)
    documented = read_docstring(doc_of(function)).parameters
    parameters = list(signature_of(function).parameters.values())
    contexts: set[str] = set()
    fields: dict[str, str] = {}
    definitions: dict[str, Any] = {}
    for number, parameter in enumerate(parameters):
        annotation = _resolve(parameter, code, names or {}, name)
        if _is_context(annotation):
            contexts.add(parameter.name)
            continue
        key = f"argument {number}"  # no field of a dataclass further in has such a name
        fields[key] = parameter.name
        definitions[key] = _define(annotation, parameter.default, documented.get(parameter.name))
    model, schema = _build_model(name, definitions, fields)
    return Arguments(name, parameters, frozenset(contexts), fields, model, schema)


def _resolve(parameter: inspect.Parameter, code: Any, names: Mapping[str, Any], tool: str) -> Any:
    """The parameter's annotation, with names in strings looked up where the function was written."""
    if parameter.annotation is _EMPTY:
        return _EMPTY
    holder = types.SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    try:
        hints = typing.get_type_hints(
            holder, getattr(code, "__globals__", {}), {**_enclosed(code), **names}, include_extras=True
        )
    except (NameError, SyntaxError, TypeError, AttributeError) as error:
        if isinstance(parameter.annotation, str) and re.search(r"\bToolContext\b", parameter.annotation):
            return ToolContext
        raise ConfigError(
            f"tool `{tool}`: the type of parameter `{parameter.name}` is not known: {error}",
            hint="import it at the top of the module, outside of `if TYPE_CHECKING`",
        ) from error
    return modernize(hints[parameter.name])


def _enclosed(code: Any) -> dict[str, Any]:
    """What the function itself uses of the one around it."""
    known = {}
    names = getattr(getattr(code, "__code__", None), "co_freevars", ())
    for name, cell in zip(names, getattr(code, "__closure__", None) or (), strict=False):
        try:
            known[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return known


def _is_context(annotation: Any) -> bool:
    """``ToolContext``, alone, annotated or optional."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, Annotated):
        return any(_is_context(part) for part in typing.get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, ToolContext)


def _define(annotation: Any, default: Any, documented: str | None) -> tuple[Any, Any]:
    """Type and default for pydantic. What `Annotated` says goes before what the docstring says."""
    from pydantic import Field

    base: Any = annotation
    metadata: tuple[Any, ...] = ()
    if annotation is _EMPTY:
        kind = _JSON_TYPES.get(type(default), "string")
        base, metadata = Any, (Field(json_schema_extra={"type": kind}),)
    elif typing.get_origin(annotation) is Annotated:
        base, *rest = typing.get_args(annotation)
        metadata = tuple(Field(description=item) if isinstance(item, str) else item for item in rest)
    if documented:
        metadata = (Field(description=documented), *metadata)
    told = Annotated[(base, *metadata)] if metadata else base
    return told, (... if default is _EMPTY else default)


def _build_model(
    tool: str, definitions: Mapping[str, Any], fields: Mapping[str, str]
) -> tuple[type[BaseModel], dict[str, Any]]:
    from pydantic import ConfigDict, create_model
    from pydantic.errors import PydanticUserError
    from pydantic.json_schema import GenerateJsonSchema

    class Plain(GenerateJsonSchema):
        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

        def emit_warning(self, kind: Any, detail: str) -> None:
            """A default that JSON cannot say is left out, which needs no warning."""

    config = ConfigDict(extra="forbid", alias_generator=lambda key: fields.get(key, key), coerce_numbers_to_str=True)
    try:
        model: type[BaseModel] = create_model(tool, __config__=config, **definitions)
        schema = model.model_json_schema(schema_generator=Plain)
    except PydanticUserError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"tool `{tool}` takes something that no JSON can say: {reason}",
            hint="use str, int, float, bool, list, dict, Literal, Enum, dataclasses or pydantic models",
        ) from error
    schema.pop("title", None)
    for told in schema["properties"].values():
        if told.get("default", ...) is None:  # None as "not given" is no value for a model to send
            del told["default"]
    return model, schema
