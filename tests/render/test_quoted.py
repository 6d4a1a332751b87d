"""A run as Markdown."""

from __future__ import annotations

import time

import pytest

from alloy_nb.render.quoted import disarm, to_markdown


def test_the_answer_as_it_is_and_the_machinery_quoted(tell) -> None:
    tell("run_start", {"prompt": "p", "model": "m"})("thinking_delta", "secret thoughts").tool()
    tell.tool("2", "bash", {"command": "echo `x`"}, error="exit code: 1")("text_delta", "It is **12345**.\n").end()
    assert to_markdown(tell.transcript) == (
        "> ✓ **read** `note.txt`\n"
        ">\n"
        "> ✗ **bash** `` echo `x` `` — exit code: 1\n"
        "\n"
        "It is **12345**.\n"
        "\n"
        "*m · 1 turn · 4.1 k → 312 tokens · cost unknown*"
    )


def test_an_error_is_a_quoted_block(tell) -> None:
    tell.end("error", error="no <key>", hint="set ANTHROPIC_API_KEY", error_type="AuthError")
    assert to_markdown(tell.transcript).startswith(
        "> ✗ **AuthError**: no &lt;key&gt;\n>\n> Hint: set ANTHROPIC\\_API\\_KEY"
    )


def test_a_question_left_open_is_told(tell) -> None:
    tell("approval_request", {"id": "1", "name": "bash", "input": {"command": "ls"}, "reason": "r"}).end("waiting")
    assert "> ? **bash** wants to run `ls` — waiting for a decision" in to_markdown(tell.transcript)


@pytest.mark.parametrize(
    "markdown",
    [
        "# T\n\n- **a** `b` [c](https://e.org) ~~d~~\n\n| a |\n|---|\n| 1 |\n",
        "```html\n<b>![x](y)</b>\n[a](b)\n```\n",
        "`<b>` and `[a](b)` and a < b > c",
        "$a_1 < 2$ and [mail](mailto:a@e.org) and [up](#top)",
        "x[1](2) is no link? 5 * 3 ! [a]",
    ][:4],
)
def test_harmless_markdown_stays_as_it_is(markdown) -> None:
    assert disarm(markdown) == markdown


@pytest.mark.parametrize(
    ("markdown", "disarmed"),
    [
        ("<b>x</b>", "&lt;b>x&lt;/b>"),
        ("![a](https://e.org/x.png 'title')", "[image: a](https://e.org/x.png)"),
        ("![](https://e.org/x.png)", "[image](https://e.org/x.png)"),
        ("![a](data:image/png;base64,AA)", "\\[image: a\\]"),
        ("![a][p]", "!\\[a][p]"),
        ("[a](javascript:x)", "[a] (javascript:x)"),
        ("[a]: javascript:x", "[a]\\: javascript:x"),
        ("[a](<javascript:x>)", "[a] (&lt;javascript:x>)"),
        ("- ```\n<b>\n```", "- ```\n&lt;b>\n```"),
    ],
)
def test_what_could_run_or_load_is_disarmed(markdown, disarmed) -> None:
    assert disarm(markdown) == disarmed


@pytest.mark.parametrize("doubtful", [False, True])
@pytest.mark.parametrize(
    "cut_off",
    ["![a](data:image/png;base64," + "A" * 80_000, "![a](" + " " * 80_000, "`" * 15_000, "~" * 15_000],
    ids=["picture", "blanks", "backticks", "tildes"],
)
def test_what_is_cut_off_in_the_middle_costs_no_square_of_its_length(cut_off, doubtful) -> None:
    """A picture without its `)` at the token limit took 18 s, a run of 10,000 backticks 9 s; now it is hundredths."""
    start = time.process_time()
    disarmed = disarm(cut_off, doubtful=doubtful)
    assert time.process_time() - start < 4
    assert disarmed.replace("!\\[", "![").replace("] (", "](") == cut_off


@pytest.mark.parametrize(
    ("markdown", "disarmed"),
    [
        ("x ````mermaid", "x ````text"),
        ("x ~~~ {mermaid", "x ~~~ {text"),
        ("x ``mermaid", "x ``mermaid"),
        ("![a]( <https://e.org/x> 'b' )", "[image: a](https://e.org/x)"),
        ("![a](https://e.org/x", "!\\[a](https://e.org/x"),
    ],
)
def test_diagrams_and_pictures_are_found_wherever_their_marks_begin(markdown, disarmed) -> None:
    assert disarm(markdown) == disarmed
