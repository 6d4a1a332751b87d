"""Words with a slash."""

from __future__ import annotations

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.notebook.commands import COMMANDS, find_command


@pytest.mark.parametrize("prompt", ["what /reset does", "/usr/bin/env python", "/ 2 of 3", "//", "1/2", "/3"])
def test_questions_are_no_commands(prompt: str) -> None:
    assert find_command(prompt) is None


def test_a_command_has_an_argument() -> None:
    assert find_command("/model openai:gpt-5.2 ") == (COMMANDS["model"], "openai:gpt-5.2")
    assert find_command("\n/reset\n") == (COMMANDS["reset"], "")


@pytest.mark.parametrize(("prompt", "hint"), [("/rset", "did you mean /reset?"), ("/fix it", "the commands are")])
def test_an_unknown_command_names_those_there_are(prompt: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="there is no command") as caught:
        find_command(prompt)
    assert hint in (caught.value.hint or "")
    assert all(f"/{name}" in (caught.value.hint or "") for name in COMMANDS)


def test_a_command_with_more_lines_is_a_mistake_not_a_question() -> None:
    with pytest.raises(ConfigError, match="takes one line"):
        find_command("/reset\nand then?")
