"""What a run takes from around."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import ConfigError, Scripted
from alloy_nb.context import surroundings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a context file and a skill."""
    skills = tmp_path / "project" / ".alloy" / "skills" / "tidy"
    skills.mkdir(parents=True)
    (skills / "SKILL.md").write_text("---\ndescription: Tidies up\nallowed-tools: bash\n---\nSweep first.")
    (tmp_path / "project" / "AGENTS.md").write_text("Use tabs.")
    return tmp_path / "project"


def ask(model: Scripted, project: Path, **options: Any) -> alloy.Result:
    return alloy.run("Hi", model=model, working_directory=project, display=None, **options)


def prompts(model: Scripted) -> list[str | None]:
    return [request.system_prompt for request in model.requests]


def test_by_itself_nothing_is_read(project: Path) -> None:
    """CTX-1, CFG-12: it is an option."""
    model = Scripted(["Hi."])
    ask(model, project)
    assert prompts(model) == [None]
    assert model.requests[0].tools == ()


def test_nothing_found_is_no_system_prompt(tmp_path: Path) -> None:
    """CTX-w1: with nothing found the system prompt was "", which was sent."""
    model = Scripted(["Hi.", "Hi."])
    for base in (None, "Be brief."):
        ask(model, tmp_path, context_discovery=True, skills=True, system_prompt=base)
    assert prompts(model) == [None, "Be brief."]


def test_context_files_go_in_after_the_base(project: Path) -> None:
    """CTX-6, CTX-7: with a base, and without one."""
    model = Scripted(["Hi.", "Hi."])
    ask(model, project, context_discovery=True)
    ask(model, project, context_discovery=True, system_prompt="Be brief.")
    bare, based = prompts(model)
    assert bare is not None
    assert "Use tabs." in bare
    assert based == f"Be brief.\n\n{bare}"


def test_the_users_own_lie_below_the_home_of_the_context(project: Path, tmp_path: Path) -> None:
    """CTX-5: `context.home` says where; else `ALLOY_HOME` or the home."""
    (tmp_path / "me" / ".alloy" / "skills").mkdir(parents=True)
    (tmp_path / "me" / ".alloy" / "AGENTS.md").write_text("I am Ann.")
    (tmp_path / "me" / ".alloy" / "skills" / "mine.md").write_text("Mine.")
    model = Scripted(["Hi."])
    ask(model, project, context_discovery=True, skills=True, context={"home": tmp_path / "me"})
    prompt = prompts(model)[0] or ""
    assert prompt.index("I am Ann.") < prompt.index("Use tabs.")
    assert "- mine\n- tidy: Tidies up" in prompt
    with pytest.raises(ConfigError, match="home"):
        ask(model, project, context_discovery=True, context={"home": 3})


def test_an_agent_reads_anew_at_each_run(project: Path) -> None:
    """CTX-w1, CFG-12: it was read once, when the agent was made."""
    model = Scripted(["One.", "Two.", "Three."])
    agent = alloy.Agent(model=model, working_directory=project, context_discovery=True)
    agent.chat("1", display=None)
    agent.chat("2", display=None)
    (project / "AGENTS.md").write_text("Use blanks.")
    agent.chat("3", display=None)
    one, two, three = prompts(model)
    assert one == two
    assert "Use blanks." in (three or "")


def test_the_first_event_tells_what_went_in(project: Path) -> None:
    model = Scripted(["Hi."])
    result = ask(model, project, context_discovery=True, skills=True)
    start = result.events[0]
    assert (start.payload["context"], start.payload["skills"]) == (["AGENTS.md"], ["tidy"])
    assert "context" not in ask(Scripted(["Hi."]), project).events[0].payload


def test_a_model_loads_a_skill_by_itself(project: Path) -> None:
    """SKL-w3: skills were for the person at the prompt alone; and what a skill says it may use, it may not."""
    call = {"tool_calls": [{"name": "skill", "input": {"name": "tidy"}}]}
    model = Scripted([call, "Swept."])
    result = ask(model, project, skills=True)
    assert "tidy: Tidies up" in (prompts(model)[0] or "")
    assert "Sweep first" not in (prompts(model)[0] or "")
    assert "Sweep first." in result.tool_calls[0].output
    assert [tool.name for tool in model.requests[0].tools] == ["skill"]
    denied = Scripted([{"tool_calls": [{"name": "bash", "input": {"command": "touch made"}}]}, "Well."])
    result = ask(denied, project, skills=True, tools=["bash"])
    assert result.tool_calls[0].error is not None
    assert not (project / "made").exists()


def test_a_tool_of_yours_called_skill_stays_yours(project: Path) -> None:
    @alloy.tool
    def skill(name: str) -> str:
        """Mine."""
        return name

    model = Scripted(["Hi."])
    ask(model, project, skills=True, tools=[skill])
    assert prompts(model) == [None]
    assert model.requests[0].tools[0].description == "Mine."


def test_a_model_that_is_shown_no_tools_is_told_of_no_skills(project: Path) -> None:
    model: Any = Scripted(["Hi."])
    model.shows_tools = False
    ask(model, project, skills=True)
    assert prompts(model) == [None]


def test_skills_may_be_named(project: Path) -> None:
    model = Scripted(["Hi."])
    ask(model, project, skills=[".alloy/skills/tidy", alloy.Skill("own", "Mine")])
    assert "- own: Mine\n- tidy: Tidies up" in (prompts(model)[0] or "")
    with pytest.raises(ConfigError, match="there is no skill"):
        ask(model, project, skills=["none"])
    with pytest.raises(ConfigError, match="there is no skill"):  # before anything was asked
        alloy.Agent(model=model, skills=["none"], working_directory=project)


def test_a_small_window_is_not_filled_by_context_files(project: Path) -> None:
    """CTX-w1: no limit. They have about a quarter of the window."""
    (project / "AGENTS.md").write_text("x" * 9000)
    model = Scripted(["Hi."])
    ask(model, project, context_discovery=True, context_window=4000)
    assert (prompts(model)[0] or "").count("x" * 4000 + "\n[cut here") == 1


def test_what_was_not_read_is_told_once(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    """CTX-w1: a warning, not a crash; and not again at every run."""
    (project / "AGENTS.md").write_bytes(b"\xff\xff")
    surroundings._told.clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert ask(Scripted(["Hi."]), project, context_discovery=True).text == "Hi."
    assert caplog.messages == ["AGENTS.md was not read: it is not in UTF-8"]
