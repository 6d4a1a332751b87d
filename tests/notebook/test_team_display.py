"""A team in a cell: once, live or not at all; what a broadcast came to is not shown twice."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import ConfigError
from alloy_nb.notebook.team_parts import Parts
from alloy_nb.notebook.team_scope import Scope, gathered, scope_of_delegate
from alloy_nb.render.bundle import RECORD_MIME
from alloy_nb.render.team_record import from_team_record
from alloy_nb.render.team_wording import row_state

from .conftest import Notebook

CREW = """
def crew(**more):
    said = {"coder": "Fixed.", "critic": "Good.", **more}
    return alloy.Team({n: {"model": t if not isinstance(t, str) else alloy.Scripted([t] * 9)} for n, t in said.items()},
                      name="crew")
team = crew()
"""


@pytest.fixture(params=["static", "html"])
def shown(request: pytest.FixtureRequest, notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.setenv("ALLOY_DISPLAY", request.param)
    notebook.ok(CREW)
    return notebook


@pytest.fixture
def team() -> Iterator[alloy.Team]:
    call = {"text": "Not mine.", "tool_calls": [{"name": "transfer_to_coder", "input": {"task": "Fix it."}}]}
    agents = {"triage": {"model": alloy.Scripted([call])}, "coder": {"model": alloy.Scripted(["Fixed.", "Again."])}}
    with alloy.Team(agents, name="crew", handoffs={"triage": ["coder"]}) as made:
        yield made


def last(ran: Any) -> str:
    html: str = ran.outputs[-1]["data"]["text/html"]
    return html


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("team.broadcast('Go.')", "broadcast"),
        ("_r = team.broadcast('Go.')", "broadcast"),
        ("team.handoff(['coder', 'critic'], 'Go.')", "handoff"),
        ("team.delegate('coder', 'Go.')", "delegate"),
        ("await team.abroadcast('Go.')", "broadcast"),
        ("_r = await team.ahandoff(['coder', 'critic'], 'Go.')", "handoff"),
        ("await team.adelegate('coder', 'Go.')", "delegate"),
    ],
)
def test_what_works_on_a_prompt_is_shown_once_in_its_cell(shown: Notebook, code: str, kind: str) -> None:
    ran = shown.ok(code)
    ids = [output.get("update") for output in ran.outputs]
    frozen = [output for output in ran.outputs if "text/markdown" in output["data"]]
    assert len(frozen) == 1, ids
    html = last(ran)
    assert html.count("<details") == (1 if kind == "delegate" else 2)
    assert "Fixed." in html
    assert ("coder → critic" in html) == (kind == "handoff")
    assert "Fixed." not in ran.stdout
    assert "crew · 2 agents" in html


def test_the_static_form_is_the_same_each_time(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "static")
    notebook.ok(CREW)
    code = "t = crew(); t.broadcast('Go.'); t.handoff(['critic', 'coder'], 'On.'); t"
    first, second = notebook.ok(code), notebook.ok(code)
    assert [one["data"] for one in first.outputs] == [one["data"] for one in second.outputs]
    assert len(first.outputs) == 3
    assert all(set(one["data"]) == {"text/html", "text/markdown", "text/plain"} for one in first.outputs)
    assert not re.search(r"\d m?s\b", first.outputs[0]["data"]["text/plain"])


def test_a_team_is_shown_with_its_newest_runs(shown: Notebook) -> None:
    assert "idle" in last(shown.ok("team"))
    shown.ok("team.delegate('coder', 'One.', display=None)")
    shown.ok("team.delegate('coder', 'Two.', display=None)")
    html = last(shown.ok("%alloy /team team"))
    assert html.count("Fixed.") == 2
    assert "One." in html
    assert "Two." in html
    assert last(shown.ok("%alloy /team")) == html


def test_a_team_at_rest_is_not_stored_whole_again_and_again(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen cells that ended in `team` made a file of 433 kB."""
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    notebook.ok(CREW + "for n in range(9): team.broadcast(f'Number {n}.', display=None)")
    data = notebook.ok("team").outputs[-1]["data"]
    for form in ("text/html", "text/markdown", "text/plain"):
        assert "7 earlier runs are not shown here" in data[form], form
        assert "Number 8." in data[form]
        assert "Number 6." not in data[form]
    again = from_team_record(data[RECORD_MIME])
    assert [(member.earlier, len(member.runs)) for member in again.members] == [(7, 2)] * 2
    assert len(again.rows) == 18  # who ran when is told of all
    notebook.ok(
        "for n in range(25): team['coder'].set_model(alloy.Scripted(['x'] * 3)); "
        "team['critic'].set_model(alloy.Scripted(['x'] * 3)); team.broadcast('On.', display=None)"
    )
    data = notebook.ok("team").outputs[-1]["data"]
    assert "8 earlier rows not shown here" in data["text/plain"]
    assert data["text/html"].count("<tr>") == 61


@pytest.mark.parametrize("ends_in", ["team", "run"])
def test_what_goes_on_in_the_background_is_shown_to_its_end(shown: Notebook, ends_in: str) -> None:
    """Where a display can change it changes, else it is shown when it is over. A run was a line with its number."""
    shown.ok(
        "import threading\ngo, begun = threading.Event(), threading.Event()\nclass Slow(alloy.Scripted):\n"
        "    async def stream(self, request):\n"
        "        import asyncio\n"
        "        begun.set()\n"
        "        while not go.is_set(): await asyncio.sleep(0.01)\n"
        "        async for delta in super().stream(request): yield delta\n"
        "team = crew(coder=Slow(['Fixed.']))"
    )
    if os.environ["ALLOY_DISPLAY"] == "static":  # the cell waits
        ran = shown.ok("run = team.start_broadcast('Go.')\nthreading.Timer(0.1, go.set).start()\n" + ends_in)
    else:
        ran = shown.ok("run = team.start_broadcast('Go.')\nassert begun.wait(60)\n" + ends_in)
        assert "working" in last(ran)
        ran = shown.ok("go.set()\nfor one in threading.enumerate():\n    if one.name == 'alloy-show-team': one.join()")
    assert "text/markdown" in ran.outputs[-1]["data"]
    assert "Fixed." in last(ran)


def test_a_run_that_is_over_is_shown_whole_and_once_in_a_cell(shown: Notebook) -> None:
    for asked in ("start_broadcast(", "start_handoff(['coder', 'critic', 'coder', 'critic', 'coder'], "):
        shown.ok(f"run = team.{asked}'Go.')\n_r = run.result()")
        ran = shown.ok("from IPython.display import display\ndisplay(run)\nrun")
        assert len(ran.outputs) == 1
        # Three of the chain's five answers, and two of its prompts.
        assert ran.outputs[0]["data"]["text/plain"].count("Fixed.") == (1 if "broadcast" in asked else 5)


def test_nothing_is_shown_where_nobody_looks(shown: Notebook) -> None:
    for code in (
        "_r = team.broadcast('Go.', display=None)",
        "_r = team.delegate('coder', 'Go.', display=None)",
        "import threading\nt = threading.Thread(target=team.broadcast, args=('Go.',)); t.start(); t.join()",
        "_r = team.start_broadcast('Go.').result()",
        "_r = await team.abroadcast('Go.', display=None)",
        "import asyncio\n_r = await asyncio.gather(team.adelegate('coder', 'Go.'), team.adelegate('critic', 'Go.'))",
    ):
        ran = shown.ok(code)
        assert (ran.outputs, ran.stdout) == ([], ""), code


def test_after_three_the_rest_of_a_cell_is_one_row(shown: Notebook) -> None:
    ran = shown.ok("for _ in range(5): team.broadcast('Go.')")
    assert sum("text/markdown" in output["data"] for output in ran.outputs) == 3
    assert "… and 2 more runs: 2 ok" in last(ran)


def test_results_that_were_not_shown_are_a_table(shown: Notebook) -> None:
    ran = shown.ok("team.broadcast('Go.', display=None)")
    assert "<table>" in last(ran)
    assert "Good." in last(ran)


def test_names_of_teams(notebook: Notebook) -> None:
    """A name that is none says which there are; Tab offers them."""
    ran = notebook.run("%alloy /team")
    assert isinstance(ran.error, ConfigError)
    assert "there is no team yet" in str(ran.error)
    notebook.ok(CREW)
    assert "Team crew" in notebook.ok("%alloy /team crew").stdout  # what it is called, where no variable is
    notebook.ok("other = crew()")
    for line, words in (
        ("/team", "which team?"),
        ("/team taem", "did you mean `team`"),
        ("/team nobody", "other"),
        ("/team crew", "several teams are called `crew`"),
    ):
        error = notebook.run(f"%alloy {line}").error
        assert isinstance(error, ConfigError)
        assert words in f"{error.message} {error.hint}"
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        found = {one.text for one in notebook.shell.Completer.completions("%alloy /team te", 15)}
    assert found == {"team"}


def test_a_record_is_shown_again(notebook: Notebook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    notebook.ok(CREW)
    first = notebook.ok("team.handoff(['coder', 'critic'], 'Go.')").outputs[-1]["data"]
    path = tmp_path / "team.json"
    path.write_text(json.dumps(first[RECORD_MIME]))
    again = notebook.ok(f"from pathlib import Path\nalloy.show(Path({str(path)!r}))").outputs[-1]["data"]
    assert again["text/html"] == first["text/html"]
    assert again["text/plain"] == first["text/plain"]


def test_who_went_on_in_anothers_run_has_what_it_said(team: alloy.Team) -> None:
    """A hand-off that a model chose: the other one works within the first one's run, and all is counted once."""
    team.delegate("triage", "It broke.", display=None)
    told = gathered(Scope(team))
    triage, coder = told.members
    assert [run.prompt for run in coder.runs] == ["Fix it."]
    assert coder.runs[0].blocks[-1].markdown == "Fixed."  # type: ignore[union-attr]
    assert (triage.state, coder.state) == ("done", "done")
    assert [(row.kind, row.agent, row.to) for row in told.rows] == [
        ("run", "triage", ""),
        ("handoff", "triage", "coder"),
        ("run", "coder", ""),
    ]
    assert told.tokens == team.usage.total_tokens
    assert coder.tokens == 15


def test_a_part_holds_only_what_belongs_to_it(team: alloy.Team) -> None:
    team.delegate("coder", "One.", display=None)
    run = team.start_delegate("coder", "Two.")
    run.result()
    scope = scope_of_delegate(team, "coder", run._execution)
    told = gathered(scope)
    assert scope.over
    assert [row.agent for row in told.rows] == ["coder"]
    assert [one.prompt for one in told.members[1].runs] == ["Two."]
    assert [member.state for member in told.members] == ["idle", "done"]


def test_a_row_of_one_that_waits_for_approval_says_so() -> None:
    """It said "working"."""
    ask = {"tool_calls": [{"name": "careful", "input": {}}]}

    @alloy.tool(requires_approval=True)
    def careful() -> str:
        """Ask first."""
        return "done"

    with alloy.Team({"a": {"model": alloy.Scripted([ask, "Thanks."]), "tools": [careful]}}) as team:
        states = []
        for event in team.start_delegate("a", "x"):
            if event.type == "approval_request":
                told = gathered(Scope(team))
                states = [told.members[0].state, row_state(told.rows[0])]
                team["a"].approve(event.payload["id"])
    assert states == ["asking", "asking"]


def test_the_agents_of_a_tool_are_no_members(team: alloy.Team) -> None:
    """Their questions belong to who called them; only a hand-off makes a part."""
    from alloy_nb.events import Event

    parts = Parts("a", "r1")
    asked = Event(2, "r2", "approval_request", {"id": "1", "name": "bash"}, agent="crew/a/helper")
    assert [(part.name, len(events)) for part, events in parts.sort([asked])] == [("a", 1)]
    assert len(parts.all) == 1


def test_in_a_terminal_a_broadcast_is_told_once(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of the columns was followed by the same as `Out[3]`."""
    monkeypatch.setenv("ALLOY_DISPLAY", "text")
    notebook.ok(CREW)
    for asked in ("team.broadcast('Go.')", "await team.abroadcast('Go.')", "team.start_broadcast('Go.')"):
        assert notebook.ok(asked).stdout.count("Fixed.") == 1, asked
