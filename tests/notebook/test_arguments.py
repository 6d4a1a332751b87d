"""The line of a magic."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError
from alloy_nb.notebook.arguments import FLAGS, parse_line, usage
from alloy_nb.sinks import DISPLAYS


def test_options_come_first_and_the_prompt_is_left_as_it_is() -> None:
    found = parse_line("""-m a:b -t read,bash  -o x What's "this" -m {n}?""", prompt_follows=True)
    assert found.prompt == """What's "this" -m {n}?"""
    assert found.options == {"model": "a:b", "tools": ("read", "bash")}
    assert found.out == "x"


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("--max-turns 3", "max_turns", 3),
        ("--max-turns=3", "max_turns", 3),
        ("--temperature 0.5", "temperature", 0.5),
        ('--system "You are \\"terse\\""', "system_prompt", 'You are "terse"'),
        ("--system 'one two'", "system_prompt", "one two"),
        ("--tool-choice read", "tool_choice", "read"),
        ("--approval deny", "approval", "deny"),
        ("--display none", "display", None),
        ("--record Off", "record", "off"),
        ("--output City", "output", "City"),
        ("-t read, bash", "tools", ("read", "bash")),
        ("-t read,read", "tools", ("read",)),
        ("--timeout 90", "timeout", 90.0),
        ("--thinking high", "thinking", "high"),
        ("--thinking 2000", "thinking", 2000),
        ("--thinking on", "thinking", True),
        ("--thinking Off", "thinking", False),
        ("--fallback openai, m", "fallback", ("openai", "m")),
    ],
)
def test_each_option_reads_its_value(line: str, key: str, value: object) -> None:
    assert parse_line(line, prompt_follows=False).options == {key: value}


@pytest.mark.parametrize(
    ("line", "flag"), [("--fresh", "fresh"), ("--show", "show"), ("-h", "help"), ("--help", "help")]
)
def test_switches_take_no_value(line: str, flag: str) -> None:
    assert getattr(parse_line(line, prompt_follows=False), flag) is True
    if line.startswith("--"):
        with pytest.raises(ConfigError, match="takes no value"):
            parse_line(f"{line}=yes", prompt_follows=False)


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("-modle x", "--model"),
        ("--modle x", "--model"),
        ("--tool x", "--tools"),
        ("-M x", "-m"),
        ("--max_turns 3", "--max-turns"),
    ],
)
def test_an_unknown_option_names_the_nearest(line: str, near: str) -> None:
    with pytest.raises(ConfigError, match="unknown option") as caught:
        parse_line(line, prompt_follows=True)
    assert f"did you mean {near}?" in (caught.value.hint or "")


def test_the_command_lines_word_for_a_session_points_to_the_commands() -> None:
    with pytest.raises(ConfigError, match="unknown option --session") as caught:
        parse_line("--session fox Hi", prompt_follows=True)
    assert "/save NAME" in (caught.value.hint or "")
    assert "/resume NAME" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "line",
    ["-m", "--system", "-o 1x", "--max-turns many", "--max-turns 0", "--temperature warm", "--timeout soon", "-o a-b"],
)
def test_a_missing_or_wrong_value_is_said_with_a_hint(line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_line(line, prompt_follows=True)
    assert caught.value.hint


def test_words_after_the_options_of_a_cell_are_an_error_not_a_lost_prompt() -> None:
    with pytest.raises(ConfigError, match="after the options"):
        parse_line("-m a:b what is this", prompt_follows=False)


def test_a_command_after_two_percent_signs_is_written_with_one() -> None:
    with pytest.raises(ConfigError, match="stands the command '/usage'") as caught:
        parse_line("/usage", prompt_follows=False)
    assert caught.value.hint == "write `%alloy /usage`"


@pytest.mark.parametrize(
    ("prompt", "behind"),
    [
        ("hi -m scripted:s1.jsonl", "-m scripted:s1.jsonl"),
        ("hi --show", "--show"),
        ("hi -t read, bash --fresh", "-t read, bash --fresh"),
        ("hi --max-turns=3", "--max-turns=3"),
        ("hi --max-turns many", ""),
        ("what does `git commit -m` mean", ""),
        ("what does ls -a", ""),
        ("what does -m x do", ""),
        ("-- hi -m x", ""),
        ("the range 3 -5", ""),
        ("pytest --cov", ""),
        ("hi-m x", ""),
    ],
)
def test_what_would_be_options_behind_the_question_is_seen(prompt: str, behind: str) -> None:
    assert parse_line(prompt, prompt_follows=True).behind == behind


@pytest.mark.parametrize("prompt", ["-5 degrees?", "- a list", "-- -m stands for what?", "-x.y = 3"])
def test_a_prompt_may_begin_with_a_minus(prompt: str) -> None:
    assert parse_line(prompt, prompt_follows=True).prompt == prompt.removeprefix("-- ")


def test_the_usage_lists_every_option() -> None:
    assert all(name in usage() for flag in FLAGS for name in flag.names)


def test_the_usage_names_every_kind_of_display() -> None:
    """The widget was not among them."""
    (line,) = [line for line in usage().split("\n") if "--display" in line]
    for kind in (*DISPLAYS, "none"):
        assert re.search(rf"\b{kind}\b", line)


@given(st.text().filter(lambda text: not text.strip().startswith("-")))
def test_a_line_without_options_is_the_prompt(text: str) -> None:
    assert parse_line(text, prompt_follows=True).prompt == text.strip()


@given(st.text(alphabet="-mtoh=\"' ax,\\"))
def test_any_line_is_read_or_refused_in_words(line: str) -> None:
    refused: ConfigError | None = None
    try:
        found = parse_line(line, prompt_follows=True)
    except ConfigError as error:
        refused = error
    assert refused.hint if refused is not None else line.strip().endswith(found.prompt)
