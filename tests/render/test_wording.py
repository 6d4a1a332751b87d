"""The words that every form of a run has in common."""

from __future__ import annotations

from alloy_nb.render.values import Tool
from alloy_nb.render.wording import outcome_words


def test_a_command_that_failed_says_so_on_its_line() -> None:
    words = [outcome_words(Tool(state="done", data={"exit_code": code}), None, static=True) for code in (0, 3)]
    assert words == ["", "exit code 3"]
