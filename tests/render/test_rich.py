"""Pictures and tables in a run: below the tool's line in every form, read strictly, kept within bounds."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.render.blocks import Tool, Transcript
from alloy_nb.render.html import frozen_html, live_html
from alloy_nb.render.markdown import sanitize, to_html
from alloy_nb.render.quoted import to_markdown
from alloy_nb.render.record import RECORD_BYTES, size_of
from alloy_nb.render.rich import Picture, Table, Words, read_rich, rich_to_dict
from alloy_nb.render.text import TextWriter, to_text
from alloy_nb.render.values import block_from_dict, block_to_dict

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = {"image": PIXEL, "mime": "image/png"}
SALES = {
    "table": {
        "columns": ["month", "revenue"],
        "rows": [["Jan", "41200"], ["Feb", "9"]],
        "more": 1200,
        "numeric": [False, True],
    }
}


def big_picture(size: int) -> dict[str, str]:
    data = base64.b64decode(PIXEL) + b"\0" * size
    return {"image": base64.b64encode(data).decode(), "mime": "image/png"}


def test_a_table_and_a_picture_stand_below_the_line_and_are_not_folded(tell, judge) -> None:
    tell.tool("1", "plot", {"kind": "bars", "title": "Sales"}, rich=[SALES, PICTURE]).end()
    html = frozen_html(tell.transcript, static=True)
    seen = judge(html)
    assert seen.faults == []
    assert seen.pictures == [f"data:image/png;base64,{PIXEL}"]
    fold, below = html.split("</details>")
    assert "<table" not in fold
    assert all(word in below for word in ("<th", "month", "41200", "1,200 more rows", "<img"))
    assert "image made by plot" in seen.text


def test_a_table_is_text_where_there_is_no_html(tell) -> None:
    tell.tool("1", "plot", {"kind": "bars"}, rich=[SALES, PICTURE, {"words": "image left out"}]).end()
    assert to_text(tell.transcript).split("\n")[:6] == [
        "✓ plot bars",
        "  month  revenue",
        "  Jan      41200",
        "  Feb          9",
        "  … 1,200 more rows",
        "  [image]",
    ]
    markdown = to_markdown(tell.transcript)
    assert "> | month | revenue |\n> | --- | ---: |\n> | Jan | 41200 |\n> | Feb | 9 |\n" in markdown
    html = to_html(markdown)
    assert "<td" in html
    assert "image</em>" in html
    pieces: list[str] = []
    writer = TextWriter(pieces.append, static=True)
    for event in tell.events:
        writer.feed(event)
    assert "  Jan      41200\n" in "".join(pieces)


def test_a_failed_call_shows_none(tell) -> None:
    tell.tool("1", "plot", error="no", rich=None).end()
    assert tell.transcript.blocks[0].rich == ()


@pytest.mark.parametrize(
    "item",
    [
        {"image": "PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+", "mime": "image/png"},  # an SVG by its bytes
        {"image": PIXEL, "mime": "image/svg+xml"},
        {"image": PIXEL, "mime": "image/jpeg"},
        {"image": PIXEL + '" onerror="alert(1)', "mime": "image/png"},
        {"image": PIXEL[:-1], "mime": "image/png"},
        {"image": PIXEL + "\n", "mime": "image/png"},
        {"image": PIXEL, "mime": ["image/png"]},
        {"image": PIXEL},
        {"image": 5, "mime": "image/png"},
        {"table": {"columns": ["a"], "rows": [["1", "2"]]}},
        {"table": {"columns": ["a"], "rows": [[1]]}},
        {"table": {"columns": "a", "rows": ["a"]}},
        {"table": {"columns": [["a"]], "rows": []}},
        {"table": [["a"]]},
        {"words": {"__proto__": 1}},
        {"html": "<script>alert(1)</script>"},
        {"__proto__": {"image": PIXEL, "mime": "image/png"}},
        "image",
        None,
    ],
)
def test_what_is_not_exactly_a_picture_or_a_table_is_left_out(item) -> None:
    assert read_rich([item, {"words": "kept"}]) == (Words("kept"),)
    assert read_rich(item) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(PIXEL) | st.just("image/png"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from("image mime table columns rows more numeric words x".split()), inner)
    ),
    max_leaves=24,
)


@pytest.mark.thorough
@given(st.lists(JSON, max_size=5))
def test_whatever_is_read_is_told_again_as_the_same(items) -> None:
    read = read_rich(items)
    again = json.loads(json.dumps([rich_to_dict(item) for item in read]))
    assert read_rich(again) == read
    block = Tool("1", "plot", rich=read, state="done")
    assert block_from_dict(json.loads(json.dumps(block_to_dict(block)))) == block
    transcript = Transcript("r")
    transcript.restore([block])
    assert to_text(transcript)
    assert to_markdown(transcript)
    assert frozen_html(transcript)


def test_cells_are_clean_and_without_keys() -> None:
    key = "sk-ant-api03-ABCDEFGHIJKLMNOP"
    (table,) = read_rich([{"table": {"columns": [key], "rows": [["a\n\x1b[31mb\u202e"]], "more": -1}}])
    assert table == Table(("[redacted]",), (("a b",),), 0, (False,))


def test_no_picture_comes_of_a_models_words() -> None:
    tag = f'<img src="data:image/png;base64,{PIXEL}" alt="x">'
    assert "<img" not in sanitize(tag)
    assert "<img" in sanitize(tag, pictures=True)
    for words in (tag, f"![x](data:image/png;base64,{PIXEL})"):
        assert "<img" not in to_html(words)


@pytest.mark.parametrize(
    "source",
    [
        "https://example.org/x.png",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:text/html;base64,PHN2Zz4=",
        "data:image/png,<svg>",
        "data:image/png;base64,AA AA",
        "DATA:image/png;base64,AAAA",
        "javascript:alert(1)",
        "x",
    ],
)
def test_only_data_of_a_picture_is_a_source(source) -> None:
    assert "src" not in sanitize(f'<img src="{source}" alt="x" onerror="alert(1)">', pictures=True)
    assert 'href="' not in sanitize(f'<a href="data:image/png;base64,{PIXEL}">x</a>', pictures=True)


def test_a_hostile_name_stays_in_the_words_of_a_picture(tell, judge) -> None:
    tell.tool("1", '"><script>alert(1)</script>', {}, rich=[PICTURE]).end()
    seen = judge(frozen_html(tell.transcript))
    assert seen.faults == []
    assert len(seen.pictures) == 1


def test_large_pictures_wait_for_the_end_and_have_a_limit(tell, judge) -> None:
    tell.tool("1", "plot", {}, rich=[big_picture(40_000), PICTURE])
    live = judge(live_html(tell.transcript))
    assert "shown when the run is over" in live.text
    assert len(live.pictures) == 1
    for number in range(8):
        tell.tool(str(number + 2), "plot", {}, rich=[big_picture(600_000)])
    html = frozen_html(tell.end().transcript)
    assert len(html) < 4_200_000
    assert "image left out" in judge(html).text


def test_a_record_keeps_what_is_shown_until_it_is_too_large(tell) -> None:
    tell.tool("1", "plot", {}, rich=[SALES, PICTURE]).end()
    again = Transcript.from_record(json.loads(json.dumps(tell.transcript.record())))
    assert again.blocks == tell.transcript.blocks
    assert frozen_html(again) == frozen_html(tell.transcript)
    tell.tool("2", "plot", {}, output="o" * 300_000, rich=[SALES, big_picture(300_000)])
    record = tell.transcript.record()
    assert size_of(record) <= RECORD_BYTES
    small, large, notice = Transcript.from_record(record).blocks
    assert small.rich == tell.transcript.blocks[0].rich
    assert large.rich == (read_rich([SALES])[0], Picture("", "image/png"))
    assert "data and images" in notice.text
    assert "image left out" in frozen_html(Transcript.from_record(record))
