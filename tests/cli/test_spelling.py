"""Errors in the words of the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import alloy_nb
from alloy_nb.cli.main import whole_parser
from alloy_nb.cli.spelling import FLAGS, hint_on_a_line, message_on_a_line

from .conftest import Said

Alloy = Callable[..., Said]
Script = Callable[..., str]


def test_every_flag_that_is_named_is_one() -> None:
    assert set(FLAGS.values()) <= set(whole_parser()._option_string_actions)


@pytest.mark.parametrize(
    ("given", "error", "hint"),
    [
        ("--budget 0", "--budget is `0`: nothing could be asked", "as in --budget 0.50; leave it out for no limit"),
        ("--budget 1", "so a budget in dollars cannot be kept", "Hint: put the model's prices into your models.json"),
        ("--timeout 0", "--timeout is `0`", "as in --timeout 60"),
        ("-m local:smollm2 --thinking high", "local takes no --thinking", "Hint: leave it out, or choose another"),
        ("-t raed", "--tools: there is no built-in tool `raed`", "did you mean 'read'?"),
        ("-t xyzzy", "--tools: there is no built-in tool `xyzzy`", "grep, fetch\n"),
        ("--tool-choice read", "--tool-choice is 'read', and there are no tools", "name some: -t NAMES\n"),
        ("--dir nowhere", "nowhere is no folder", "create it"),
        ("-t read --tool-choice raed", "--tool-choice names `raed`", "Hint: "),
    ],
)
def test_what_a_run_refuses_is_told_by_the_names_of_the_options(
    alloy: Alloy, script: Script, given: str, error: str, hint: str
) -> None:
    """They were told as in Python: `thinking`, Budget(tokens=...), tools=[...]."""
    said = alloy("-p", "Hello", "-m", script("never"), *given.split())
    assert said.code == 2
    assert error in said.err
    assert hint in said.err
    assert not any(word in said.err for word in ("`thinking`", "Budget(", "tools=", "tool_choice", "working_directory"))


@pytest.mark.parametrize(
    ("python", "shell"),
    [
        ("raise `timeout`, or ask for less in one run", "raise --timeout, or ask for less in one run"),
        ("raise `request_timeout`, or try a faster model", "try again, or a faster model"),
        ("no turn was left to send it back: raise max_turns", "no turn was left to send it back: raise --max-turns"),
        ('set thinking=False, or tool_choice="auto"', "set --thinking off, or --tool-choice auto"),
        ("leave out thinking, or tool_choice", "leave out --thinking, or --tool-choice"),
        ("name it otherwise: session='my-analysis'", "name it otherwise: --session my-analysis"),
        ("give a larger one, Budget(usd=...), or go on", "give a larger one, --budget DOLLARS, or go on"),
        ("make it in Python: Agent(session=...)", "make it in Python: Agent(session=...)"),
        (
            str(alloy_nb.SessionConflict("grown").hint),
            "open it again to go on from there: by /resume NAME in a conversation; `alloy -p` does when it asks again",
        ),
        (
            "name another file: store=alloy.SQLiteStore(path)",
            "name another folder: ALLOY_DATA_DIR",
        ),
        ("give some words: sessions.search('foxes')", "give some words: alloy sessions search foxes"),
        ("choose a model that thinks, or tools of your own", "choose a model that thinks, or tools of your own"),
        ("read ./max_turns/system_prompt.md", "read ./max_turns/system_prompt.md"),
        ("did you mean 'max_turns'?", "did you mean 'max_turns'?"),
        ("give 1 or more: Agent(max_turns=10)", "give 1 or more: Agent(max_turns=10)"),
    ],
)
def test_a_hint_names_flags(python: str, shell: str) -> None:
    assert hint_on_a_line(python) == shell


@pytest.mark.parametrize(
    "message",
    ["`model` is no command", "there is no built-in tool `timeout`", "the model said `thinking`", "no key for openai"],
)
def test_what_was_typed_or_said_is_told_as_it_was(message: str) -> None:
    assert message_on_a_line(message) == message


def test_what_a_service_says_is_told_as_it_was(alloy: Alloy, script: Script) -> None:
    """`model is overloaded` became `--model is overloaded`."""
    failure = {"error": {"type": "OverloadedError", "message": "model is overloaded", "retryable": False}}
    assert "Error: model is overloaded\n" in alloy("-p", "Hello", "-m", script(failure)).err
    assert '"message": "model is overloaded"' in alloy("-p", "Hello", "-m", script(failure), "--json").out


def test_as_json_an_error_is_told_by_the_same_names(alloy: Alloy, script: Script) -> None:
    failure = {"error": {"type": "ProviderTimeout", "message": "silent", "retryable": False}}
    said = alloy("-p", "Hello", "-m", script(failure), "--json")
    assert '"hint": "try again, or a faster model"' in said.out
