"""What tools return, as results."""

from __future__ import annotations

import datetime
import enum
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.errors import ToolError
from alloy_nb.messages import Image, Message, Text, ToolResult
from alloy_nb.tools.results import MAX_PIXELS, MAX_TEXT, cap_text, to_result

PNG = b"\x89PNG\r\n\x1a\n"


class Colour(enum.Enum):
    red = "red"


@dataclass
class Point:
    x: int
    tags: list[str] = field(default_factory=list)


class Book(pydantic.BaseModel):
    title: str
    day: datetime.date


# -- words and values ------------------------------------------------------------------------------


def test_strings_and_nothing() -> None:
    assert to_result("hi") == ToolResult("hi")
    assert to_result(None) == ToolResult("")
    assert to_result(Text("hi")) == ToolResult("hi")


def test_a_tool_result_is_left_as_it_is() -> None:
    """TOOL-2: text for the model, data for the caller."""
    result = ToolResult("2 rows", data={"rows": [1, 2]}, is_error=True)
    assert to_result(result) is result


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        ({"b": 1, "a": [True, None]}, '{"b":1,"a":[true,null]}', {"b": 1, "a": [True, None]}),
        ([1, "zwei"], '[1,"zwei"]', [1, "zwei"]),
        (3, "3", 3),
        (True, "true", True),
        (2.5, "2.5", 2.5),
        ({"größe": "日"}, '{"größe":"日"}', {"größe": "日"}),
        (Point(1, ["a"]), '{"x":1,"tags":["a"]}', {"x": 1, "tags": ["a"]}),
        (Book(title="T", day=datetime.date(2026, 1, 2)), '{"title":"T","day":"2026-01-02"}',
         {"title": "T", "day": "2026-01-02"}),
        ([Point(1)], '[{"x":1,"tags":[]}]', [{"x": 1, "tags": []}]),
        (Colour.red, '"red"', "red"),
        (Path("a/b"), '"a/b"', "a/b"),
        ({"at": datetime.datetime(2026, 1, 2)}, '{"at":"2026-01-02T00:00:00"}', {"at": "2026-01-02T00:00:00"}),
        ((1, 2), "[1,2]", [1, 2]),
        ({1: "a"}, '{"1":"a"}', {"1": "a"}),
    ],
)  # fmt: skip
def test_what_json_can_say_is_sent_as_json_and_kept(value: Any, text: str, data: Any) -> None:
    assert to_result(value) == ToolResult(text, data=data)


def test_what_is_no_number_is_still_json() -> None:
    assert to_result({"x": math.nan, "y": -math.inf}).text == '{"x":"NaN","y":"-Infinity"}'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.thorough
@settings(deadline=None)
@given(st.lists(json_values) | st.dictionaries(st.text(), json_values))
def test_json_comes_back_from_the_text_and_the_data(value: Any) -> None:
    result = to_result(value, limit=10**9)
    assert json.loads(result.text) == result.data == value


class Opaque:
    def __repr__(self) -> str:
        return "<something>"


def test_anything_else_is_its_repr() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    assert to_result(Opaque()) == ToolResult("<something>")
    assert to_result({"x": Opaque()}) == ToolResult("{'x': <something>}")
    assert to_result(cycle) == ToolResult("[[...]]")
    assert to_result(int) == ToolResult("<class 'int'>")


def test_what_shows_itself_richly_is_shown() -> None:
    class Chart:
        def _repr_html_(self) -> str:
            return "<svg/>"

        def __repr__(self) -> str:
            return "Chart()"

    chart = Chart()
    result = to_result(chart)
    assert (result.text, result.display) == ("Chart()", chart)


def test_a_generator_is_not_run() -> None:
    """It might never end."""

    def forever() -> Iterator[int]:
        while True:
            yield 1

    assert to_result(forever()).text.startswith("<generator object")


@pytest.mark.filterwarnings("error")
def test_a_coroutine_is_a_mistake_that_is_named() -> None:
    async def work() -> int:
        return 1

    with pytest.raises(ToolError, match="must be `async def`"):
        to_result(work())


def test_data_of_any_value_can_be_kept_in_a_session() -> None:
    for value in ({"at": datetime.datetime(2026, 1, 2), "in": {Path("a")}, "n": math.inf}, [Book], Point(1), b"abc"):
        json.dumps(Message("user", (to_result(value),)).to_dict())


# -- the cap ---------------------------------------------------------------------------------------


def test_long_text_is_cut_and_data_is_not() -> None:
    """EXE-w3: no tool floods the conversation."""
    result = to_result(["x" * MAX_TEXT])
    assert result.text.endswith("\n... (4 more characters left out)")
    assert len(result.text) == MAX_TEXT + len("\n... (4 more characters left out)")
    assert result.data == ["x" * MAX_TEXT]
    own = ToolResult("y" * (MAX_TEXT + 1), data="kept", display="shown", call_id="c")
    assert to_result(own).text == "y" * MAX_TEXT + "\n... (1 more characters left out)"
    assert (to_result(own).data, to_result(own).display, to_result(own).call_id) == ("kept", "shown", "c")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 30))
def test_the_cap_keeps_the_start_and_counts_the_rest(text: str, limit: int) -> None:
    cut = cap_text(text, limit)
    if len(text) <= limit:
        assert cut == text
    else:
        assert cut == f"{text[:limit]}\n... ({len(text) - limit} more characters left out)"


@settings(deadline=None)
@given(st.text(st.characters()))
def test_every_text_can_be_sent(text: str) -> None:
    """Half characters (lone surrogates) would break the request of every later turn."""
    to_result(text).text.encode()
    to_result([text]).text.encode()


# -- pictures --------------------------------------------------------------------------------------


class Picture:
    """As much of PIL's image as is used."""

    def __init__(self, size: tuple[int, int] = (4, 4), mode: str = "RGB") -> None:
        self.size, self.mode = size, mode

    def save(self, file: Any, format: str) -> None:
        file.write(PNG + f"{self.size} {self.mode}".encode())

    def convert(self, mode: str) -> Picture:
        return Picture(self.size, mode)

    def copy(self) -> Picture:
        return Picture(self.size, self.mode)

    def thumbnail(self, size: tuple[int, int]) -> None:
        self.size = (min(self.size[0], size[0]), min(self.size[1], size[1]))


def test_a_picture_is_sent_and_shown() -> None:
    picture = Picture()
    result = to_result(picture)
    assert result.images == (Image("image/png", PNG + b"(4, 4) RGB"),)
    assert result.text == f"(image: image/png, {len(result.images[0].data)} bytes)"
    assert result.display is picture


def test_a_huge_or_odd_picture_is_made_fit_and_shown_as_it_was() -> None:
    picture = Picture((9000, 10), "CMYK")
    result = to_result(picture)
    assert result.images[0].data == PNG + f"({MAX_PIXELS}, 10) RGB".encode()
    assert (picture.size, result.display) == ((9000, 10), picture)


def test_an_image_part_is_sent() -> None:
    image = Image("image/png", PNG)
    result = to_result(image)
    assert result.images == (image,)
    assert result.text


def test_words_and_pictures_together() -> None:
    picture = Picture()
    result = to_result(("the fit", picture, {"r2": 0.9}))
    assert result.text.startswith("the fit\n(image: ")
    assert result.text.endswith('\n{"r2":0.9}')
    assert len(result.images) == 1
    assert result.display is picture
    both = to_result([picture, picture])
    assert (len(both.images), both.display) == (2, [picture, picture])


def test_a_real_figure_and_its_axes() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.plot([1, 2])
    for value in (figure, axes):
        result = to_result(value)
        assert result.images[0].mime_type == "image/png"
        assert result.images[0].data.startswith(PNG)
        assert result.display is figure


def test_a_real_picture() -> None:
    image = pytest.importorskip("PIL.Image")
    for mode in ("RGB", "CMYK", "F", "1"):
        assert to_result(image.new(mode, (3, 3))).images[0].data.startswith(PNG)


# -- tables ----------------------------------------------------------------------------------------


def test_a_table_is_sent_in_short_and_shown_whole() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": range(5000), "b": ["x" * 500] * 5000})
    result = to_result(table)
    assert result.text.startswith("DataFrame: 5000 rows, 2 columns\n")
    assert "4999" in result.text
    assert len(result.text) < 5000
    assert result.display is table
    assert result.images == ()


def test_a_wide_table_and_a_column() -> None:
    pandas = pytest.importorskip("pandas")
    wide = to_result(pandas.DataFrame({f"c{n}": [n] for n in range(500)}))
    assert wide.text.startswith("DataFrame: 1 rows, 500 columns\n")
    assert len(wide.text) < 2000
    column = to_result(pandas.Series(range(1000), name="n"))
    assert column.text.startswith("Series: 1000 rows, int64\n")
    assert len(column.text.splitlines()) < 40


def test_numbers_of_numpy_are_json() -> None:
    numpy = pytest.importorskip("numpy")
    value = {"mean": numpy.float64(0.5), "n": numpy.int64(3), "all": numpy.array([1, 2])}
    assert to_result(value).data == {"mean": 0.5, "n": 3, "all": [1, 2]}
    assert to_result(numpy.array([[1, 2]])).data == [[1, 2]]
    big = to_result(numpy.zeros(10**6))
    assert (big.data, len(big.text) < 200) == (None, True)


def test_a_figure_that_was_shown_with_the_result_is_not_shown_again_by_pyplot() -> None:
    """At the end of a cell matplotlib shows every figure that is open."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2])
    other = pyplot.figure()
    result = to_result(figure)
    assert len(result.images) == 1
    assert pyplot.get_fignums() == [other.number]
    assert axes.lines  # it is the user's, and still there
    pyplot.close(other)
