from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel

import alloy_nb as alloy
from alloy_nb.output import OutputType


class City(BaseModel):
    name: str
    people: int


@dataclass
class Point:
    x: float
    y: float


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (City, '{"name": "Oslo", "people": 7}', City(name="Oslo", people=7)),
        (Point, '{"x": 1, "y": 2.5}', Point(1, 2.5)),
        (int, '{"value": 5}', 5),
        (list[str], '{"value": ["a"]}', ["a"]),
        (Literal["a", "b"], '{"value": "b"}', "b"),
        (Colour, '{"value": "red"}', Colour.RED),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (City | None, '{"value": null}', None),
        (int, "```json\n5\n```", 5),
    ],
)
def test_any_type_pydantic_can_validate(type_: Any, text: str, value: Any) -> None:
    kind = OutputType(type_)
    assert kind.parse(text) == value
    assert kind.schema["type"] == "object" or "$ref" in kind.schema


def test_what_does_not_match_is_said_in_words_a_model_can_act_on() -> None:
    with pytest.raises(alloy.OutputError, match=r"people: Input should be a valid integer"):
        OutputType(City).parse('{"name": "Oslo", "people": "many"}')
    with pytest.raises(alloy.OutputError, match="no JSON"):
        OutputType(City).parse("Oslo has many people")


def test_a_type_that_cannot_be_validated_is_a_config_error() -> None:
    class Strange:
        pass

    with pytest.raises(alloy.ConfigError):
        OutputType(Strange)
