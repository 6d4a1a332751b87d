"""What Tab offers in a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

from alloy_nb.notebook.completing import complete
from alloy_nb.notebook.names import UserNames
from alloy_nb.setting_commands import POLICIES


def completed(code: str, names: Any) -> list[str]:
    found = complete(code, names)
    assert found is not None
    return [code[: len(code) - offer.replaces] + offer.text for offer in found]


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
    assert completed(code, UserNames(notebook.shell)) == expected
    assert offered(notebook, code) == expected


def test_an_object_that_answers_to_any_name_is_left_alone(notebook: Any) -> None:
    """A proxy without its object raised at Tab after `/model `; what asks a server for names would have done so."""
    notebook.ok("class Proxy:\n    def __getattr__(self, name):\n        raise RuntimeError(name)\nproxy = Proxy()")
    notebook.ok("my_model, local = alloy.Scripted([]), alloy.testing.Function(lambda request: '')")
    notebook.ok("class Client:\n    def stream(self): ...\nclient = Client()")  # as of HTTP
    notebook.ok(
        "class Unbound:\n    @property\n    def __class__(self):\n        raise RuntimeError\nunbound = Unbound()"
    )
    for line in ("%alloy /model ", "%alloy -m "):
        offers = [offer.text for offer in complete(line, UserNames(notebook.shell)) or ()]
        assert {"my_model", "local"} <= set(offers)
        assert not {"proxy", "client", "unbound"} & set(offers)
    for option in ("-a", "-o", "-t", "--output", "--budget", "--approval"):
        assert complete(f"%alloy {option} ", UserNames(notebook.shell)) is not None


def test_teams_by_their_variables_and_by_what_they_are_called(notebook: Any) -> None:
    """`/team crew` was taken, and not offered."""
    notebook.ok(
        "make = lambda name: alloy.Team({'a': {'model': alloy.Scripted([])}}, name=name)\n"
        "first, second, other = make('twin'), make('twin'), make('the crew')\nsame = other"
    )
    try:
        names = UserNames(notebook.shell)
        words = ["first", "second", "other", "same", "the crew"]
        assert completed("%alloy /team ", names) == [f"%alloy /team {word}" for word in words]
        assert completed("%alloy /team tw", names) == []  # there are two
        assert offered(notebook, "%alloy /team the c") == ["%alloy /team the crew"]
        assert offered(notebook, "%%alloy\n/team sec") == ["%%alloy\n/team second"]
    finally:
        notebook.ok("for team in (first, second, other):\n    team.stop()")


def test_nothing_is_offered_where_no_command_is_typed(notebook: Any) -> None:
    assert not [text for text in offered(notebook, "%alloy say /res") if "reset" in text]
    notebook.ok("%unload_ext alloy_nb")
    assert not [text for text in offered(notebook, "%alloy /res") if "reset" in text]


OPTIONS = [
    ("%alloy --ap", ["--approval"]),
    ("%%alloy --fresh --ap", ["--approval"]),
    ("%%time\n%%alloy --ap", ["--approval"]),
    ("x = 1\ny = %alloy --ap", ["--approval"]),
    ("%alloy --unheard", []),
    ("%alloy -m my_", ["my_model"]),
    ("%alloy -m my_model --fresh -m anthropic:claude-haiku-4", ["anthropic:claude-haiku-4-5"]),
    ("%%alloy -m sc", ["scripted:"]),
    ("%%alloy -m scripted:sa", ["said.jsonl"]),
    ("%%alloy --model=mist", ["mistral"]),
    ("%alloy --fallback local,my_", ["my_model"]),
    ("%alloy -t re", ["read"]),
    ("%%alloy -t read, gr", ["grep", "grab"]),
    ("%alloy -a ", ["helper"]),
    ("%alloy -o min", ["mine"]),
    ("%alloy --output Not", ["Note"]),
    ("%alloy --output di", ["dict"]),
    ("%alloy --tool-choice re", ["required", "read"]),
    ("%alloy --approval ", [*POLICIES, "grab"]),
    ("%alloy --budget ", ["mine"]),
    ("%alloy --thinking hi", ["high"]),
    ("%alloy --display ht", ["html"]),
    ("%alloy --record f", ["full"]),
    ("%alloy --max-turns ", []),
    ("%alloy --system 'Be ", []),
    ("%%alloy What", []),
    ("%alloy -m my_model Say {mi", ["mine"]),
    ("%%alloy\nSay {min", ["mine"]),
]


@pytest.mark.parametrize(("code", "expected"), OPTIONS, ids=[code for code, _ in OPTIONS])
def test_options_and_what_they_take(notebook: Any, tmp_path: Path, code: str, expected: list[str]) -> None:
    """Nothing of it was offered, but keywords, magics and what Python has."""
    (tmp_path / "said.jsonl").touch()
    notebook.ok("def grab() -> str:\n    'Grab.'\n    return ''\nclass Note:\n    pass")
    notebook.ok("mine, my_model = alloy.Budget(tokens=1), alloy.Scripted([])\nhelper = alloy.Agent(model=my_model)")
    found = complete(code, UserNames(notebook.shell))
    words = [offer.text for offer in found or []]
    assert [word for word in words if not word.startswith("mistral:")] == expected
    with_ipython = [code[: len(code) - found[0].replaces] + word for word in words] if found else []
    assert offered(notebook, code) == with_ipython


@pytest.mark.parametrize(
    "code", ["%alloy say --ap", "%%alloy\nRead --ap", "x = 1\n/res", "%alloyed /res", "%%alloyed -"]
)
def test_elsewhere_nothing_of_ours_is_offered(notebook: Any, code: str) -> None:
    assert complete(code, UserNames(notebook.shell)) is None
    assert not [text for text in offered(notebook, code) if text.endswith(("--approval", "/reset", "--model"))]


def test_where_nothing_precedes_the_question_commands_come_first_then_options(notebook: Any) -> None:
    words = [text.split()[-1] for text in offered(notebook, "%alloy ")]
    assert (words[0], words[-1]) == ("/help", "--help")
    assert "/reset" not in [text.split()[-1] for text in offered(notebook, "%%alloy ")]


def test_in_a_brace_that_is_no_variable_s_nothing_of_ours_is_offered(notebook: Any) -> None:
    notebook.ok("mine = 1")
    assert complete("%alloy Say \\frac{mi", UserNames(notebook.shell)) is None
