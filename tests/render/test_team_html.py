"""A team in the forms that are kept: a fold an agent, a plain timeline, and a record that gives the same again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloy_nb import ConfigError
from alloy_nb.render.bundle import RECORD_MIME
from alloy_nb.render.clean import shown
from alloy_nb.render.record import size_of
from alloy_nb.render.team_bundle import team_bundle, team_markdown, team_plain
from alloy_nb.render.team_html import team_html, team_live_html
from alloy_nb.render.team_record import from_team_record, to_team_record
from alloy_nb.render.team_values import MemberTold, Row, TeamTold, doing_of, members_told, state_of, summed
from alloy_nb.render.team_wording import state_words, team_words

from .conftest import PIXEL, Telling, tell_everywhere


def told(text: str, *, status: str = "completed", prompt: str = "Go.", **end: Any) -> Any:
    tell = Telling()
    tell("run_start", {"prompt": prompt, "model": "m"})("turn_start", {"model": "m"})("text_delta", text)
    return tell.end(status, **end).transcript


def crew(kind: str = "handoff") -> TeamTold:
    rows = (
        Row("run", "researcher", 1_000, 4_200, "completed", 312, 0.002),
        Row("handoff", "researcher", 4_200, to="coder"),
        Row("run", "coder", 4_201, 9_000, "error", 1_200, 0.01),
    )
    runs = [
        ("researcher", told("It was **North**.")),
        ("coder", told("Half", status="error", error="it broke", error_type="ServerError")),
    ]
    return TeamTold("crew", kind, members_told(["researcher", "coder", "reviewer"], runs, rows), rows)


def test_a_fold_an_agent_and_a_plain_table_with_arrows_and_cost(judge: Any) -> None:
    html = team_html(crew())
    seen = judge(html)
    assert seen.faults == []
    assert html.count("<details") == 2  # who was not asked has nothing to fold
    assert html.count('<details class="alloy-fold" open') == 1  # who answered last
    assert "<script" not in html
    assert "<style" not in html
    for words in ("researcher → coder", "handed over", "$0.0020", "$0.012", "3.2 s", "it broke", "reviewer", "8.0 s"):
        assert words in seen.text, words
    assert html.count("border-left:2px") == 1  # one rail for all


def test_of_a_broadcast_nothing_is_unfolded_and_each_line_says_how_the_answer_begins(judge: Any) -> None:
    html = team_html(crew("broadcast"))
    assert " open" not in html
    assert "It was North." in judge(html).text.split("done", 1)[0]


def test_who_was_not_asked_is_named_in_one_line(judge: Any) -> None:
    """Each had a line that told nothing; in a view of the whole team it tells how each one is."""
    team = crew("delegate")
    text = judge(team_html(team)).text
    assert "not asked: reviewer" in text
    assert "idle" not in text
    for form in (team_markdown, team_plain):
        assert "not asked: reviewer" in form(team)
        assert "idle" in form(crew("team"))
    assert "not asked" not in judge(team_html(crew("team"))).text


def test_of_one_who_was_asked_the_answer_is_unfolded_also_when_another_one_gave_it() -> None:
    html = team_html(crew("delegate"))
    assert html.count('<details class="alloy-fold" open') == 1
    assert html.index(" open") > html.index("It was North")  # the coder's, who answered in place of the researcher


@pytest.mark.parametrize(
    ("answer", "begins"),
    [
        ("```python\nx = 1\n```\nHere is **code**.", "Here is code."),
        ("```python\nx = 1\ny = 2", "x = 1 y = 2"),
        ("# Words\n\n```\nx\n```", "Words"),
    ],
)
def test_a_line_tells_how_an_answer_begins_that_begins_with_code(answer: str, begins: str, judge: Any) -> None:
    runs = [("a", told(answer)), ("b", told("Yes."))]
    rows = (Row("run", "a", 1, 2, "completed"), Row("run", "b", 1, 2, "completed"))
    html = team_html(TeamTold("crew", "broadcast", members_told(["a", "b"], runs, rows), rows))
    assert judge(html[: html.index("</summary>")]).text.split("a", 1)[1].strip().startswith(begins)


def test_the_static_form_has_no_times(judge: Any) -> None:
    early, late = crew(), crew()
    rows = tuple(
        Row(
            row.kind,
            row.agent,
            row.start_ms * 3,
            row.end_ms and row.end_ms * 7,
            row.status,
            row.tokens,
            row.cost,
            row.to,
        )
        for row in late.rows
    )
    late = TeamTold(late.name, late.kind, late.members, rows)
    for form in (team_html, team_markdown, team_plain):
        assert form(early, static=True) == form(late, static=True)
        assert form(early, static=False) != form(late, static=False)
    assert "took" not in judge(team_html(early, static=True)).text


def test_the_live_form_is_a_line_an_agent(judge: Any) -> None:
    html = team_live_html(crew(), "interrupt the kernel to stop it")
    seen = judge(html)
    assert seen.faults == []
    assert "interrupt the kernel" in seen.text
    assert "<details" not in html


def hostile(text: str) -> TeamTold:
    transcript, text = tell_everywhere(text).transcript, shown(text)  # as all that is told of a team
    rows = (
        Row("run", text, 1, 2, text, 5, None),
        Row("handoff", text, 3, to=text),
        Row(text, text, 4, status=text),
    )
    return TeamTold(text, text, (MemberTold(text, text, text, text, 5, None, (transcript,)), MemberTold(text)), rows)


def test_nothing_of_a_hostile_team_does_anything_but_be_read(vector: str, judge: Any) -> None:
    seen = judge(team_html(hostile(vector)))
    assert seen.faults == []
    assert seen.text.count("MARK") > 25
    live = judge(team_live_html(hostile(vector), "stop"))
    assert live.faults == []


def test_the_markdown_of_a_hostile_team_is_inert(vector: str) -> None:
    from markdown_it import MarkdownIt

    from .test_xss import live_parts

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True
    assert live_parts(parser.render(team_markdown(hostile(vector)))) == []


@pytest.mark.parametrize(("first", "second"), [("```\nopen", "```\n<img src=x onerror=a()>\n```"), ("$$ open", "<b>x")])
def test_what_one_agent_leaves_open_frees_nothing_in_the_next_one(first: str, second: str) -> None:
    from .test_xss import live_in_any

    members = (MemberTold("one", "done", runs=(told(first),)), MemberTold("two", "done", runs=(told(second),)))
    assert live_in_any(team_markdown(TeamTold("crew", "broadcast", members))) == []


def test_a_record_gives_the_same_team_again() -> None:
    team = crew()
    record = json.loads(json.dumps(to_team_record(team)))
    again = from_team_record(record)
    assert team_html(again) == team_html(team)
    assert team_markdown(again) == team_markdown(team)
    assert to_team_record(again) == record


@pytest.mark.thorough
def test_many_long_runs_share_the_room_of_one() -> None:
    """The newest are kept; what is shown grows with what was said, and not with every tool's output."""
    runs = []
    for number in range(60):
        tell = Telling()("turn_start", {"model": "m"})
        for call in range(20):
            tell.tool(f"{call}", output="x" * 20_000, rich=[{"image": PIXEL, "mime": "image/png"}])
        runs.append(tell("text_delta", f"answer {number}").end().transcript)
    members = tuple(MemberTold(f"a{place}", "done", runs=tuple(runs[place::10])) for place in range(10))
    bundle = team_bundle(TeamTold("crew", "team", members), record="full")
    assert size_of(bundle[RECORD_MIME]) <= 256_000
    assert "answer 59" in json.dumps(bundle[RECORD_MIME])
    assert len(bundle["text/html"]) < 3_000_000
    assert len(bundle["text/plain"]) < 12_000
    assert size_of(team_bundle(TeamTold("crew", "team", members), record="summary")[RECORD_MIME]) <= 20_000


@pytest.mark.parametrize(
    "record",
    [
        {"v": 1, "team": "t", "members": None},
        {"v": 1, "team": "t", "members": [1, {"name": 1, "state": "x", "runs": [{"v": 1}]}], "timeline": [{}, 3]},
        {
            "v": 1,
            "team": "t",
            "members": [],
            "timeline": [{"kind": "x", "start_ms": 1e300, "tokens": True, "cost": "1"}],
        },
    ],
)
def test_nothing_in_a_record_is_believed(record: Any, judge: Any) -> None:
    assert judge(team_html(from_team_record(record))).faults == []


def test_a_record_of_tomorrow_is_refused() -> None:
    with pytest.raises(ConfigError, match="newer"):
        from_team_record({"v": 99, "team": "t", "members": []})


# -- how a member stands -------------------------------------------------------------------------------------------


def test_how_a_member_stands_goes_by_its_newest_run() -> None:
    tell = Telling()
    assert state_of(tell.transcript) == "queued"
    tell("run_start", {"prompt": "Go.", "model": "m"})("thinking_delta", "hm")
    assert (state_of(tell.transcript), doing_of(tell.transcript)) == ("working", "thinking")
    tell("text_delta", "I ")
    assert doing_of(tell.transcript) == "writing"
    tell("tool_start", {"id": "1", "name": "bash", "input": {}})
    assert doing_of(tell.transcript) == "running bash"
    tell("approval_request", {"id": "1", "name": "bash", "input": {}})
    assert state_of(tell.transcript) == "asking"
    tell("approval_result", {"id": "1", "allowed": True})
    assert state_of(tell.transcript) == "working"
    for status, state in (
        ("completed", "done"),
        ("error", "failed"),
        ("cancelled", "stopped"),
        ("max_turns", "stopped"),
    ):
        assert state_of(told("x", status=status)) == state


def test_one_that_is_down_says_so_unless_it_works() -> None:
    working = Telling()("run_start", {"prompt": "Go.", "model": "m"}).transcript
    members = members_told(["a", "b"], [("a", working), ("b", told("x"))], (), ["a", "b"])
    assert [member.state for member in members] == ["working", "down"]
    assert [state_words(member) for member in members] == ["working", "down"]


def test_costs_add_up_or_are_unknown() -> None:
    known = Row("run", "a", 1, 2, "completed", 10, 0.5)
    assert summed([known, known, Row("handoff", "a")]) == (20, 1.0)
    assert summed([known, Row("run", "a", 1, 2, "completed", 10, None)]) == (20, None)
    assert summed([]) == (0, None)
    assert team_words(TeamTold("crew", rows=(known, known)), static=False) == [
        "crew",
        "0 agents",
        "20 tokens",
        "$1.00",
        "1 ms",
    ]
