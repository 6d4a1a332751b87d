"""What a conversation in the terminal tells, without one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.cli.repl.talk import Talk


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
def test_the_path_of_a_skill_steers_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 14: a repository's file may be named as it likes."""
    monkeypatch.setenv("ALLOY_HOME", str(tmp_path / "home"))
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "a\x1b]0;owned\x07\x1b[2J\nb.md").write_text("---\nname: look\n---\nLook.")
    said: list[str] = []
    options: dict[str, Any] = {"model": None, "skills": True, "working_directory": tmp_path, "tools": []}
    talk = Talk(options, lambda: lambda event: None, said.append)
    monkeypatch.setattr(Talk, "_choose", lambda self, name: (alloy.Scripted(["Looked."]), "for a test"))
    (skill,) = talk.skills()[0]
    talk.ask_skill(skill, "")
    assert talk.messages()[-1].text == "Looked."
    assert said[0].startswith("skill look: 5 characters from ")
    assert all(line.isprintable() for line in said), said
