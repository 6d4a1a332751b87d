"""Markdown of a model as safe HTML."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.notebook.interpolation import interpolate
from alloy_nb.render.clean import clean
from alloy_nb.render.markdown import _parser, is_certain, split_settled, to_html


def bare(html: str) -> str:
    """Without styles and classes, on one line."""
    return re.sub(r"\s+", " ", re.sub(r' (?:style|class|target|rel)="[^"]*"', "", html)).strip()


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
        ("# T", "<h1>T</h1>"),
        ("- a\n- b", "<ul> <li>a</li> <li>b</li> </ul>"),
        ("3. a", '<ol start="3"> <li>a</li> </ol>'),
        ("> q", "<blockquote> <p>q</p> </blockquote>"),
        ("a\n\n---", "<p>a</p> <hr>"),
        ("```\na < b\n```", "<pre><code>a &lt; b</code></pre>"),
        ("[a](https://e.org/x?y=1&z=2)", '<p><a href="https://e.org/x?y=1&amp;z=2">a</a></p>'),
        ("<https://e.org>", '<p><a href="https://e.org">https://e.org</a></p>'),
        ("[a](mailto:a@e.org)", '<p><a href="mailto:a@e.org">a</a></p>'),
        ("https://e.org stays text", "<p>https://e.org stays text</p>"),
        ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>"),
        ("![a *cat*](https://e.org/c.png)", '<p><a href="https://e.org/c.png">[image: a cat]</a></p>'),
        ("![a](data:image/png;base64,AAAA)", "<p>[image: a]</p>"),
        ("![](https://e.org/c.png)", '<p><a href="https://e.org/c.png">[image]</a></p>'),
        ("[![a](https://e.org/c.png)](https://f.org)", '<p><a href="https://f.org">[image: a]</a></p>'),
        ("[a](javascript:alert(1))", "<p>a (javascript:alert(1))</p>"),
        ("[a](notes/x.md)", "<p>a (notes/x.md)</p>"),
        ("[a](//e.org/x)", "<p>a (//e.org/x)</p>"),
    ],
)
def test_markdown_becomes(markdown, html) -> None:
    assert bare(to_html(markdown)) == html


def test_a_link_opens_elsewhere_and_tells_nothing() -> None:
    assert 'target="_blank" rel="noopener noreferrer nofollow"' in to_html("[a](https://e.org)")


def test_a_table_keeps_its_alignment_and_scrolls_by_itself() -> None:
    html = to_html("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert html.count("text-align:right") == 2
    assert html.startswith('<div style="overflow-x:auto')


def test_code_is_coloured_by_literals_and_keeps_its_words() -> None:
    code = 'def f(x: int) -> str:\n\n    # why\n    return "s" * 2 < x\n'
    html = to_html(f"```python\n{code}```")
    assert 'class="language-python"' in html
    assert "color:#9e57db" in html
    assert re.sub(r"<[^>]*>", "", html).replace("&lt;", "<").replace("&gt;", ">").strip() == code.strip()


@pytest.mark.parametrize("language", ["no-such", 'x"onclick="y', "<b>", "PYTHON", "c++", "javascript"])
def test_any_word_may_stand_where_a_language_is_named(language, judge) -> None:
    seen = judge(to_html(f"```{language}\nif (a) {1}\n```"))
    assert seen.faults == []
    assert "if (a)" in seen.text


def test_what_is_nested_deeper_than_the_parser_goes_is_shown_all_the_same(judge) -> None:
    """The parser drops what lies too deep."""
    for depth in (10, 59, 60, 61, 500, 5000):
        assert "the end" in judge(to_html("> " * depth + "the end")).text
        assert (
            "the end" in judge(to_html("\n".join("  " * n + "- x" for n in range(min(depth, 300))) + " the end")).text
        )


@pytest.mark.parametrize(
    "hostile", ["[" * 5000, "![" * 5000, "$a " * 5000, "*a_" * 5000, "`a " * 5000, "<" * 5000, "a|" * 5000]
)
def test_hostile_repetition_is_answered(hostile, judge) -> None:
    assert judge(to_html(hostile)).text.count(hostile[0] if hostile[0] != "`" else "a") > 1000


# -- the part that is settled -----------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    "a|b *c*| |\n|\n\n|- |1. |> |# |```|```py\n|~~~|$$|$$\n|\\[|    |  |\t|---|===|`|$x$|<b>|\\begin{a}|\\end{a}".split(
        "|"
    )
) | st.sampled_from(["|", "| a | b |\n", "|---|---|\n"])
MARKDOWN = st.lists(PIECES, max_size=25).map("".join)


@pytest.mark.parametrize(
    ("markdown", "settled"),
    [
        ("", ""),
        ("Hello wor", ""),
        ("Hello\n\n", "Hello\n\n"),
        ("a\n\nb", "a\n\n"),
        ("a\n```", ""),
        ("a\n```\nx", "a\n"),
        ("- a\n\n", ""),
        ("- a\n\nb\n", "- a\n\n"),
        ("```\na\n\nb\n", ""),
        ("| a |\n|---|\n| 1 |\n\n", "| a |\n|---|\n| 1 |\n\n"),
    ],
)
def test_a_block_is_settled_when_nothing_can_change_it(markdown, settled) -> None:
    assert split_settled(markdown) == (settled, markdown[len(settled) :])


@pytest.mark.thorough
@given(MARKDOWN)
@settings(max_examples=3 * settings().max_examples, deadline=None)
def test_the_settled_part_and_the_tail_rendered_apart_are_the_whole(markdown) -> None:
    settled, tail = split_settled(markdown)
    assert settled + tail == markdown
    assert to_html(settled) + to_html(tail) == to_html(markdown)


@given(MARKDOWN, MARKDOWN)
@settings(max_examples=3 * settings().max_examples, deadline=None)
def test_what_is_settled_stays_settled_whatever_follows(first, then) -> None:
    settled, tail = split_settled(first)
    assert to_html(settled) + to_html(tail + then) == to_html(first + then)


@given(st.text(max_size=80))
@settings(deadline=None)
def test_settling_and_rendering_never_fail(text) -> None:
    settled, tail = split_settled(clean(text))
    assert settled + tail == clean(text)
    assert to_html(text) == to_html(text)


# -- formulas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    [
        "$x_1*a_2*b$",
        "$$\\frac{a}{b} \\\\ c$$",
        "\\(a\\_b \\{ c \\}\\)",
        "\\[x < y\\]",
        "$$\na \\\\\n\nb\n$$",
        "\\begin{align}\na &= b \\\\\n- c\n\\end{align}",
        "$a < b$",
    ],
)
def test_a_formula_is_kept_letter_for_letter(formula, judge) -> None:
    html = to_html(f"Before\n\n{formula}\n\nafter")
    assert formula in judge(html).text
    assert "mathjax_ignore" not in html


@pytest.mark.parametrize("text", ["It cost $5 and then $10.", "a $ b $ c", "`$`x`$`", "US$100-$200", "$5"])
def test_a_price_is_no_formula(text, judge) -> None:
    """A page with MathJax would set the words between two prices in italics."""
    html = to_html(text)
    assert re.sub(r'<span class="tex2jax_ignore mathjax_ignore">\$</span>|<code.*?</code>', "", html).count("$") == 0
    assert judge(html).text.strip() == text.replace("`", "")


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("\\(a \\(b\\)", ["\\(a \\(b\\)"]),
        ("\\(a `\\)` \\(b\\)", ["\\(b\\)"]),
        ("\\(\\) \\(b\\)", ["\\(b\\)"]),
        ("\\(a\\\\) \\[b\\]", ["\\[b\\]"]),
        ("[\\(a](https://e.org) \\(b\\)", ["\\(a](https://e.org) \\(b\\)"]),
        ("\\(a " + "a" * 2000 + "\\(b\\)", ["\\(b\\)"]),
    ],
)
def test_a_formula_ends_at_its_own_closer(text, formulas) -> None:
    tokens = _parser().parseInline(text)[0].children
    assert [token.content for token in tokens if token.type == "formula"] == formulas


@pytest.mark.thorough
@pytest.mark.parametrize("opener", ["\\(a", "\\[a"])
def test_formulas_that_never_end_cost_no_search_each(opener) -> None:
    """60,000 of them took 11 s."""
    start = time.process_time()
    html = to_html("x" + opener * 60_000)
    assert time.process_time() - start < 6
    assert html.count(opener[1:]) == 60_000


@pytest.mark.parametrize(
    "opener", ["\\[", "\\(", "\\begin{a}", "\\begin{a}\n\\[", "\\)\\(", "\\end{b}\\begin{b}\\begin{c}"]
)
def test_a_prompt_of_openers_without_closers_is_answered(opener) -> None:
    """Each was searched for its closer to the prompt's end: the square of its length."""
    prompt = opener * (120_000 // len(opener))
    start = time.process_time()
    text, inserted = interpolate(prompt + " {n}", {"n": 3})
    assert time.process_time() - start < 4
    assert (text, len(inserted)) in ((prompt + " 3", 1), (prompt + " {n}", 0))


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, alloy_nb.render.bundle, alloy_nb.render.text, alloy_nb.render.blocks\n"
        "print([name for name in ('markdown_it', 'nh3', 'pygments', 'pydantic', 'IPython') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_lean_fragment_has_the_same_words_and_links_without_the_styles() -> None:
    table, code = "|a|b|\n|-|-:|\n|1|2|\n\n", "```python\nx = 1\n```\n"
    markdown = f"# T\n\n**b** `c` [l](https://example.org) [no](javascript:x)\n\n{table}{code}"
    whole, lean = to_html(markdown), to_html(markdown, lean=True)
    assert re.sub(r"<[^>]*>", "", lean) == re.sub(r"<[^>]*>", "", whole)
    assert re.findall('href="[^"]*"', lean) == re.findall('href="[^"]*"', whole)
    assert 'style="text-align:right"' in lean
    assert "<pre><code" in lean
    assert len(lean) < len(whole) / 2


@pytest.mark.parametrize(
    ("markdown", "certain"),
    [
        ("Some words, 2 * 3, a snake_case, [1] and wow!", True),
        ("**All** of *it* is [closed](u), `code` too.", True),
        ("```py\nx = '*'", True),
        ("It *begins", False),
        ("It *`begins`", False),
        ("A [link](u", False),
        ("a] [b", False),
        ("`code", False),
        ("a | b", False),
        ("words\n- ", False),
        ("words\n==", False),
        ("words\n**", False),
        ("words\n**bold** words", True),
        ("words  \n_em words", False),
        ("words\n1.", False),
        ("words\\", False),
        ("- a list", False),
        ("| a |\n|---|", False),
    ],
)
def test_it_is_certain_how_prose_is_read_whose_marks_are_closed(markdown: str, certain: bool) -> None:
    assert is_certain(markdown) is certain
