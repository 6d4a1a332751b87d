"""A team in a terminal: columns while it works, a table at the end."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

import alloy_nb as alloy
from alloy_nb.events import Event
from alloy_nb.render.team_answers import answer_lines
from alloy_nb.render.team_terminal import Column, TeamColumns, member_of
from alloy_nb.sinks import resolve


def console(width: int = 100, height: int = 24, *, terminal: bool = True) -> Console:
    return Console(
        file=io.StringIO(), width=width, height=height, force_terminal=terminal, color_system=None, legacy_windows=False
    )


def shown(sink: TeamColumns, on: Console) -> str:
    with on.capture() as capture:
        on.print(sink.renderable())
    return capture.get()


def team_of(*names: str, text: str = "I am here.") -> alloy.Team:
    return alloy.Team({name: {"model": alloy.Scripted([text])} for name in names})


def test_each_member_has_a_column_with_its_newest_words() -> None:
    on = console()
    sink = TeamColumns(on)
    with team_of("coder", "critic", text="word " * 200 + "the end") as team:
        run = team.start_broadcast("x")
        run.wait(sink=sink)
    text = shown(sink, on)
    for name in ("✓ coder", "✓ critic", "completed · 15 tokens"):
        assert name in text
    assert text.count("the end") == 2


def test_what_there_is_no_room_for_is_a_line_a_member() -> None:
    on = console(width=60, height=12)
    sink = TeamColumns(on)
    names = [f"agent{n}" for n in range(20)]
    with team_of(*names) as team:
        run = team.start_broadcast("x")
        run.wait(sink=sink)
    lines = shown(sink, on).splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("✓ agent0")
    assert lines[0].rstrip().endswith("I am here.")


def test_at_the_end_stay_the_answers_and_a_table_and_nothing_of_the_columns() -> None:
    """Where the output is no terminal that is all there is."""
    on = console(terminal=False)
    with team_of("coder", "critic") as team:
        run = team.start_broadcast("x")
        run.wait(sink=TeamColumns(on))
    text = on.file.getvalue()  # type: ignore[attr-defined]
    assert "╭" not in text
    assert "\x1b" not in text
    assert text.splitlines()[:6] == ["✓ coder", "I am here.", "", "✓ critic", "I am here.", ""]
    assert [line.split()[:3] for line in text.splitlines()[7:]] == [
        ["✓", "coder", "completed"],
        ["✓", "critic", "completed"],
    ]


def said_by(*lines: Any, terminal: bool = True) -> str:
    """What stays on the screen of a broadcast to one member."""
    on = console(terminal=terminal)
    with alloy.Team({"coder": {"model": alloy.Scripted(lines)}}) as team:
        team.start_broadcast("x").wait(sink=TeamColumns(on))
    return on.file.getvalue().rpartition("\x1b[2K")[2]  # type: ignore[attr-defined, no-any-return]


def test_an_answer_stays_whole_and_set_as_markdown() -> None:
    """Of one that ends in code three backticks were left, and no answer was to be seen."""
    lines = said_by("# Fox\n\nIt *runs*:\n\n```python\nrun(1)\n```").splitlines()
    assert [line.rstrip() for line in lines[:6]] == ["✓ coder", "Fox", "", "It runs:", "", "  run(1)"]
    assert "```" not in "".join(lines)
    words = "word " * 200
    assert said_by(words, terminal=False).splitlines()[1].strip() == words.strip()


def test_a_long_answer_is_cut_and_says_where_the_rest_is() -> None:
    lines = said_by("\n".join(f"- item {n}" for n in range(60)), terminal=False).splitlines()
    assert lines[40:42] == [
        "- item 39",
        "… and 20 more lines: the whole is in the last of team['coder'].messages",
    ]


def test_what_went_wrong_stands_where_the_answer_would() -> None:
    lines = said_by(alloy.AuthError("no key", hint="sign in"), terminal=False).splitlines()
    assert lines[:2] == ["✗ coder", "no key (sign in)"]
    assert said_by("", terminal=False).splitlines()[1] == "(no words)"
    on = console(terminal=False)
    lines = list(answer_lines("a", alloy.Result(text="So far", status="cancelled", error=alloy.Cancelled("x")), on))
    assert list(map(str, lines)) == ["So far", "stopped"]


def test_the_columns_of_a_chain_leave_each_ones_answer() -> None:
    on = console(terminal=False)
    with team_of("coder", "critic") as team:
        team.start_handoff(["critic", "coder"], "x").wait(sink=TeamColumns(on))
    assert on.file.getvalue().splitlines()[:5] == [  # type: ignore[attr-defined]
        "✓ critic",
        "I am here.",
        "",
        "✓ coder",
        "I am here.",
    ]


def test_when_all_is_over_nobody_waits_for_a_turn() -> None:
    """Of one that could not begin there are no events, and of who was not asked nothing at all."""
    on = console(terminal=False)
    members = {"busy": {"model": alloy.Scripted(["x"])}, "free": {"model": alloy.Scripted(["x"])}}
    with alloy.Team(members) as team:
        team["busy"].close()
        team.start_broadcast("x").wait(sink=TeamColumns(on))
        team.start_handoff(["free", "free", "busy"], "x").wait(sink=TeamColumns(on), check=False)
    rows = [line.split()[:3] for line in on.file.getvalue().splitlines() if len(line.split()) > 2]  # type: ignore[attr-defined]
    assert ["✗", "busy", "error"] in rows
    assert ["○", "busy", "not"] in rows


def test_what_a_terminal_echoes_of_an_interrupt_breaks_no_line_of_the_columns() -> None:
    """`^C` behind a frame as wide as the screen took a line more, and one of the frame stayed on the screen."""
    on = console()
    sink = TeamColumns(on)
    with team_of("coder", "critic") as team:
        run = team.start_broadcast("x")
        sink.open(run)
        try:
            for _ in range(2):
                sink.feed(())
                assert on.file.getvalue().rstrip(" ").endswith("╯\n")  # type: ignore[attr-defined]
        finally:
            sink.close()
            run.result()


def test_nothing_that_is_said_steers_the_terminal_or_shows_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 14"""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-abcdefghijklmnopqrstuvwx0123456789")
    key = "sk-proj-abcdefghijklmnopqrstuvwx0123456789"
    on = console()
    sink = TeamColumns(on)
    with team_of("a", text=f"[bold]markup[/bold] \x1b[2J\x1b]0;title\x07 {key} end") as team:
        run = team.start_broadcast("x")
        run.wait(sink=sink)
    text = shown(sink, on)
    assert "[bold]markup[/bold]" in text
    assert "\x1b[2J" not in text
    assert "title\x07" not in text
    assert key not in text


def test_half_a_word_is_held_back() -> None:
    column = Column("a")
    column.feed(Event(1, "r", "run_start", {}, agent="team/a"))
    column.feed(Event(2, "r", "text_delta", "whole sk-pr", agent="team/a"))
    assert column.lines(3) == ["whole "]
    column.feed(Event(3, "r", "turn_start", {}, agent="team/a"))
    assert column.lines(3) == ["whole sk-pr"]


def test_calls_errors_and_what_happens_are_lines() -> None:
    column = Column("a")
    told: list[tuple[str, Any]] = [
        ("run_start", {}),
        ("tool_start", {"id": "1", "name": "read", "input": {"path": "x" * 99}}),
        ("tool_end", {"id": "1", "name": "read", "error": "gone"}),
        ("handoff", {"from": "a", "to": "b"}),
        ("usage", {"input_tokens": 5, "output_tokens": 5, "cost": 0.5}),
        ("run_end", {"status": "error", "error": "no key"}),
    ]
    for type, payload in told:
        column.feed(Event(1, "r", type, payload, agent="team/a"))
    assert column.lines(9)[0] == f"● read {'x' * 39}…"
    assert column.lines(9)[1:] == ["✗ read", "· handed from a to b", "✗ no key"]
    assert column.facts == "error · 10 tokens · $0.500"
    column.feed(Event(1, "r2", "text_delta", "of somebody within", agent="team/a/inner"))
    assert len(column.lines(9)) == 4


def test_a_hand_off_is_told_once_in_a_column() -> None:
    column = Column("a")
    column.feed(Event(1, "r", "tool_start", {"id": "1", "name": "transfer_to_b", "input": {}}, agent="team/a"))
    column.feed(Event(2, "r", "handoff", {"from": "a", "to": "b"}, agent="team/a"))
    column.feed(Event(3, "r", "tool_end", {"id": "1", "name": "transfer_to_b"}, agent="team/a"))
    assert [line.split() for line in column.lines(9)] == [["●", "transfer_to_b"], ["✓", "transfer_to_b"]]


def test_a_flood_costs_a_column_no_more_than_its_end() -> None:
    column = Column("a")
    for _ in range(5_000):
        column.feed(Event(1, "r", "text_delta", "some words and more of them ", agent="team/a"))
    assert sum(map(len, column.lines(1000))) <= 2_000


def test_events_are_told_apart_by_their_paths() -> None:
    assert member_of(Event(1, "", "crash", {}, agent="team")) == ""
    assert member_of(Event(1, "r", "text_delta", "x", agent="team/a")) == "a"


def test_plain_python_shows_nothing_unless_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with team_of("coder") as team:
        team.broadcast("x")
        assert capsys.readouterr().out == ""
        team["coder"].set_model(alloy.Scripted(["again"]))
        team.broadcast("x", display="text")
        assert "coder" in capsys.readouterr().out
        with pytest.raises(alloy.ConfigError, match="display is 'txet'"):
            team.broadcast("x", display="txet")
    monkeypatch.setenv("ALLOY_DISPLAY", "none")
    assert resolve("choose_team_sink")("text", team) is None


def test_the_columns_leave_the_terminal_to_a_question_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty boxes stood below it for as long as it waited, and lines of them stayed on the screen for good."""
    from alloy_nb import attendance

    on, seen = console(), []
    sink = TeamColumns(on)

    def answered(prompt: str) -> str:
        seen.append((prompt.splitlines()[0], sink._live is None))
        return "y"

    monkeypatch.setattr(attendance, "stdin_available", lambda: True)
    monkeypatch.setattr("builtins.input", answered)
    ask = {"tool_calls": [{"name": "careful", "input": {}}]}

    @alloy.tool(requires_approval=True)
    def careful() -> str:
        """Ask first."""
        return "done"

    members = {name: {"model": alloy.Scripted([ask, "Thanks."]), "tools": [careful]} for name in ("a", "b")}
    with alloy.Team(members, name="crew") as team:
        run = team.start_broadcast("x")
        results = run.wait(sink=sink)
    assert results.ok
    assert sorted(seen) == [(f"? crew/{name} · careful: this tool asks first", True) for name in ("a", "b")]
    assert "Thanks." in on.file.getvalue()  # type: ignore[attr-defined]


def test_facts_that_a_column_has_no_room_for_are_left_out_whole() -> None:
    """A footer said "cost unk"."""
    column = Column("a")
    for type, payload in [("run_start", {}), ("usage", {"input_tokens": 5, "output_tokens": 5}), ("run_end", {})]:
        column.feed(Event(1, "r", type, payload, agent="team/a"))
    assert column.facts_within(60) == "completed · 10 tokens · cost unknown"
    assert column.facts_within(30) == "completed · 10 tokens"
    assert column.facts_within(12) == "completed"


def test_columns_are_as_high_as_what_is_said_in_them() -> None:
    on = console()
    sink = TeamColumns(on)
    with team_of("coder", text="One line.") as team:
        team.start_broadcast("x").wait(sink=sink)
    assert len(shown(sink, on).rstrip().splitlines()) == 5
