from __future__ import annotations

import re
import typing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import pytest
from annotated_types import Ge, MaxLen
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, create_model, field_validator
from typing_extensions import TypedDict

import alloy_nb as alloy
from alloy_nb.output import OutputType

T = TypeVar("T")


class City(BaseModel):
    name: str
    people: int


@dataclass
class Point:
    x: float
    y: float


@dataclass
class Branch:
    leaves: int
    branches: list[Branch]


class Colour(Enum):
    RED = "red"


class Node(BaseModel):
    label: str
    children: list[Node] = []


class Film(TypedDict):
    title: str
    year: int


class PlainFilm(typing.TypedDict, total=False):
    title: typing.Required[str]
    year: int


class Aliased(BaseModel):
    own_name: int = Field(alias="ownName")


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date
    sizes: tuple[int, int]
    tags: set[str]


class Page(BaseModel, Generic[T]):
    items: list[T]


class Box(BaseModel):
    value: int


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
UTC = UTC


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (City, '{"name": "Oslo", "people": 7}', City(name="Oslo", people=7)),
        (Point, '{"x": 1, "y": 2.5}', Point(1, 2.5)),
        (Branch, '{"leaves": 1, "branches": [{"leaves": 2, "branches": []}]}', Branch(1, [Branch(2, [])])),
        (Node, '{"label": "a", "children": [{"label": "b"}]}', Node(label="a", children=[Node(label="b")])),
        (Film, '{"title": "Heat", "year": 1995}', {"title": "Heat", "year": 1995}),
        (PlainFilm, '{"title": "Heat"}', {"title": "Heat"}),
        (list[PlainFilm], '{"value": [{"title": "Heat"}]}', [{"title": "Heat"}]),
        (Aliased, '{"ownName": 1}', Aliased(ownName=1)),
        (Pet, '{"value": {"kind": "cat"}}', Cat(kind="cat")),
        (list[Pet], '{"value": [{"kind": "dog"}]}', [Dog(kind="dog")]),
        (
            Strict,
            '{"day": "2026-01-02", "sizes": [1, 2], "tags": ["a"]}',
            Strict(day=date(2026, 1, 2), sizes=(1, 2), tags={"a"}),
        ),
        (Page[City], '{"items": [{"name": "Oslo", "people": 7}]}', Page[City](items=[City(name="Oslo", people=7)])),
        (RootModel[list[int]], '{"value": [1]}', RootModel[list[int]]([1])),
        (RootModel[dict[str, int]], '{"a": 1}', RootModel[dict[str, int]]({"a": 1})),
        (Box, '{"value": 3}', Box(value=3)),
        (Box | None, '{"value": {"value": 3}}', Box(value=3)),
        (int, '{"value": 5}', 5),
        (list[str], '{"value": ["a"]}', ["a"]),
        (tuple[int, str], '{"value": [1, "a"]}', (1, "a")),
        (Literal["a", "b"], '{"value": "b"}', "b"),
        (Colour, '{"value": "red"}', Colour.RED),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (City | None, '{"value": null}', None),
        (datetime, '{"value": "2026-01-02T03:04:05Z"}', datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (timedelta, '{"value": "PT90S"}', timedelta(seconds=90)),
        (Decimal, '{"value": "1.10"}', Decimal("1.10")),
        (Path, '{"value": "a/b"}', Path("a/b")),
        (UUID, '{"value": "12345678-1234-5678-1234-567812345678"}', UUID("12345678-1234-5678-1234-567812345678")),
        (bytes, '{"value": "abc"}', b"abc"),
        (Annotated[int, Ge(1)], '{"value": 1}', 1),
        (Any, '{"value": [1, {"a": null}]}', [1, {"a": None}]),
        (str, '{"value": "a"}', '{"value": "a"}'),
        (str, "Five.", "Five."),
    ],
)
def test_any_type_pydantic_can_validate(type_: Any, text: str, value: Any) -> None:
    kind = OutputType(type_)
    assert kind.parse(text) == value
    assert type(kind.parse(text)) is type(value)
    assert type_ is str or (kind.schema is not None and kind.schema["type"] == "object")


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (int, "```json\n5\n```", 5),
        (int, "5", 5),
        (list[int], "The numbers are [1, 2].", [1, 2]),
        (City, 'Sure: {"name": "Oslo", "people": 7}. Anything else?', City(name="Oslo", people=7)),
        (City, '{"properties": {"name": {}}} gives {"name": "Oslo", "people": 7}', City(name="Oslo", people=7)),
        (Box | None, '{"value": 3}', Box(value=3)),
        (Cat | Dog, '{"kind": "dog"}', Dog(kind="dog")),
    ],
)
def test_what_is_put_around_the_value_or_left_out_around_it_does_no_harm(type_: Any, text: str, value: Any) -> None:
    assert OutputType(type_).parse(text) == value


@pytest.mark.parametrize(
    ("type_", "text", "problem"),
    [
        (City, '{"name": "Oslo", "people": "many"}', r'people: Input should be a valid integer.*\(it is "many"\)'),
        (City, "{}", r"name: Field required; people: Field required$"),
        (list[int], '{"value": [1, "x"]}', r"value\.1: Input should be a valid integer"),
        (list[int], '[1, "x"]', r"does not match list: 1: Input should be a valid integer"),
        (Annotated[str, MaxLen(2)], '{"value": "abc"}', r"value: String should have at most 2 characters"),
        (City, "Oslo has many people", r"no JSON: Oslo has many people"),
        (City, "", r"no JSON: it is empty"),
        (City, '{"name": "Oslo", "people": 7} or {"name": "Oslo", "people": 8}', r"holds 2 JSON values that match"),
        (list[int], '{"value": ' + str(["x"] * 30).replace("'", '"') + "}", r"and 20 more problems$"),
    ],
)
def test_what_does_not_match_is_said_in_words_a_model_can_act_on(type_: Any, text: str, problem: str) -> None:
    with pytest.raises(alloy.OutputError) as caught:
        OutputType(type_).parse(text)
    assert re.search(problem, caught.value.message)
    assert caught.value.hint


def test_no_value_is_read_out_of_the_beginning_of_an_answer() -> None:
    with pytest.raises(alloy.OutputError, match="no JSON"):
        OutputType(City).parse('Not {"name": "Oslo", "people": 7} but {"name": "Ber', cut=True)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("x", "it is a str"),
        (3, "it is an int"),
        ([int], "it is a list"),
        (alloy.Agent, "nothing tells how <class 'alloy_nb.agent.Agent'> is made of JSON"),
        (list[alloy.Agent], "nothing tells how <class 'alloy_nb.agent.Agent'> is made of JSON"),
    ],
)
def test_what_is_no_type_is_told_in_our_words(given: Any, why: str) -> None:
    """pydantic's own were quoted, with what it advises those who build on it."""
    with pytest.raises(alloy.ConfigError) as caught:
        OutputType(given)
    assert caught.value.message == f"output={given!r} is no type that a model can answer with: {why}"
    assert caught.value.hint


def test_a_type_that_cannot_be_validated_is_a_config_error() -> None:
    class Strange:
        pass

    class Later(BaseModel):
        other: Missing  # type: ignore[name-defined]  # noqa: F821

    for type_ in (Strange, Later, 5, "Nowhere", print, test_any_type_pydantic_can_validate, type(lambda: 1)):
        with pytest.raises(alloy.ConfigError, match="no type that a model can answer with") as caught:
            OutputType(type_)
        assert caught.value.hint


def test_an_array_or_a_table_is_a_config_error_that_says_what_to_ask_for() -> None:
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    for type_ in (numpy.ndarray, numpy.float64, pandas.DataFrame, pandas.Timestamp):
        with pytest.raises(alloy.ConfigError) as caught:
            OutputType(type_)
        assert "list[float]" in (caught.value.hint or "")


def test_a_validator_that_crashes_is_told_as_the_users_own() -> None:
    class Odd(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def check(cls, n: int) -> int:
            raise KeyError("unit")

    with pytest.raises(alloy.ConfigError, match="a validator of Odd raised KeyError"):
        OutputType(Odd).parse('{"n": 1}')


# Any value of any type: as JSON, with and without what models put around it


def models(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["name", "value", "items", "kind", "ownName"])

    @st.composite
    def model(draw: st.DrawFn) -> tuple[Any, st.SearchStrategy[Any]]:
        parts = draw(st.dictionaries(names, inner, min_size=1, max_size=3))
        fields: dict[str, Any] = {f"field_{name}": (type_, Field(alias=name)) for name, (type_, _) in parts.items()}
        made: Any = create_model("Made", **fields)
        return made, st.fixed_dictionaries({name: values for name, (_, values) in parts.items()}).map(
            lambda given: made(**given)
        )

    return model()


finite = st.floats(allow_nan=False, allow_infinity=False)
scalars: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers(-(2**63), 2**63)),
    (float, finite),
    (bool, st.booleans()),
    (Annotated[str, MaxLen(20)], st.text(max_size=20)),
    (datetime, st.datetimes(timezones=st.just(UTC))),
    (date, st.dates()),
    (timedelta, st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000))),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (UUID, st.uuids()),
    (Path, st.just(Path("a/b.txt"))),
    (bytes, st.text(max_size=9).map(str.encode)),
    (Colour, st.just(Colour.RED)),
    (Literal["a", 1, None], st.sampled_from(["a", 1, None])),
]


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        inner.map(lambda one: (list[one[0]], st.lists(one[1], max_size=3)))
        | inner.map(lambda one: (dict[str, one[0]], st.dictionaries(st.text(max_size=5), one[1], max_size=3)))
        | inner.map(lambda one: (tuple[one[0], int], st.tuples(one[1], st.integers(0, 9))))
        | inner.map(lambda one: (one[0] | None, st.none() | one[1]))
        | models(inner)
    )


types = st.recursive(st.sampled_from(scalars), containers, max_leaves=5)


@given(types, st.data())
def test_any_value_of_any_type_comes_back(one: tuple[Any, st.SearchStrategy[Any]], data: st.DataObject) -> None:
    type_, values = one
    value = data.draw(values)
    kind = OutputType(type_)
    text = TypeAdapter(type_).dump_json(value, by_alias=True).decode()
    assert kind.schema is not None
    if "value" in kind.schema.get("properties", {}) and kind.schema.get("title") != "Made":
        text = f'{{"value": {text}}}'
    for said in (text, f"```json\n{text}\n```", f"Here it is: {text}", f"{text}\nThat is all."):
        assert kind.parse(said) == value
