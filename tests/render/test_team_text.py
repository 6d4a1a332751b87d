"""A team and what a broadcast came to, as text and as HTML that is text and nothing else."""

from __future__ import annotations

import alloy_nb as alloy
from alloy_nb.teams.results import TeamResults


def test_a_result_that_failed_says_why_and_a_long_one_its_beginning() -> None:
    failed = alloy.Result(status="error", error=alloy.AuthError("no key", hint="get one"))
    results = TeamResults(coder=failed, critic=alloy.Result(text="word " * 100))
    lines = repr(results).splitlines()
    assert lines[0] == "coder   error      no key"
    assert lines[1].endswith("…")
    assert len(lines[1]) < 130
    assert not results.ok


def test_no_name_and_no_answer_is_anything_but_text() -> None:
    """Law 14"""
    hostile = "<img src=x onerror=alert(1)>"
    results = TeamResults({hostile: alloy.Result(text=f"a|b {hostile} \x1b[31m")})
    html = results._repr_mimebundle_()["text/html"]
    assert "<img" not in html
    assert "\x1b" not in html
    assert html.count("&lt;img") == 2
    with alloy.Team({"a<b>": {"model": alloy.Scripted(["x"])}}) as team:
        assert "<b>" not in team._repr_mimebundle_()["text/html"]


def test_a_team_tells_what_it_has_used_and_who_crashed() -> None:
    with alloy.Team({"coder": {"model": alloy.Scripted(["x"])}}, name="work") as team:
        assert repr(team) == "Team work: 1 agent\n  coder  idle  0 messages  0 tokens"
        team.delegate("coder", "x")
        assert repr(team).endswith("coder  idle  2 messages  15 tokens  cost unknown")
    assert repr(alloy.Team({})) == "Team team: 0 agents"


def test_what_all_used_is_summed_and_unknown_where_one_is() -> None:
    one = alloy.Result(usage=alloy.Usage(1, 2), cost=0.5)
    assert TeamResults(a=one, b=one).cost == 1.0
    assert TeamResults(a=one, b=alloy.Result(usage=alloy.Usage(1, 1))).cost is None
    assert TeamResults(a=one, b=one).usage == alloy.Usage(2, 4)
    assert TeamResults().cost is None
