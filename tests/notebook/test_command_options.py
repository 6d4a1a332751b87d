"""Options that stand where they do nothing: before a command that does not take them, and behind a question."""

from __future__ import annotations

from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.commands import commands_of
from alloy_nb.errors import ConfigError

#: An argument for those that need one.
ARGUMENTS = {"fork": "copy", "model": "m"}
OWN = [command.name for command in commands_of("notebook") if command.own]


def said(notebook: Any) -> list[str]:
    return [message.text for message in notebook.conversation.messages]


def refused(notebook: Any, line: str) -> ConfigError:
    error = notebook.run(f"%alloy {line}").error
    assert isinstance(error, ConfigError), line
    assert error.hint
    return error


def test_what_is_about_the_notebooks_own_agent_is_known() -> None:
    assert set(OWN) == {
        *("model", "tools", "approval", "budget", "config"),
        *("usage", "history", "context", "undo", "retry", "reset"),
        *("save", "resume", "rewind", "fork"),
    }


@pytest.mark.parametrize("name", OWN)
def test_no_command_on_the_own_agent_takes_another_one(
    name: str, notebook: Any, script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """`-a anna /reset` wiped the notebook's own conversation."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    script("One.")
    notebook.ok("%alloy -m m Say one\nanna = alloy.Agent(model=m)")
    error = refused(notebook, f"-a anna /{name} {ARGUMENTS.get(name, '')}".strip())
    assert error.message == f"/{name} is about the notebook's own agent, and --agent names anna"
    assert said(notebook) == ["Say one", "One."]
    assert notebook.conversation.session is None


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("--show /undo", "--show"),
        ("--show /reset", "--show"),
        ("--show /approval auto", "--show"),
        ("-m nope /undo", "--model"),
        ("-t raed /history", "--tools"),
        ("-o z /usage", "--out"),
        ("--fresh /undo", "--fresh"),
        ("--no-context /undo", "--no-context"),
        ("--budget 3 /budget", "--budget"),
        ("-m m /agents", "--model"),
        ("--show /stop", "--show"),
        ("--show /skills", "--show"),
    ],
)
def test_an_option_that_a_command_does_not_take_is_refused_and_nothing_is_done(
    line: str, option: str, notebook: Any, script: Any
) -> None:
    """They were passed over: `--show /undo` took the question back, and `--show /approval auto` asked no more."""
    script("One.")
    notebook.ok("%alloy -m m Say one")
    error = refused(notebook, line)
    command = next(word for word in line.split() if word.startswith("/"))
    assert error.message == f"{command} takes no {option}; nothing was done"
    assert f"`%alloy {command}`" in (error.hint or "")
    assert said(notebook) == ["Say one", "One."]
    assert notebook.ok("%alloy /approval").stdout.startswith("approval: ask")
    assert "z" not in notebook.names


def test_several_options_are_named_together(notebook: Any) -> None:
    assert refused(notebook, "-t read --show /undo").message.startswith("/undo takes no --tools and no --show;")


def test_an_agent_has_its_skills_listed_and_no_background_runs(notebook: Any, script: Any) -> None:
    script()
    notebook.names["anna"] = alloy.Agent(model=notebook.names["m"])
    assert notebook.ok("%alloy -a anna /skills").stdout.startswith("There are no skills")
    assert refused(notebook, "-a anna /stop").message.startswith("/stop takes no --agent")


def test_short_options_behind_the_question_are_told_to_be_part_of_it(notebook: Any, script: Any) -> None:
    """`%alloy hi -m scripted:s1.jsonl` asked the default model, without a word."""
    model = script("One.", "Two.", "Three.")
    alloy.set_default_model(model)
    try:
        told = notebook.ok("%alloy hi -m other:model").stdout
        plain = notebook.ok("%alloy -- hi -m other:model").stdout
        body = notebook.ok("%%alloy\nhi -m other:model").stdout
    finally:
        alloy.set_default_model(None)
    assert "`-m other:model` as part of the question: options go first, as in `%alloy -m other:model hi`" in told
    assert "options go first" not in plain + body
    assert [request.messages[-1].text for request in model.requests] == ["hi -m other:model"] * 3


@pytest.mark.parametrize("behind", ["--show", "--no-context", "--model other:x", "-m m --fresh"])
def test_long_options_behind_the_question_are_refused_and_nothing_is_sent(
    behind: str, notebook: Any, script: Any
) -> None:
    """What `--show` was to look at had been sent."""
    model = script("One.", "Two.")
    error = refused(notebook, f"-m m hi {behind}")
    assert error.message.endswith("stands behind the question: options go first; nothing was sent")
    assert f"`%alloy {behind} hi`" in (error.hint or "")
    assert model.requests == []
    assert notebook.ok(f"%alloy -m m -- hi {behind}").value.text == "One."
    assert notebook.ok(f"%%alloy -m m\nhi {behind}").stdout.count("Two.") == 1


def test_options_behind_a_command_that_asks_are_put_before_it(notebook: Any, script: Any) -> None:
    script("One.")
    notebook.ok("%alloy -m m hi")
    error = refused(notebook, "/retry -m x")
    assert (error.message, error.hint) == ("options stand before /retry", "write `%alloy -m x /retry`")
