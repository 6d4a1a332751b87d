"""What an agent says of its model's window, from its options and its conversation."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.context.estimate import history_tokens
from alloy_nb.options import make_options
from alloy_nb.state import RunState
from alloy_nb.testing import Function

LONG = "word " * 160


@alloy.tool
def look(text: str) -> str:
    """Look."""
    return text


def test_an_agent_tells_what_it_would_send() -> None:
    agent = alloy.Agent(model=alloy.Scripted(["Hi."]), tools=[look], system_prompt=LONG)
    before = agent.context_usage()
    assert (before.model, before.window, before.messages, before.prompts) == ("scripted:script", 200_000, 0, 0)
    assert before.system == 200
    assert before.tools > 0
    agent.chat(LONG)
    after = agent.context_usage()
    assert after.used - before.used == history_tokens(agent.messages)
    assert (after.messages, after.prompts) == (2, 204)


def test_the_window_is_the_one_that_is_given_or_known() -> None:
    assert alloy.Agent(model=alloy.Scripted(["x"]), context_window=5000).context_usage().window == 5000
    model = Function(lambda request: "x")
    model.context_window = 7000  # type: ignore[attr-defined]
    agent = alloy.Agent(model=model)
    assert agent.context_usage().window == agent.context_window == 7000


def test_context_files_and_skills_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text(LONG)
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "fox.md").write_text("---\ndescription: how to hunt\n---\nHunt.")
    options: dict[str, Any] = {"working_directory": tmp_path, "context": {"home": str(tmp_path / "home")}}
    plain = alloy.Agent(model=alloy.Scripted(["x"]), **options).context_usage()
    assert (plain.files, plain.skills, plain.tools) == (0, 0, 0)
    model = alloy.Scripted(["x"])
    agent = alloy.Agent(model=model, context_discovery=True, skills=True, **options)
    usage = agent.context_usage()
    assert usage.files > 200
    assert usage.skills > 0
    assert usage.tools > 0
    agent.chat("Hi")
    state_tokens = history_tokens(agent.messages) + usage.used
    assert agent.context_usage().used == state_tokens
    assert "context files" in str(usage)


def test_it_answers_while_a_run_goes_on() -> None:
    agent = alloy.Agent(model=Function(lambda request: f"{agent.context_usage().messages} messages"))
    assert agent.chat("Hi").text == "1 messages"


def test_what_the_service_counted_is_heeded() -> None:
    usage = {"input_tokens": 400, "output_tokens": 1}
    agent = alloy.Agent(model=alloy.Scripted([{"text": "x", "usage": usage}]))
    assert not agent.context_usage().calibrated
    agent.chat(LONG)
    told = agent.context_usage()
    assert told.calibrated
    assert told.prompts > 250


def test_who_cannot_be_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = alloy.Agent(model=alloy.Scripted(["x"]))
    agent.dialogue.options = agent.dialogue.options.override(working_directory="/nosuch")
    with pytest.raises(alloy.ConfigError, match="is no folder"):
        agent.context_usage()
    assert asyncio.run(agent.achat("x", working_directory=".")).text == "x"


def test_tools_that_the_model_is_not_told_of_are_not_counted() -> None:
    """The embedded model's window was filled by 1,148 tokens of tools, none of which it was sent."""
    model = Function(lambda request: "x")
    model.shows_tools = False  # type: ignore[attr-defined]
    assert alloy.Agent(model=model, tools=[look]).context_usage().tools == 0
    state = RunState("Hi", make_options({"model": model, "tools": [look]}))
    assert state.fixed_tokens(state.candidates[0]) == 0
    shown = RunState("Hi", make_options({"model": Function(lambda request: "x"), "tools": [look]}))
    assert shown.fixed_tokens(shown.candidates[0]) > 0
