"""Reading the command line."""

from __future__ import annotations

import pytest

from alloy_nb.cli import prompt
from alloy_nb.cli.main import main
from alloy_nb.cli.parser import Parser, split_words
from alloy_nb.errors import ConfigError


def parse(*arguments: str) -> tuple[str | None, list[str]]:
    parser = Parser(prog="alloy")
    prompt.add_arguments(parser)
    parsed, words = split_words(parser, arguments)
    return parsed.prompt, words


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (["-p", "what", "is", "this"], "what is this"),
        (["-p", "what", "--model", "local", "is", "this"], "what is this"),
        (["--json", "what is", "-p"], "what is"),
        (["-p", "-5 + 3?"], "-5 + 3?"),
        (["-p", "--", "--model", "is an option"], "--model is an option"),
        (["-p", "minus", "-5"], "minus -5"),
        (["-p", "explain", "doctor"], "explain doctor"),
    ],
)
def test_words_belong_to_the_question(arguments: list[str], question: str) -> None:
    """CLI-3: positional words joined are the prompt."""
    first, words = parse(*arguments)
    assert " ".join(word for word in (first, *words) if word) == question


@pytest.mark.parametrize(
    ("option", "near"),
    [("--modle", "--model"), ("--tool", "--tools"), ("--max-turn=3", "--max-turns"), ("--approvel", "--approval")],
)
def test_an_unknown_option_names_the_nearest(option: str, near: str) -> None:
    """CLI-w1: invalid flags were ignored."""
    with pytest.raises(ConfigError, match="unknown option") as caught:
        parse("-p", "hi", option)
    assert caught.value.hint == f"did you mean `{near}`?"


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["-p", "hi", "--mod", "local"], "unknown option `--mod`", "--model"),
        (["-p", "hi", "--timeout", "soon"], "--timeout is `soon`", "--timeout 60"),
        (["-p", "hi", "--max-turns"], "--max-turns needs a value", "--max-turns N: calls of the model"),
        (["--session"], "--session needs a value", "--session NAME: store the conversation"),
        (["sessions", "lst"], "`lst` is no command of `alloy sessions`", "did you mean list?"),
        (["local", "lst"], "`lst` is no command of `alloy local`", "did you mean list?"),
        (["sessions", "xyzzy"], "`xyzzy` is no command of `alloy sessions`", "there are list, show, search"),
        (["completion", "fsh"], "`fsh` is no shell for `alloy completion`", "did you mean fish?"),
        (["sessions", "show"], "`alloy sessions show` needs NAME", "`alloy sessions show --help`"),
        (["-p", "hi", "--approval", "yes"], "--approval is `yes`", "give ask, auto or deny"),
        (["doctor", "--jsn"], "unknown option `--jsn`", "--json"),
        (["sessions", "list", "--json"], "unknown option `--json`", "`alloy sessions list --help`"),  # not `--as`
        (["doctor", "extra"], "unknown argument `extra`", "--help"),
        (["local", "pull", "--form", "x"], "unknown option `--form`", "--from"),
        (["local", "pul"], "`pul` is no command", "did you mean pull?"),
        (["doctr"], "`doctr` is no command", "alloy doctor"),
        (["jobs"], "`jobs` is no command", "the commands are doctor, login,"),
        (["session", "list"], "`session list` would begin", "did you mean `alloy sessions`?"),
        (["-"], "`-` is no question", "`alloy -p` takes what is piped into it"),
        (["completion"], "`alloy completion` needs shell", "there are bash, zsh, fish"),
        (["local"], "`alloy local` needs COMMAND", "there are pull, list, path, remove"),
        (["sessions", "rewind", "x", "all"], "N is `all`", "give a whole number"),
        (["jobs"], "`jobs` is no command", "`alloy -p jobs` asks it"),
        (["hepl"], "`hepl` is no command", "did you mean `alloy help`?"),
        (["what", "is", "this"], "`what is this` would begin a conversation", "alloy -p 'what is this'"),
        (["two words"], "`two words` would begin a conversation", "alloy -p 'two words'"),
        (["word " * 30], "which needs a terminal", 'alloy -p "..."'),
        ([""], "there is no question", "alloy -p"),
        (["--model", "local"], "there is no question", "alloy -p"),
    ],
)
def test_wrong_usage_is_two_lines_and_exit_code_2(
    arguments: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    first, second = said.err.splitlines()
    assert first.startswith("Error: ")
    assert message in first
    assert second.startswith("Hint: ")
    assert hint in second
    assert said.out == ""
