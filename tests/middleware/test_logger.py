"""Runs as lines of a log."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import OverloadedError
from alloy_nb.providers.base import Done, TextDelta
from alloy_nb.redaction import register_secret
from alloy_nb.testing import Function, no_delays


@alloy.tool
def read_note(name: str) -> str:
    """Read a note."""
    if name == "broken":
        raise alloy.ToolError("no such note\nthe diary says: dear Ada")
    return "the diary says: dear Ada"


@alloy.tool(requires_approval=True)
def launch() -> str:
    """Launch."""
    return "launched"


def lines(caplog: pytest.LogCaptureFixture, *answers: Any, **options: Any) -> list[str]:
    settings = {"run_id": "r1", "check": False, "tools": [read_note, launch], **options}
    middleware = settings.pop("middleware", None) or [alloy.Logger()]
    model = settings.pop("model", None) or alloy.Scripted(list(answers))
    with caplog.at_level(logging.DEBUG, "alloy_nb.runs"):
        alloy.run("Tell nobody", model=model, middleware=middleware, **settings)
    return [f"{r.levelname} {r.getMessage()}" for r in caplog.records if r.name == "alloy_nb.runs"]


def call(name: str, /, **given: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "input": given}]}


def test_a_run_reads_like_a_report(caplog: pytest.LogCaptureFixture) -> None:
    """MW-12: a line a turn, a tool and the end, with the turn's number."""
    said = lines(caplog, call("read_note", name="diary"), "done")
    times = [line for line in said if " done in " in line]
    assert [line for line in said if line not in times] == [
        "INFO alloy: r1 started with scripted:script",
        "INFO alloy: turn 1: asking scripted:script",
        "INFO alloy: turn 1: 10 tokens in, 5 out",
        'INFO alloy: turn 1: read_note(name="diary")',
        "INFO alloy: turn 2: asking scripted:script",
        "INFO alloy: turn 2: 10 tokens in, 5 out",
        "INFO alloy: r1 completed after 2 turns, 20 tokens in, 10 out",
    ]
    assert len(times) == 1
    assert times[0].startswith("INFO alloy: turn 1: read_note done in ")


def test_no_message_is_written_unless_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """MW-12"""
    quiet = "\n".join(lines(caplog, call("read_note", name="diary"), "Nobody knows"))
    assert not {word for word in ("Tell nobody", "dear Ada", "Nobody knows") if word in quiet}
    caplog.clear()
    answers = (call("read_note", name="diary"), "Nobody knows")
    said = lines(caplog, *answers, middleware=[alloy.Logger(content=True)])
    assert 'INFO alloy: asked: "Tell nobody"' in said
    assert 'INFO alloy: turn 1: read_note gave: "the diary says: dear Ada"' in said
    assert 'INFO alloy: turn 2: assistant: "Nobody knows"' in said


def test_of_a_failed_call_the_first_line_is_written_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    said = lines(caplog, call("read_note", name="broken"), "done")
    (failed,) = (line for line in said if " failed after " in line)
    assert failed.startswith("WARNING alloy: turn 1: read_note failed after ")
    assert failed.endswith(" ms: no such note")
    assert "dear Ada" not in "\n".join(said)


def test_questions_and_their_answers_are_written(caplog: pytest.LogCaptureFixture) -> None:
    said = lines(caplog, call("launch"), "done", approval=lambda call, ctx: False)
    assert any(line.startswith("INFO alloy: turn 1: may launch run? ") for line in said)
    assert "WARNING alloy: turn 1: launch denied by function" in "\n".join(said)
    assert "WARNING alloy: turn 1: launch did not run: Denied: " in "\n".join(said)
    caplog.clear()
    said = lines(caplog, call("launch"), "done", approval=lambda call, ctx: True)
    assert "INFO alloy: turn 1: launch allowed by function" in said


def test_retries_and_fallbacks_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [[OverloadedError("busy")], [TextDelta("ok"), Done("end_turn")]]
    with no_delays():
        said = lines(caplog, model=Function(lambda request: answers.pop(0)))
    assert any(line.startswith("WARNING alloy: turn 1: trying again in ") and line.endswith(": busy") for line in said)
    caplog.clear()
    broken = Function(lambda request: [OverloadedError("busy")])
    said = lines(caplog, model=broken, fallback=[alloy.Scripted(["ok"])], max_retries=0)
    assert "WARNING alloy: turn 1: asking scripted:script instead of function:function: busy" in said


def test_a_failed_run_is_an_error_with_its_hint(caplog: pytest.LogCaptureFixture) -> None:
    said = lines(caplog, {"error": {"type": "AuthError", "message": "wrong key"}})
    assert said[-1].startswith("ERROR alloy: r1 failed after 0 turns, 0 tokens in, 0 out: AuthError: wrong key")


def test_a_halt_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    halter = alloy.Middleware()
    halter.before_completion = lambda ctx: alloy.Halt("enough")  # type: ignore[method-assign]
    said = lines(caplog, "x", middleware=[halter, alloy.Logger()])
    assert said[-1] == "WARNING alloy: r1 halted after 0 turns, 0 tokens in, 0 out"


def test_arguments_are_shortened_and_stay_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """What a model writes can pass neither for a line of the log nor for a sequence of the terminal's."""
    forged = "x\nERROR alloy: all is lost\x1b[31m"
    said = lines(caplog, call("read_note", name=forged), call("read_note", name="y" * 5000), "done")
    assert all("\n" not in line and "\x1b" not in line for line in said)
    assert max(map(len, said)) < 500
    assert not any(line.startswith("ERROR") for line in said)


def test_no_secret_is_written(caplog: pytest.LogCaptureFixture) -> None:
    """Law 14: also where shortening would cut it in two."""
    secret = "known-secret-of-this-very-test"
    register_secret(secret)
    key = "sk-ant-api03-" + "x" * 40
    answers = (call("read_note", name="z" * 50 + secret), call("read_note", name=key), f"It is {secret}")
    said = "\n".join(lines(caplog, *answers, middleware=[alloy.Logger(content=True)]))
    assert secret[:12] not in said
    assert key[:16] not in said
    assert "[redacted]" in said


def test_the_logger_and_the_level_are_the_callers(caplog: pytest.LogCaptureFixture) -> None:
    ours = logging.getLogger("theirs.runs")
    with caplog.at_level(logging.DEBUG, "theirs"):
        for given in (ours, "theirs.runs"):
            alloy.run("x", model=alloy.Scripted(["y"]), middleware=[alloy.Logger(given, "debug")])
    records = [record for record in caplog.records if record.name == "theirs.runs"]
    assert len(records) == 8
    assert {record.levelno for record in records} == {logging.DEBUG}


def test_an_unknown_level_is_said_at_once() -> None:
    with pytest.raises(alloy.ConfigError, match="level is 'INFOO'") as caught:
        alloy.Logger(level="INFOO")
    assert "INFO" in str(caught.value.hint)


def test_runs_beside_each_other_can_be_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    log = alloy.Logger()
    scout = alloy.Agent(name="scout", model=alloy.Scripted(["found"]), middleware=[log]).as_tool("scout")
    said = lines(caplog, call("scout", prompt="look"), "done", tools=[scout], middleware=[log], name="lead")
    assert "INFO alloy: lead/scout: turn 1: asking scripted:script" in said
    assert sum("started with" in line for line in said) == 2
    assert {record.alloy_agent for record in caplog.records} == {"lead", "lead/scout"}  # type: ignore[attr-defined]
    assert len({record.alloy_run_id for record in caplog.records}) == 2  # type: ignore[attr-defined]


def test_what_it_does_not_know_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """MW-12: unknown events are ignored."""
    with caplog.at_level(logging.DEBUG, "alloy_nb.runs"):
        alloy.Logger().on_event(alloy.Event(1, "r", "telepathy", {"x": 1}))
    assert caplog.records == []


def test_a_compaction_is_told(caplog: pytest.LogCaptureFixture) -> None:
    payload = {"before_tokens": 900, "after_tokens": 90, "messages": 4}
    with caplog.at_level(logging.DEBUG, "alloy_nb.runs"):
        alloy.Logger().on_event(alloy.Event(1, "r", "compaction", payload, turn=3))
    assert caplog.messages == ["alloy: turn 3: the conversation was shortened from 900 to 90 tokens"]


def test_it_says_what_it_is() -> None:
    assert repr(alloy.Logger("theirs", 10)) == "Logger('theirs', 'DEBUG', content=False)"
