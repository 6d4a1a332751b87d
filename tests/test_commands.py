"""Words with a slash: one table, the same in a cell and in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from alloy_nb import Skill
from alloy_nb.commands import COMMANDS, command_table, commands_of, find_command
from alloy_nb.errors import ConfigError
from alloy_nb.skill_commands import skill_commands

NOTEBOOK, TERMINAL = commands_of("notebook"), commands_of("terminal")


@pytest.mark.parametrize("prompt", ["what /reset does", "/usr/bin/env python", "/ 2 of 3", "//", "1/2", "/3"])
def test_questions_are_no_commands(prompt: str) -> None:
    assert find_command(prompt, COMMANDS) is None


@pytest.mark.parametrize("name", ["usage", "undo", "retry", "config", "agents"])
def test_a_command_that_takes_nothing_says_so(name: str) -> None:
    command = next(command for command in NOTEBOOK if command.name == name)
    with pytest.raises(ConfigError, match=f"/{name} takes no argument") as caught:
        command.run(None, "now")
    assert caught.value.hint == f"write /{name} alone"


def test_a_command_has_an_argument() -> None:
    by_name = {command.name: command for command in COMMANDS}
    assert find_command("/model openai:gpt-5.2 ", NOTEBOOK) == (by_name["model"], "openai:gpt-5.2")
    assert find_command("\n/reset\n", NOTEBOOK) == (by_name["reset"], "")
    assert find_command("/cost", TERMINAL) == (by_name["usage"], "")


@pytest.mark.parametrize("place", ["notebook", "terminal"])
def test_an_unknown_command_names_those_there_are(place: str) -> None:
    with pytest.raises(ConfigError, match="there is no command") as caught:
        find_command("/fix it", commands_of(place))
    assert (caught.value.hint or "").startswith("the commands are /help, ")
    assert all(f"/{command.name}" in (caught.value.hint or "") for command in commands_of(place))


def test_a_misspelt_command_names_the_one_that_is_meant_alone() -> None:
    """All 27 of them came after it."""
    with pytest.raises(ConfigError, match="there is no command /rset") as caught:
        find_command("/rset", NOTEBOOK)
    assert caught.value.hint == "did you mean /reset? /help lists all; a question does not begin with a slash"


def test_what_other_programs_have_is_answered_in_a_sentence() -> None:
    for commands, words in ((NOTEBOOK, ("/exit", "/quit", "/clear")), (TERMINAL, ("/clear",))):
        for word in words:
            with pytest.raises(ConfigError, match=f"there is no command {word}") as caught:
                find_command(word, commands)
            assert "/reset starts the conversation over" in (caught.value.hint or "")
            assert len(caught.value.hint or "") < 100


def test_a_command_with_more_lines_is_a_mistake_not_a_question() -> None:
    with pytest.raises(ConfigError, match="takes one line"):
        find_command("/reset\nand then?", NOTEBOOK)


def test_a_name_is_a_command_as_a_whole() -> None:
    """CLI-w1: `/model` matched by its beginning, so that `/modelx` was one."""
    for typed in ("/modelx", "/mod"):
        with pytest.raises(ConfigError, match="there is no command"):
            find_command(typed, TERMINAL)
    found = find_command("/models", TERMINAL)
    assert found is not None
    assert found[0].name == "models"


def test_no_name_is_taken_twice_and_each_says_what_it_is_for() -> None:
    for place in ("notebook", "terminal"):
        names = [name for command in commands_of(place) for name in (command.name, *command.also)]
        assert len(names) == len(set(names))
        table = command_table("", commands_of(place))
        assert len(table.splitlines()) == len(commands_of(place))
        assert all(command.help in table for command in commands_of(place))


def test_what_each_front_end_has() -> None:
    """CLI-8: /help, /usage, /history, /reset, /model, and what is ours."""
    terminal = {command.name for command in TERMINAL}
    assert {"help", "model", "models", "tools", "usage", "history", "reset", "undo", "retry", "save"} <= terminal
    assert {"sessions", "resume", "config", "doctor", "login", "exit"} <= terminal
    assert {"sessions", "save", "resume", "rewind", "fork"} <= {command.name for command in NOTEBOOK} & terminal
    everywhere = {"tools", "approval", "budget", "usage", "undo", "retry", "config"}
    assert everywhere <= {command.name for command in NOTEBOOK} & terminal
    assert {command.name for command in NOTEBOOK} - terminal == {"stop", "attach", "jobs", "agents", "team"}
    assert terminal - {command.name for command in NOTEBOOK} == {"exit"}


class Asked:
    """A place that notes what it is asked."""

    prefix, commands = "", TERMINAL

    def __init__(self, *skills: Skill, problems: Sequence[str] = ()) -> None:
        self.found, self.said, self.asked = (skills, problems), "", ("", "")

    def skills(self) -> Any:
        return self.found

    def say(self, text: str) -> None:
        self.said = text

    def ask_skill(self, skill: Skill, text: str) -> None:
        self.asked = (skill.name, text)


def typed(text: str, place: Asked) -> None:
    commands = (*TERMINAL, *skill_commands(place.found[0], TERMINAL))
    place.commands = commands
    found = find_command(text, commands)
    assert found is not None
    found[0].run(place, found[1])


def test_a_skill_is_a_command_where_no_other_has_its_name() -> None:
    """CLI-9: what is built in comes first."""
    skills = [Skill(name) for name in ("review", "help", "cost", "two words", "1st", "päper", "a-b")]
    assert [command.name for command in skill_commands(skills, TERMINAL)] == ["review", "päper", "a-b"]
    place = Asked(*skills)
    typed("/review one\n\ntwo\n", place)
    assert place.asked == ("review", "one\n\ntwo")
    typed("/skill two words and more", place)
    assert place.asked == ("two words", "and more")
    typed("/skill help", place)
    assert place.asked == ("help", "")


def test_an_unknown_skill_names_those_there_are() -> None:
    """CLI-9"""
    place = Asked(Skill("review"), Skill("tidy"))
    for text, hint in (("/skill revew x", "did you mean review?"), ("/skill", "the skills are: review, tidy")):
        with pytest.raises(ConfigError) as caught:
            typed(text, place)
        assert caught.value.hint == hint
    with pytest.raises(ConfigError, match="there is no command") as caught:
        typed("/zzzz", place)
    assert "/tidy" in (caught.value.hint or "")


def test_skills_are_listed_with_what_was_passed_over() -> None:
    place = Asked(Skill("help", "A\x1b[2J"), Skill("tidy", body="Sweep " * 50), problems=["bad.md was not read"])
    typed("/skills", place)
    lines = place.said.splitlines()
    assert lines[0] == "/skill help: A"
    assert lines[1].startswith("/tidy: Sweep Sweep")
    assert len(lines[1]) < 100
    assert lines[2] == "bad.md was not read"
    typed("/skills", nothing := Asked())
    assert nothing.said.startswith("There are no skills")
