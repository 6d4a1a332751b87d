"""Schemas of functions, and the check of what a model gave."""

from __future__ import annotations

import datetime
import enum
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError, ToolError
from alloy_nb.tools.base import Tool
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.decorator import tool
from alloy_nb.tools.schema import check_input


class Colour(enum.Enum):
    red = "red"
    blue = "blue"


@dataclass
class Point:
    x: int
    y: int = 0


class Book(pydantic.BaseModel):
    title: str
    pages: int = 1


class Query(TypedDict):
    text: str
    limit: NotRequired[int]


def properties(function: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = tool(function).input_schema["properties"]
    return found


# -- what the model is told ------------------------------------------------------------------------


def test_plain_types_and_defaults() -> None:
    """TOOL-w2: the schema is not written by hand."""

    def search(query: str, limit: int = 5, exact: bool = False, weight: float | None = None) -> str:
        """Search.

        Args:
            query: What to find,
                in words.
            limit: How many.
        """
        return ""

    assert tool(search).input_schema == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to find, in words."},
            "limit": {"type": "integer", "default": 5, "description": "How many."},
            "exact": {"type": "boolean", "default": False},
            "weight": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
        "required": ["query"],
        "additionalProperties": False,
    }


def test_no_parameters() -> None:
    def now() -> str:
        return ""

    assert tool(now).input_schema["properties"] == {}
    assert tool(now).validate({}) == {}
    assert check_input(tool(now), None) == {}


def test_annotated_wins_over_the_docstring() -> None:
    def f(
        a: Annotated[int, pydantic.Field(ge=1, description="from Field")],
        b: Annotated[str, "from a string"] = "",
        c: int = pydantic.Field(3, le=9),
    ) -> None:
        """F.

        Args:
            a: from the docstring
            b: from the docstring
            c: from the docstring
        """

    made = properties(f)
    assert made["a"] == {"type": "integer", "minimum": 1, "description": "from Field"}
    assert made["b"]["description"] == "from a string"
    assert made["c"] == {"type": "integer", "maximum": 9, "default": 3, "description": "from the docstring"}


def test_a_default_in_field_reaches_the_function() -> None:
    def f(c: int = pydantic.Field(3)) -> int:
        return c

    made = tool(f)
    assert made.call(made.validate({}), ToolContext()) == 3


def test_untyped_parameters_are_anything_and_told_as_something() -> None:
    def f(a, b=1, c=None, d=[]):  # type: ignore[no-untyped-def]  # noqa: B006
        return a

    assert [value["type"] for value in properties(f).values()] == ["string", "number", "string", "array"]
    assert tool(f).validate({"a": {"any": "thing"}, "b": "x"}) == {"a": {"any": "thing"}, "b": "x"}


def rich(
    colour: Colour,
    kind: Literal["a", "b"],
    point: Point,
    book: Book,
    queries: list[Query],
    day: datetime.date,
    folder: Path,
    maybe: Optional[int] = None,  # noqa: UP045
    pair: tuple[int, str] = (1, "x"),
    table: dict[str, list[int]] | None = None,
) -> tuple[Any, ...]:
    return colour, kind, point, book, queries, day, folder, maybe, pair, table


RICH = {
    "colour": "blue", "kind": "b", "point": {"x": 1}, "book": {"title": "T"}, "queries": [{"text": "q"}],
    "day": "2026-11-22", "folder": "a/b", "maybe": None, "pair": [2, "y"], "table": {"k": [1]},
}  # fmt: skip


def test_rich_types_become_python_values() -> None:
    made = tool(rich)
    json.dumps(made.input_schema)
    assert made.call(made.validate(RICH), ToolContext()) == (
        Colour.blue, "b", Point(1, 0), Book(title="T"), [{"text": "q"}], datetime.date(2026, 11, 22), Path("a/b"), None,
        (2, "y"), {"k": [1]},
    )  # fmt: skip


def test_a_typed_dict_keeps_what_is_required_on_every_python() -> None:
    """Pydantic refuses `typing.TypedDict` before Python 3.12."""
    told = tool(rich).input_schema["$defs"]["Query"]
    assert told["required"] == ["text"]
    with pytest.raises(ToolError, match=r"`queries.0.text` is missing"):
        tool(rich).validate({**RICH, "queries": [{"limit": 1}]})


def test_parameters_may_have_names_that_pydantic_keeps_for_itself() -> None:
    def f(schema: str, json: int, model_config: str, _hidden: int = 1, copy: str = "") -> tuple[Any, ...]:
        return schema, json, model_config, _hidden

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = tool(f)
        values = made.validate({"schema": "s", "json": 1, "model_config": "m", "_hidden": 2})
    assert list(made.input_schema["properties"]) == ["schema", "json", "model_config", "_hidden", "copy"]
    assert made.call(values, ToolContext()) == ("s", 1, "m", 2)


def test_defaults_that_json_cannot_say_are_left_out_and_still_used() -> None:
    nothing = object()

    def f(x: Any = nothing) -> bool:
        return x is nothing

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = tool(f)
        assert "default" not in made.input_schema["properties"]["x"]
    assert made.call(made.validate({}), ToolContext()) is True


def test_a_type_that_no_json_can_say_is_a_config_error() -> None:
    def f(callback: Callable[[int], int], thread: ToolContext) -> None: ...

    class Odd:
        pass

    def g(odd: Odd) -> None: ...

    for function in (f, g):
        with pytest.raises(ConfigError, match="no JSON can say") as caught:
            _ = tool(function).input_schema
        assert caught.value.hint


# -- checking functions ----------------------------------------------------------------------------


def search(query: str, limit: int = 5, tags: list[str] | None = None, book: Book | None = None) -> str:
    return ""


def complaint(made: Tool, given: Any) -> str:
    with pytest.raises(ToolError) as caught:
        made.validate(given)
    return str(caught.value)


def test_everything_wrong_is_said_at_once_and_what_would_be_right() -> None:
    """TOOL-w2: a message that a model can act on."""
    text = complaint(tool(search), {"qeury": "x", "limit": "many"})
    assert text.startswith("Invalid arguments for search: ")
    assert "`query` is missing" in text
    assert "`qeury` is unknown (did you mean `query`?)" in text
    assert "`limit`: Input should be a valid integer" in text
    assert "(got 'many')" in text
    assert "It takes: query (string, required), limit (integer), tags, book." in text


def test_a_deep_mistake_is_named_by_its_place() -> None:
    text = complaint(tool(search), {"query": "x", "book": {"title": "T", "pages": "none"}})
    assert "`book.pages`" in text


def test_plain_meanings_are_forgiven() -> None:
    """null for what may be left out, numbers in strings, lists and objects as JSON text."""
    made = tool(search)
    assert made.validate({"query": 7, "limit": None}) == {"query": "7"}
    assert made.validate({"query": "x", "limit": "3"}) == {"query": "x", "limit": 3}
    values = made.validate({"query": "x", "tags": '["a"]', "book": '{"title": "T"}'})
    assert values == {"query": "x", "tags": ["a"], "book": Book(title="T")}
    assert made.validate({"query": "[1]", "tags": None}) == {"query": "[1]", "tags": None}


def test_arguments_that_are_no_object_are_an_error() -> None:
    assert "an object is needed, not [1]" in complaint(tool(search), [1])


# -- checking classes ------------------------------------------------------------------------------


class Sorter(Tool):
    name = "sort"
    input_schema = {  # noqa: RUF012
        "type": "object",
        "properties": {
            "values": {"type": "array"},
            "order": {"type": "string", "enum": ["up", "down"]},
            "limit": {"type": "integer"},
            "share": {"type": "number"},
            "options": {"type": "object"},
            "quiet": {"type": "boolean"},
            "label": {"type": ["string", "null"]},
            "free": {},
        },
        "required": ["values"],
    }


def test_valid_arguments_come_back_as_they_are() -> None:
    given = {
        "values": [1], "order": "up", "limit": 3, "share": 0.5, "options": {}, "quiet": True, "label": None,
        "free": [0],
    }  # fmt: skip
    assert Sorter().validate(given) == given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "`values` is missing"),
        ({"values": None}, "`values` must be an array (got None)"),
        ({"values": [], "limit": True}, "`limit` must be an integer (got True)"),
        ({"values": [], "limit": 1.5}, "`limit` must be an integer (got 1.5)"),
        ({"values": [], "order": "left"}, '`order` must be one of "up", "down" (got \'left\')'),
        ({"values": [], "quiet": "maybe"}, "`quiet` must be a boolean (got 'maybe')"),
        ({"values": [], "label": [1]}, "`label` must be a string or null (got [1])"),
        ({"values": [], "ordr": "up"}, "`ordr` is unknown (did you mean `order`?)"),
    ],
)
def test_what_does_not_fit_a_schema_is_named(given: dict[str, Any], message: str) -> None:
    """TOOL-w2: in the original a missing key is a crash."""
    assert message in complaint(Sorter(), given)


def test_plain_meanings_are_forgiven_by_classes_too() -> None:
    given = {"values": "[1, 2]", "limit": "3", "share": "0.5", "options": '{"a": 1}', "quiet": "true", "order": None}
    assert Sorter().validate(given) == {
        "values": [1, 2], "limit": 3, "share": 0.5, "options": {"a": 1}, "quiet": True,
    }  # fmt: skip
    assert Sorter().validate({"values": [], "limit": 3.0, "label": 5}) == {"values": [], "limit": 3, "label": "5"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {}}, "patternProperties": {".*": {}}},
        {"properties": {"a": {}}, "oneOf": [{"required": ["a"]}]},
    ],
)
def test_an_open_schema_lets_other_arguments_pass(schema: dict[str, Any]) -> None:
    """Tools of other people's servers: their own check has the last word."""

    class Foreign(Tool):
        name = "foreign"
        input_schema = schema

    assert Foreign().validate({"b": 1}) == {"b": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.thorough
@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["values", "order", "limit", "share", "label", "free", "x"]), json_values))
def test_checking_gives_valid_arguments_or_a_tool_error(given_values: dict[str, Any]) -> None:
    """Nothing else is raised, whatever a model sends; and checking what was checked changes nothing."""
    try:
        values = Sorter().validate(given_values)
    except ToolError:
        return
    assert Sorter().validate(values) == values
    assert isinstance(values["values"], list)


@pytest.mark.thorough
@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["query", "limit", "tags", "book", "x"]), json_values))
def test_checking_functions_raises_nothing_but_tool_errors(given_values: dict[str, Any]) -> None:
    try:
        values = SEARCH.validate(given_values)
    except ToolError:
        return
    assert isinstance(values["query"], str)


SEARCH = tool(search)
