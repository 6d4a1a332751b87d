"""Whatever a model, a tool or a file says: nothing runs, nothing is loaded, and it can still be read."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.render.bundle import bundle
from alloy_nb.render.html import frozen_html, live_html
from alloy_nb.render.markdown import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, to_html
from alloy_nb.render.quoted import to_markdown
from alloy_nb.render.text import TextWriter, to_text

UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]")

# What a person at a keyboard would not type: signs with a meaning somewhere, and any character at all.
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            "< > & \" ' ` ``` $ $$ \\ [ ] ( ) ! ![ ]( : // | - # * _ ~ = / \n \n\n \t <script> </div> <img javascript: "
            "data: https://e.org onerror= style= \x1b[31m \x00 \u202e \ud800 &#60; &lt; <!-- --> <![CDATA[ {{ }}".split(
                " "
            )
        ),
        st.text(max_size=6),
    ),
    max_size=14,
).map("".join)


def _vectors() -> list[tuple[str, str]]:
    return runpy.run_path(str(Path(__file__).with_name("xss_vectors.py")))["VECTORS"]


def test_there_are_at_least_sixty_vectors_and_each_has_a_mark() -> None:
    names = [name for name, _ in _vectors()]
    assert len(set(names)) == len(names) >= 60
    assert all("MARK" in text for _, text in _vectors())


@pytest.mark.parametrize("static", [True, False])
def test_frozen_html_of_a_hostile_run_is_inert_and_legible(vector, static, everywhere, judge) -> None:
    html = frozen_html(everywhere(vector).transcript, static=static)
    seen = judge(html)
    assert seen.faults == []
    assert not UNFIT.search(html)
    # Once for every field that is shown: names, keys, arguments, outputs, errors, notices, the answer.
    assert seen.text.count("MARK") > 20


def test_live_html_of_a_hostile_run_is_inert_and_legible(vector, everywhere, judge) -> None:
    html = live_html(everywhere(vector, ended=False).transcript)
    seen = judge(html)
    assert seen.faults == []
    assert not UNFIT.search(html)
    assert "MARK" in seen.text


def test_a_browsers_parser_reads_the_same_html(vector, everywhere) -> None:
    """An HTML5 parser finds nothing to take out or to move: no mutation can make a tag of text."""
    html = frozen_html(everywhere(vector).transcript)
    attributes = {tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()}
    attributes["a"] = {"href", "target"}
    assert (
        nh3.clean(html, tags=set(ALLOWED_TAGS), attributes=attributes, link_rel="noopener noreferrer nofollow") == html
    )


def test_the_answer_as_html_is_inert_and_legible(vector, judge) -> None:
    seen = judge(to_html(vector))
    assert seen.faults == []
    assert "MARK" in seen.text


def test_markdown_is_inert_where_raw_html_is_allowed(vector, everywhere) -> None:
    from markdown_it import MarkdownIt

    markdown = to_markdown(everywhere(vector).transcript)
    assert not UNFIT.search(markdown)
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True
    assert live_parts(parser.render(markdown)) == []
    assert "MARK" in parser.render(markdown)


def test_markdown_is_inert_in_nbconvert(vector) -> None:
    """Its parser keeps other rules than CommonMark, knows formulas, and lets raw HTML through."""
    filters = pytest.importorskip("nbconvert.filters.markdown_mistune")
    from alloy_nb.render.quoted import disarm

    assert live_parts(str(filters.markdown2html_mistune(disarm(vector)))) == []


def test_the_judge_would_see_the_vectors_come_alive() -> None:
    """The control: the same vectors through a renderer that lets HTML through are anything but inert."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda url: True
    alive = [name for name, text in _vectors() if live_parts(parser.render(text)) or _judge(parser.render(text)).faults]
    assert len(alive) > 60


def live_parts(html: str) -> list[str]:
    """What in the HTML would run or be fetched; a heading's own anchor and a formula's tags are no such thing."""
    found = re.findall(
        r"(?i)<(?:script|img|iframe|svg|math|style|object|embed|form|button|input|link|base|meta)\b[^>]*", html
    )
    found += re.findall(r"(?i)<[a-z][^<>]*\son[a-z]+\s*=[^<>]*>", re.sub(r'"[^"<>]*"', '""', html))
    found += [
        url for url in re.findall(r'(?i)\s(?:href|src)="([^"]*)"', html) if not re.match(r"https?://|mailto:|#", url)
    ]
    return found


def test_no_sink_lets_an_escape_sequence_through(vector, everywhere) -> None:
    telling = everywhere(vector)
    written: list[str] = []
    writer = TextWriter(written.append)
    for event in telling.events:
        writer.feed(event)
    for text in ("".join(written), to_text(telling.transcript)):
        assert not UNFIT.search(text)
        assert "MARK" in text


@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_no_text_in_any_field_yields_a_foreign_tag(everywhere_text: str) -> None:
    telling = _tell_everywhere(everywhere_text)
    for html in (frozen_html(telling.transcript), live_html(_tell_everywhere(everywhere_text, ended=False).transcript)):
        assert _judge(html).faults == []
        html.encode()


@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_words_after_any_text_can_still_be_read(text: str) -> None:
    telling = _tell_everywhere(f"{text}\n\nlegible words")
    seen = " ".join(_judge(frozen_html(telling.transcript)).text.split())
    assert seen.count("legible words") > 10


@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_no_text_makes_live_markdown(text: str) -> None:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    assert live_parts(parser.render(to_markdown(_tell_everywhere(text).transcript))) == []


@given(HOSTILE)
@settings(max_examples=60, deadline=None)
def test_every_form_is_the_same_each_time(text: str) -> None:
    one, two = (_tell_everywhere(text).transcript for _ in range(2))
    assert bundle(one, static=True, record="full") == bundle(two, static=True, record="full")


@pytest.fixture(autouse=True)
def _helpers(everywhere, judge):
    """Hypothesis takes no function fixtures; these two are plain functions."""
    global _tell_everywhere, _judge
    _tell_everywhere, _judge = everywhere, judge
