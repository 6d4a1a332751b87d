"""Whatever a model, a tool or a file says: nothing runs, nothing is loaded, and it can still be read."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.json_text import pretty_json
from alloy_nb.render.bundle import bundle
from alloy_nb.render.clean import clean
from alloy_nb.render.formulas import ACTING
from alloy_nb.render.html import frozen_html, live_html
from alloy_nb.render.markdown import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, PICTURE_ATTRIBUTES, to_html
from alloy_nb.render.quoted import disarm, to_markdown
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


def test_each_of_many_vectors_is_another_and_has_a_mark() -> None:
    names, texts = zip(*_vectors(), strict=True)
    assert len(set(names)) == len(set(texts)) == len(names) >= 320
    assert all(0 <= text.find("MARK") < 190 for text in texts)


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
    attributes["img"] = set(PICTURE_ATTRIBUTES)
    cleaned = nh3.clean(
        html,
        tags={*ALLOWED_TAGS, "img"},
        attributes=attributes,
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "data"},
    )
    assert cleaned == html


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
    assert live_parts(str(filters.markdown2html_mistune(disarm(clean(vector))))) == []


@pytest.mark.parametrize(
    "texts",
    [
        ("```\nopen", "```\n<img src=x onerror=alert(1)>\n```"),
        ("- ```\n  open", "```\n<img src=x onerror=alert(1)>\n```"),
        ("a\n\n  ```\nb\n  ```", "```\n<img src=x onerror=alert(1)>\n```"),
        ("$$ open", "```\n$$\n<img src=x onerror=alert(1)>\n```"),
        ("\\begin{a} open", "```\n\\end{a}\n<img src=x onerror=alert(1)>\n```"),
    ],
)
def test_what_one_message_leaves_open_frees_nothing_in_the_next(texts: tuple[str, ...], new_telling) -> None:
    """A fence that was never closed made the next one's opening its end, and the code in it was HTML."""
    assert live_in_any(markdown_of(texts, new_telling())) == []


@pytest.mark.thorough
@given(texts=st.lists(st.sampled_from([text for _, text in _vectors()]), min_size=2, max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_vectors_together_make_live_markdown(texts: list[str]) -> None:
    assert live_in_any(markdown_of(texts, _new_telling())) == []


def markdown_of(texts: Sequence[str], tell) -> str:
    """The texts as messages, each with a call whose argument it is."""
    for number, text in enumerate(texts):
        tell("turn_start", {"model": "m"}, turn=number)("text_delta", text, turn=number)
        tell.tool(str(number), input={"path": text})
    return to_markdown(tell.end().transcript)


def live_in_any(markdown: str) -> list[str]:
    """What lives where raw HTML is let through: by CommonMark's rules, and by those of nbconvert."""
    from markdown_it import MarkdownIt

    filters = pytest.importorskip("nbconvert.filters.markdown_mistune")
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True
    return live_parts(parser.render(markdown)) + live_parts(str(filters.markdown2html_mistune(markdown)))


class PageOfFormulas(HTMLParser):
    """Text as MathJax looks for formulas in it: not in code, not where it is told to pass over, never over a tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._passed_over: list[bool] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("br", "hr"):
            over = tag in ("pre", "code") or "mathjax_ignore" in (dict(attrs).get("class") or "").split()
            self._passed_over.append(over)

    def handle_endtag(self, tag: str) -> None:
        self._passed_over.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._passed_over):
            self.texts.append(data)


def test_no_formula_links_loads_or_defines(vector, everywhere) -> None:
    """MathJax keeps a definition for all formulas of a page: an answer could forge what the user's own ones show."""
    for html in (to_html(vector), frozen_html(everywhere(vector).transcript)):
        assert not [text for text in PageOfFormulas(html).texts if ACTING.search(text)]


def test_formulas_that_only_draw_are_left_to_the_page() -> None:
    texts = PageOfFormulas(to_html("$\\frac{a}{b}$ and\n\n$$\\alpha$$")).texts
    assert "".join(texts) == "$\\frac{a}{b}$ and\n$$\\alpha$$\n"


def test_a_path_that_looks_like_a_macro_stays_whole_in_markdown() -> None:
    assert disarm("in C:\\data\\style") == "in C:\\data\\style"
    assert disarm("in C:\\data\\style for $5") == "in C:\\data\\style for $5"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$\\href{javascript:x}{y}$", "$\\ href{javascript:x}{y}$"),
        ("$\\href x{y}$", "$\\ href x{y}$"),
        ("$\\href\\alpha{y}$", "$\\ href\\alpha{y}$"),
        ("$\\toggle{x}{y}\\endtoggle$", "$\\ toggle{x}{y}\\endtoggle$"),
        ("$\\href\\{javascript:x}{y}$", "$\\ href\\{javascript:x}{y}$"),
        ("$\\def\\alpha{x}$", "$\\ def\\alpha{x}$"),
        ("&#36;&#92;def&bsol;alpha{x}$", "&#36;&amp;#92;def&amp;bsol;alpha{x}$"),
        ("$\\d&#101;f\\alpha{x}$", "$\\d&amp;#101;f\\alpha{x}$"),
        ("&copy; $\\alpha$ &nbsp;", "&copy; $\\alpha$ &nbsp;"),
    ],
)
def test_acting_macros_are_cut_in_markdown(text: str, shown: str) -> None:
    assert disarm(text) == shown


def test_acting_macros_are_cut_in_what_tools_and_errors_say(everywhere) -> None:
    """JupyterLab's page finds a formula between dollars that Markdown has escaped."""
    markdown = to_markdown(everywhere("$\\def\\alpha{forged}$").transcript)
    assert not re.search(r"\\def", markdown)


@pytest.mark.parametrize(
    "text", ["$\\phantom{hidden}$", "\\(x%hidden\\)", "\\\\[x\\\\]", "a $ b $$ \\$ c", "$\\begin{a}\\end{a}"]
)
def test_nothing_that_tools_say_is_a_formula_which_could_hide_it(everywhere, text: str) -> None:
    from markdown_it import MarkdownIt

    lines = [line for line in to_markdown(everywhere(text).transcript).split("\n") if line.startswith((">", "*"))]
    html = MarkdownIt("commonmark").render("\n".join(lines))
    assert not re.search(r"\$|\\[(\[]|\\begin", "".join(PageOfFormulas(html).texts))
    assert "".join(re.sub("<[^>]*>", "", html).split()).count("".join(text.split())) > 5


def test_one_price_stays_as_it_was_said(everywhere) -> None:
    assert "costs \\$5 a day" in to_markdown(everywhere("costs $5 a day").transcript)


def test_a_diagram_stays_code() -> None:
    """nbconvert puts a diagram's text into the page as HTML."""
    assert disarm("```mermaid\ngraph TD\n```") == "```text\ngraph TD\n```"
    assert disarm("- ~~~ {mermaid}\n  x\n  ~~~") == "- ~~~ {text}\n  x\n  ~~~"
    assert disarm("````\n```mermaid\n````") == "````\n```mermaid\n````"


def test_the_judge_would_see_the_vectors_come_alive() -> None:
    """The control: the same vectors through a renderer that lets HTML through are anything but inert."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda url: True
    alive = [name for name, text in _vectors() if live_parts(parser.render(text)) or _judge(parser.render(text)).faults]
    assert len(alive) > len(_vectors()) // 2


def live_parts(html: str) -> list[str]:
    """What in the HTML would run or be fetched.

    A heading's own anchor, a formula's tags and the box of a task that nobody can tick are no such thing.
    """
    html = re.sub(r'<input class="task-list-item-checkbox" type="checkbox" disabled(?: checked)?/>', "", html)
    found = re.findall(
        r"(?i)<(?:script|img|iframe|svg|math|style|object|embed|form|button|input|link|base|meta)\b[^>]*", html
    )
    found += re.findall(r"(?i)<[a-z][^<>]*\son[a-z]+\s*=[^<>]*>", re.sub(r'"[^"<>]*"', '""', html))
    found += [
        url
        for url in re.findall(r'(?i)<[a-z][^<>]*\s(?:href|src)="([^"]*)"', html)
        if not re.match(r"(?i)https?://|mailto:|#", url)
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


@pytest.mark.thorough
@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_no_text_in_any_field_yields_a_foreign_tag(everywhere_text: str) -> None:
    telling = _tell_everywhere(everywhere_text)
    for html in (frozen_html(telling.transcript), live_html(_tell_everywhere(everywhere_text, ended=False).transcript)):
        assert _judge(html).faults == []
        html.encode()


@pytest.mark.thorough
@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_words_after_any_text_can_still_be_read(text: str) -> None:
    telling = _tell_everywhere(f"{text}\n\nlegible words")
    seen = " ".join(_judge(frozen_html(telling.transcript)).text.split())
    assert seen.count("legible words") > 10


@pytest.mark.thorough
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
def _helpers(everywhere, judge, new_telling):
    """Hypothesis takes no function fixtures; these are plain functions."""
    global _tell_everywhere, _judge, _new_telling
    _tell_everywhere, _judge, _new_telling = everywhere, judge, new_telling


def test_an_answer_of_a_type_is_code_whatever_is_in_it(vector, tell, judge) -> None:
    answer = json.dumps({"said": vector, vector: [vector]})
    tell("text_delta", answer).end(output={"type": vector, "json": pretty_json(answer)})
    transcript = tell.transcript
    assert transcript.blocks[-1].markdown.startswith("```json\n{\n")
    seen = judge(frozen_html(transcript))
    assert seen.faults == []
    assert "MARK" in seen.text
    assert judge(to_html(to_markdown(transcript))).faults == []
