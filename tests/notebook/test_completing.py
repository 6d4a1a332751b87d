"""What Tab offers in a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

from alloy_nb.notebook.completing import complete
from alloy_nb.notebook.names import UserNames


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


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%alloy /tools rea", ["%alloy /tools read"]),
        ("%alloy /tools read,loo", ["%alloy /tools read,look_up"]),
        ("%alloy /approval a", ["%alloy /approval ask", "%alloy /approval auto"]),
        ("%alloy /approval look", ["%alloy /approval look_up"]),
        ("%alloy /budget mi", ["%alloy /budget mine"]),
        ("%alloy /budget no", ["%alloy /budget none"]),
        ("%alloy /model my_", ["%alloy /model my_model"]),
        ("%alloy /ag", ["%alloy /agents"]),
        ("%alloy /usage ", []),
    ],
)
def test_what_a_command_takes_also_by_the_names_of_the_notebook(notebook: Any, code: str, expected: list[str]) -> None:
    notebook.ok("def look_up() -> str:\n    'Look.'\n    return ''")
    notebook.ok("mine, my_model, _hidden = alloy.Budget(tokens=1), alloy.Scripted([]), alloy.Budget(tokens=1)")
    word = "" if code.endswith(" ") else code.split()[-1]
    assert complete(code, word, UserNames(notebook.shell)) == [text.split()[-1] for text in expected]
    assert set(expected) <= set(offered(notebook, code))


def test_an_object_that_answers_to_any_name_is_left_alone(notebook: Any) -> None:
    """A proxy without its object raised at Tab after `/model `; what asks a server for names would have done so."""
    notebook.ok("class Proxy:\n    def __getattr__(self, name):\n        raise RuntimeError(name)\nproxy = Proxy()")
    notebook.ok("my_model, local = alloy.Scripted([]), alloy.testing.Function(lambda request: '')")
    notebook.ok("class Client:\n    def stream(self): ...\nclient = Client()")  # as of HTTP
    offers = complete("%alloy /model ", "", UserNames(notebook.shell))
    assert {"my_model", "local"} <= set(offers)
    assert not {"proxy", "client"} & set(offers)


def test_teams_by_their_variables_and_by_what_they_are_called(notebook: Any) -> None:
    """`/team crew` was taken, and not offered."""
    notebook.ok(
        "make = lambda name: alloy.Team({'a': {'model': alloy.Scripted([])}}, name=name)\n"
        "first, second, other = make('twin'), make('twin'), make('the crew')\nsame = other"
    )
    try:
        names = UserNames(notebook.shell)
        assert complete("%alloy /team ", "", names) == ["first", "second", "other", "same", "the crew"]
        assert complete("%alloy /team tw", "tw", names) == []  # there are two
        assert offered(notebook, "%alloy /team the c") == ["%alloy /team the crew"]
        assert offered(notebook, "%%alloy\n/team sec") == ["%%alloy\n/team second"]
    finally:
        notebook.ok("for team in (first, second, other):\n    team.stop()")


def test_nothing_is_offered_where_no_command_is_typed(notebook: Any) -> None:
    assert not [text for text in offered(notebook, "%alloy say /res") if "reset" in text]
    notebook.ok("%unload_ext alloy_nb")
    assert not [text for text in offered(notebook, "%alloy /res") if "reset" in text]
