"""What Tab offers in a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter


def offered(notebook: Any, code: str) -> list[str]:
    with provisionalcompleter():
        return [code[: found.start] + found.text for found in notebook.shell.Completer.completions(code, len(code))]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%alloy /res", ["%alloy /reset", "%alloy /resume"]),
        ("%%alloy\n/rese", ["%%alloy\n/reset"]),
        ("%alloy /model anthropic:claude-opus-4-8", ["%alloy /model anthropic:claude-opus-4-8"]),
        ("%alloy /swe", ["%alloy /sweep"]),
        ("%%alloy\n/skill sw", ["%%alloy\n/skill sweep"]),
    ],
)
def test_commands_and_skills(notebook: Any, tmp_path: Path, code: str, expected: list[str]) -> None:
    """CLI-9, in a cell."""
    (tmp_path / ".alloy" / "skills").mkdir(parents=True)
    (tmp_path / ".alloy" / "skills" / "sweep.md").write_text("Sweep.")
    notebook.ok("%load_ext alloy_nb")
    assert offered(notebook, code) == expected


def test_nothing_is_offered_where_no_command_is_typed(notebook: Any) -> None:
    assert not [text for text in offered(notebook, "%alloy say /res") if "reset" in text]
    notebook.ok("%unload_ext alloy_nb")
    assert not [text for text in offered(notebook, "%alloy /res") if "reset" in text]
