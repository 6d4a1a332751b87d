"""Context files and skills of the notebook's own agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alloy_nb import Agent


@pytest.fixture
def project(notebook: Any, tmp_path: Path) -> Path:
    """The notebook's folder, with a context file and a skill."""
    (tmp_path / ".alloy" / "skills").mkdir(parents=True)
    (tmp_path / ".alloy" / "skills" / "tidy.md").write_text("Sweep {{input}}, {word}.")
    (tmp_path / "AGENTS.md").write_text("Use tabs.")
    return tmp_path


def test_they_go_in_by_themselves_and_are_told_above_the_answer(notebook: Any, script: Any, project: Path) -> None:
    model = script("Hello.", "Hello.")
    shown = notebook.ok("%alloy -m m Hi").stdout
    assert "AGENTS.md: 9 characters" in shown
    assert "skills: tidy" in shown
    assert "Use tabs." in model.requests[0].system_prompt
    assert [tool.name for tool in model.requests[0].tools] == ["skill"]
    assert "AGENTS.md" not in notebook.ok("%alloy -m m --no-context Hi").stdout
    assert model.requests[1].system_prompt is None
    assert model.requests[1].tools == ()


def test_what_stays_the_same_is_told_once_a_conversation(notebook: Any, script: Any, project: Path) -> None:
    """It stood above every answer."""
    script(*["Hello."] * 7)
    notebook.names["told"] = Agent(model=notebook.names["m"], context_discovery=True)

    def tells(line: str, cell: str | None = None) -> bool:
        return "AGENTS.md" in notebook.ok(f"%alloy {line} Hi", cell=cell).stdout

    assert [tells("-m m", "one"), tells("-m m", "two"), tells("-m m", "one")] == [True, False, True]
    assert [tells("-a told"), tells("-a told")] == [True, False]
    (project / "AGENTS.md").write_text("Use many tabs.")
    assert tells("-m m", "two")
    assert tells("-m m --fresh", "three")


def test_an_agent_of_yours_has_its_own_options(notebook: Any, script: Any, project: Path) -> None:
    model = script("One.", "Two.", "Three.")
    notebook.names["plain"] = Agent(model=model)
    notebook.names["told"] = Agent(model=model, context_discovery=True)
    for line in ("-a plain", "-a told", "-a told --no-context"):
        notebook.ok(f"%alloy {line} Hi")
    assert ["Use tabs." in (request.system_prompt or "") for request in model.requests] == [False, True, False]


def test_show_tells_the_whole_system_prompt(notebook: Any, script: Any, project: Path) -> None:
    (project / "bad").mkdir()
    model = script()
    told = notebook.ok('%alloy -m m --system "Be brief." --show Hi').stdout
    assert "Context:\n  AGENTS.md: 9 characters\n  skills: tidy\n" in told
    assert "System prompt:\n  Be brief.\n  \n  These context files" in told
    assert '  <context_file path="AGENTS.md" of="project">\n  Use tabs.\n' in told
    assert "context_discovery" not in told
    assert model.requests == []
    assert "AGENTS.md" not in notebook.ok("%alloy -m m --no-context --show Hi").stdout
    notebook.names["plain"] = Agent(model=model)
    assert "AGENTS.md" not in notebook.ok("%alloy -a plain --show Hi").stdout


def test_a_skill_is_asked_by_its_name(notebook: Any, script: Any, project: Path) -> None:
    """CLI-9 in a cell: what was typed goes through the variables, what the skill says does not."""
    model = script("Swept.", "Again.", "Third.")
    notebook.names["word"] = "floor"
    shown = notebook.ok("%alloy -m m -o r /tidy the {word}").stdout
    assert model.requests[0].messages[-1].text == "Sweep the floor, {word}."
    assert "skill tidy: 24 characters" in shown
    assert notebook.names["r"].text == "Swept."
    notebook.ok("%%alloy -m m\n/skill tidy one\ntwo")
    assert model.requests[1].messages[-1].text == "Sweep one\ntwo, {word}."
    assert "%alloy /tidy: Sweep" in notebook.ok("%alloy /skills").stdout
    assert "There are no skills" in notebook.ok("%alloy --no-context /skills").stdout
    assert "there is no command" in str(notebook.run("%alloy --no-context /tidy").error)
    assert "Sweep x, {word}." in notebook.ok("%alloy -m m --show /tidy x").stdout
