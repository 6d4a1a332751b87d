"""What of a result is shown to a person: real tables and pictures, nothing that could act, nothing without end."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.messages import Image, ToolResult
from alloy_nb.redaction import register_secret
from alloy_nb.tools.results import to_result
from alloy_nb.tools.rich import MAX_PICTURES, picture_type, rich_of

PNG = b"\x89PNG\r\n\x1a\n"


def figure() -> Any:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    made = Figure(figsize=(1, 1))
    made.subplots().plot([1, 2])
    return made


def frame(data: Any, **more: Any) -> Any:
    return pytest.importorskip("pandas").DataFrame(data, **more)


def table_of(value: Any) -> dict[str, Any]:
    (item,) = rich_of(to_result(value))
    return item["table"]


# -- tables -----------------------------------------------------------------------------------------------------------


def test_a_table_is_shown_by_its_beginning() -> None:
    table = table_of(frame({"month": ["Jan", "Feb"], "revenue": [41200, 43870]}))
    assert table == {
        "columns": ["month", "revenue"],
        "rows": [["Jan", "41200"], ["Feb", "43870"]],
        "more": 0,
        "numeric": [False, True],
    }
    long = table_of(frame({"n": range(5000)}))
    assert (len(long["rows"]), long["more"]) == (20, 4980)


def test_an_index_that_says_something_stands_first() -> None:
    named = table_of(frame({"v": [1.5, 2]}, index=["a", "b"]).rename_axis("key"))
    assert (named["columns"], named["rows"]) == (["key", "v"], [["a", "1.5"], ["b", "2"]])
    filtered = frame({"v": [1, 2, 3]})
    assert table_of(filtered[filtered.v > 1])["rows"] == [["1", "2"], ["2", "3"]]
    pandas = pytest.importorskip("pandas")
    levels = pandas.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["one", None])
    assert table_of(frame({"v": [1, 2]}, index=levels))["columns"] == ["one", "", "v"]


def test_wide_tables_odd_columns_and_missing_values() -> None:
    wide = table_of(frame({f"c{n}": [n] for n in range(500)}))
    assert wide["columns"][-1] == "… 480 more columns"
    assert {len(row) for row in wide["rows"]} == {21} == {len(wide["columns"])} == {len(wide["numeric"])}
    twice = table_of(frame([[1, "x"]], columns=["a", "a"]))
    assert (twice["columns"], twice["numeric"]) == (["a", "a"], [True, False])
    pandas = pytest.importorskip("pandas")
    columns = pandas.MultiIndex.from_tuples([("a", "b"), ("a", "c")])
    assert table_of(frame([[1, 2]], columns=columns))["columns"] == ["a / b", "a / c"]
    holes = table_of(frame({"f": [1.0, None], "t": pandas.to_datetime(["2026-01-02", None])}))
    assert holes["rows"] == [["1", "2026-01-02 00:00:00"], ["nan", "NaT"]]
    assert table_of(frame({}))["rows"] == []


def test_a_series_is_a_table_of_one_column() -> None:
    pandas = pytest.importorskip("pandas")
    table = table_of(pandas.Series([1, 2], name="n"))
    assert (table["columns"], table["rows"]) == (["n"], [["1"], ["2"]])
    counted = table_of(pandas.Series(["x", "y", "x"]).value_counts())
    assert counted["rows"] == [["x", "2"], ["y", "1"]]


def test_cells_are_short_clean_and_without_keys() -> None:
    register_secret("a-secret-that-is-in-a-cell")
    cells = ["x" * 500, "a\n\x1b[31mb", "a-secret-that-is-in-a-cell", "y" * 70 + " sk-ant-api03-ABCDEFGHIJKLMNOPQRST"]
    shown = [row[0] for row in table_of(frame({"c": cells}))["rows"]]
    assert len(shown[0]) == 80
    assert shown[1:3] == ["a b", "[redacted]"]
    assert "sk-" not in shown[3]


def test_numbers_are_short() -> None:
    table = table_of(frame({"n": [0.1 + 0.2, 1234567.891, 2e-9, 3.0]}))
    assert [row[0] for row in table["rows"]] == ["0.3", "1234567.89", "2e-09", "3"]


def test_a_cell_that_crashes_takes_nothing_from_the_result() -> None:
    class Rude:
        def __str__(self) -> str:
            raise RuntimeError("no")

    result = ToolResult("done", display=frame({"c": [Rude()]}))
    assert rich_of(result) == [{"words": "left out: RuntimeError while it was read"}]


# -- pictures ---------------------------------------------------------------------------------------------------------


def test_a_figure_is_shown_as_the_picture_that_was_made_of_it() -> None:
    (item,) = rich_of(to_result(figure()))
    assert item["mime"] == "image/png"
    assert base64.b64decode(item["image"]).startswith(PNG)


def test_a_pillow_image_is_shown() -> None:
    image = pytest.importorskip("PIL.Image").new("RGB", (3, 3))
    (item,) = rich_of(to_result(image))
    assert base64.b64decode(item["image"]).startswith(PNG)


def test_what_is_displayed_stands_in_its_order() -> None:
    picture, table = figure(), frame({"a": [1]})
    items = rich_of(to_result(("the fit", table, picture, table)))
    assert [next(iter(item)) for item in items] == ["table", "image", "table"]


def test_a_figure_for_the_person_alone_is_shown() -> None:
    """`display` without `images`: the model is sent words."""
    (item,) = rich_of(ToolResult("plotted", display=figure()))
    assert base64.b64decode(item["image"]).startswith(PNG)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG + b"x", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", None),
        (b"<html><script>alert(1)</script>", None),
        (b"", None),
    ],
)
def test_a_picture_is_what_its_bytes_say(data: bytes, kind: str | None) -> None:
    assert picture_type(data) == kind
    if data:
        (item,) = rich_of(ToolResult("x", images=(Image("image/svg+xml", data),)))
        assert item.get("mime") == kind
        assert ("words" in item) == (kind is None)


def test_html_and_svg_of_an_object_are_never_taken() -> None:
    class Hostile:
        def _repr_html_(self) -> str:
            return "<script>alert(1)</script>"

        def _repr_svg_(self) -> str:
            return "<svg onload=alert(1)>"

    result = to_result(Hostile())
    assert result.display is not None
    assert rich_of(result) == []


def test_what_lies_elsewhere_is_not_loaded() -> None:
    (item,) = rich_of(ToolResult("x", images=(Image.from_url("https://example.org/x.png"),)))
    assert "elsewhere" in item["words"]


def test_pictures_of_a_call_have_a_limit() -> None:
    half = Image("image/png", PNG + b"\0" * (MAX_PICTURES // 2))
    items = rich_of(ToolResult("x", images=(half, half)))
    assert "image" in items[0]
    assert "left out" in items[1]["words"]
    assert len(json.dumps(rich_of(ToolResult("x", images=(Image("image/png", PNG),) * 500)))) < 5_000


# -- the event --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_event_of_a_call_carries_what_is_shown(kind: str) -> None:
    def plot() -> Any:
        """Plot."""
        return ("the fit", figure(), frame({"a": [1]}))

    async def plot_async() -> Any:
        """Plot."""
        return plot()

    tool = alloy.tool(plot) if kind == "sync" else alloy.tool(name="plot")(plot_async)
    lines = [{"tool_calls": [{"name": "plot", "input": {}}]}, {"text": "done"}]
    run = alloy.start("x", model=alloy.Scripted(lines), tools=[tool])
    (end,) = [event for event in run if event.type == "tool_end"]
    assert [next(iter(item)) for item in end.payload["rich"]] == ["image", "table"]
    assert json.loads(json.dumps(end.to_dict()))["payload"]["rich"] == end.payload["rich"]


def test_a_call_without_pictures_says_nothing_of_them() -> None:
    @alloy.tool
    def word() -> str:
        """A word."""
        return "word"

    lines = [{"tool_calls": [{"name": "word", "input": {}}]}, {"text": "done"}]
    run = alloy.start("x", model=alloy.Scripted(lines), tools=[word])
    (end,) = [event for event in run if event.type == "tool_end"]
    assert "rich" not in end.payload


@pytest.mark.parametrize("hidden", ["", "\x1b[0m", "\x1b]0;t\x07", "\u200e"])
def test_a_key_in_a_cell_goes_whole_where_it_hides_or_the_cell_is_cut(hidden: str) -> None:
    """What hid in it kept it from being recognised, and the cut left its beginning."""
    pandas = pytest.importorskip("pandas")
    register_secret("S3CRET-of-the-house-0123456789")
    cell = f"{'x' * 60} S3CRET-of-{hidden}the-house-0123456789 and more of it"
    (item,) = rich_of(to_result(pandas.DataFrame({"key": [cell]})))
    assert item["table"]["rows"] == [["x" * 60 + " [redacted] and mor…"]]
