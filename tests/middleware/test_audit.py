"""The record of what was done: whole, for one's own eyes, shared, chained, and honest about what it lost."""

from __future__ import annotations

import json
import logging
import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import OverloadedError
from alloy_nb.middleware import ledger
from alloy_nb.middleware.audit import kept
from alloy_nb.redaction import register_secret
from alloy_nb.testing import Function


@alloy.tool
def note(text: str) -> str:
    """Take note."""
    if text == "broken":
        raise alloy.ToolError("the pen is dry")
    return "noted"


@alloy.tool(requires_approval=True)
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def call(name: str, /, **given: Any) -> dict[str, Any]:
    return {"tool_calls": [{"id": f"c-{name}", "name": name, "input": given}]}


def run(audit: alloy.Audit, *answers: Any, **options: Any) -> alloy.Result:
    model = options.pop("model", None) or alloy.Scripted(list(answers))
    settings = {"tools": [note, pay], "check": False, "run_id": "r1", **options}
    return alloy.run("Say nothing of 4711", model=model, middleware=[audit], **settings)


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def told(path: Path, event: str) -> dict[str, Any]:
    (entry,) = (entry for entry in entries(path) if entry["event"] == event)
    return entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_a_run_and_its_calls_are_written_down(path: Path) -> None:
    """EVT-14: what was done, with which arguments, and what came of it, whoever listens."""
    result = run(alloy.Audit(path), call("note", text="hello"), "done", correlation_id="order-5")
    assert [entry["event"] for entry in entries(path)] == ["run_start", "tool_start", "tool_end", "run_end"]
    assert {entry["run_id"] for entry in entries(path)} == {"r1"}
    assert {entry["correlation_id"] for entry in entries(path)} == {"order-5"}
    assert all(entry["time"].endswith("+00:00") for entry in entries(path))
    assert told(path, "run_start")["model"] == "scripted:script"
    start, end = told(path, "tool_start"), told(path, "tool_end")
    assert (start["id"], start["name"], start["input"]) == ("c-note", "note", {"text": "hello"})
    assert start["decision"] is None
    assert (end["outcome"], end["error"]) == ("ok", None)
    assert end["duration_ms"] == pytest.approx(result.tool_calls[0].duration_ms, abs=0.001)
    last = told(path, "run_end")
    assert (last["status"], last["turns"], last["usage"], last["cost"]) == (
        "completed",
        2,
        result.usage.to_dict(),
        result.cost,
    )


def test_what_was_asked_and_answered_is_not_written(path: Path) -> None:
    run(alloy.Audit(path), call("note", text="x"), "the answer is 42")
    assert "4711" not in path.read_text()
    assert "the answer" not in path.read_text()


@pytest.mark.parametrize("allowed", [True, False])
def test_who_allowed_a_call_stands_with_it(path: Path, allowed: bool) -> None:
    run(alloy.Audit(path), call("pay", amount=5), "done", approval=lambda call, ctx: allowed)
    decision = told(path, "tool_start")["decision"]
    assert (decision["allowed"], decision["by"]) == (allowed, "function")
    assert told(path, "tool_end")["outcome"] == ("ok" if allowed else "refused")


def test_a_call_that_failed_says_so(path: Path) -> None:
    run(alloy.Audit(path), call("note", text="broken"), "done")
    end = told(path, "tool_end")
    assert (end["outcome"], end["error"]) == ("failed", "the pen is dry")


def test_a_change_of_the_model_and_an_error_are_written(path: Path) -> None:
    broken = Function(lambda request: [OverloadedError("busy")])
    other = alloy.Scripted([{"error": {"type": "OverloadedError", "message": "busy, too"}}])
    run(alloy.Audit(path), model=broken, fallback=[other], max_retries=0)
    assert told(path, "fallback")["reason"] == "busy"
    assert (told(path, "run_end")["status"], told(path, "run_end")["error_type"]) == ("error", "OverloadedError")


def test_an_inner_run_is_written_once_with_the_call_it_works_for(path: Path) -> None:
    audit = alloy.Audit(path)
    scout = alloy.Agent(name="scout", model=alloy.Scripted(["found"]), middleware=[audit]).as_tool("scout")
    run(audit, call("scout", prompt="look"), "done", tools=[scout])
    inner = [entry for entry in entries(path) if entry["agent"] == "scout"]
    assert [entry["event"] for entry in inner] == ["run_start", "run_end"]
    assert inner[0]["parent"] == {"run_id": "r1", "call_id": "c-scout"}


def test_no_secret_is_written(path: Path) -> None:
    """Law 14"""
    secret, key = "known-secret-of-the-audit-test", "sk-ant-api03-" + "x" * 40
    register_secret(secret)
    run(alloy.Audit(path), call("note", text=f"{secret} {key}"), call("note", text="y" * 1990 + secret), "done")
    assert secret[:10] not in path.read_text()
    assert key not in path.read_text()


def test_a_line_is_one_line_and_not_endless() -> None:
    long = kept({"text": "x" * 10_000, "list": list(range(1_000)), "esc": "\x1b[31m\n\u2028"})
    digest = sha256(b"x" * 10_000).hexdigest()
    assert long["text"] == "x" * 2_000 + f"… (10000 characters, sha256 {digest})"
    assert long["list"][199:] == [199, "… 800 more"]
    deep: Any = []
    deep.append(deep)
    assert len(json.dumps(kept(deep))) < 5_000
    assert kept({1: object}) == {"1": "<class 'object'>"}
    assert kept({str(n): n for n in range(300)})["…"] == "100 more"


def test_whatever_a_model_writes_stays_within_its_line(path: Path) -> None:
    forged = '\n{"event": "run_end"}\u2028\x1b['
    run(alloy.Audit(path), call("note", text=forged), "done")
    assert len(path.read_bytes().split(b"\n")) == 5
    assert told(path, "tool_start")["input"] == {"text": forged}


# The file


def test_a_new_file_is_for_its_owner_alone_and_one_that_is_there_keeps_its_mode(path: Path) -> None:
    before = os.umask(0)
    try:
        alloy.Audit(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    run(alloy.Audit(path), "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("where", [".", "missing/audit.jsonl", "file/audit.jsonl"])
def test_a_path_that_cannot_be_written_is_said_at_once(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(alloy.ConfigError, match="cannot write") as caught:
        alloy.Audit(tmp_path / where)
    assert caught.value.hint


def test_a_second_audit_goes_on_with_the_file(path: Path) -> None:
    for _ in range(2):
        run(alloy.Audit(path), "x")
    assert len(entries(path)) == 4


def test_a_file_that_was_moved_away_is_made_anew(path: Path) -> None:
    audit = alloy.Audit(path, chain=True)
    run(audit, "x")
    path.rename(path.with_suffix(".1"))
    run(audit, "x")
    assert [alloy.Audit.verify(one) for one in (path, path.with_suffix(".1"))] == [None, None]


WRITE = """
import sys, alloy_nb as alloy
audit = alloy.Audit(sys.argv[1], chain=sys.argv[2] == "chain")
for number in range(40):
    alloy.run("x", model=alloy.Scripted(["y"]), middleware=[audit], run_id=f"{sys.argv[3]}-{number}")
"""


@pytest.mark.parametrize("chain", ["chain", pytest.param("plain", marks=pytest.mark.thorough)])
def test_processes_may_share_a_file(path: Path, chain: str) -> None:
    arguments = [sys.executable, "-c", WRITE, str(path), chain]
    writers = [subprocess.Popen([*arguments, str(number)]) for number in range(3)]
    assert [writer.wait(100) for writer in writers] == [0, 0, 0]
    written = [(entry["run_id"], entry["event"]) for entry in entries(path)]
    assert len(written) == len(set(written)) == 3 * 40 * 2
    if chain == "chain":
        assert alloy.Audit.verify(path) is None


# The chain


def test_each_line_holds_the_hash_of_the_one_before(path: Path) -> None:
    run(alloy.Audit(path, chain=True), call("note", text="x" * 1_900), "done")
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["prev"] for line in lines] == [
        "0" * 64,
        *(sha256(line).hexdigest() for line in lines[:-1]),
    ]
    assert alloy.Audit.verify(path) is None


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        (lambda lines: [lines[0].replace(b"scripted", b"trusted."), *lines[1:]], 2),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
        (lambda lines: [*lines[:2], b"no JSON", *lines[2:]], 3),
        (lambda lines: [*lines, b"[]"], 5),
        (lambda lines: [*lines, lines[3]], 5),
    ],
)
def test_what_was_changed_is_found(path: Path, damage: Any, broken: int) -> None:
    run(alloy.Audit(path, chain=True), call("note", text="x"), "done")
    path.write_bytes(b"".join(line + b"\n" for line in damage(path.read_bytes().splitlines())))
    assert alloy.Audit.verify(path) == broken


def test_a_line_that_was_cut_is_found_and_the_chain_goes_on_after_it(path: Path) -> None:
    """A full disk, or a power cut, leaves half a line: the next one must not be glued to it."""
    audit = alloy.Audit(path, chain=True)
    run(audit, "x")
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert alloy.Audit.verify(path) == 2
    run(audit, "x")
    lines = path.read_bytes().splitlines()
    assert lines[1] == whole[:-5].splitlines()[1]
    assert [json.loads(line)["event"] for line in lines[2:]] == ["run_start", "run_end"]
    assert alloy.Audit.verify(path) == 2
    assert json.loads(lines[2])["prev"] == sha256(lines[1]).hexdigest()


def test_lines_longer_than_a_block_are_read_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = alloy.Audit(path, chain=True)
    many = {"id": "c", "name": "note", "input": {f"{'k' * 1000}{n}": "v" * 1000 for n in range(150)}}
    for seq, _ in enumerate(range(4), 1):
        audit.on_event(alloy.Event(seq, "r", "tool_start", many))
    assert len(path.read_bytes()) > 1_000_000
    assert alloy.Audit.verify(path) is None


def test_a_chain_does_not_begin_in_the_middle_of_a_file(path: Path) -> None:
    run(alloy.Audit(path), "x")
    with pytest.raises(alloy.ConfigError, match="not chained"):
        alloy.Audit(path, chain=True)
    assert alloy.Audit.verify(path) == 1


def test_what_cannot_be_verified_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(alloy.ConfigError, match="cannot read"):
        alloy.Audit.verify(tmp_path / "missing")


def test_what_is_no_file_cannot_be_chained() -> None:
    with pytest.raises(alloy.ConfigError, match="is no file"):
        alloy.Audit("/dev/null", chain=True)


def test_a_line_that_another_process_is_writing_is_not_taken_for_one_that_was_cut(path: Path) -> None:
    import fcntl

    audit = alloy.Audit(path)
    with path.open("ab", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(b'{"event": "begun"')
        second = threading.Thread(target=run, args=(audit, "x"))
        second.start()
        second.join(0.05)  # by now it waits, or has added the end that it missed
        other.write(b"}\n")
        fcntl.flock(other, fcntl.LOCK_UN)
        second.join()
    assert [entry["event"] for entry in entries(path)] == ["begun", "run_start", "run_end"]


def test_a_lock_that_is_never_let_go_is_a_failure_and_not_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import fcntl

    monkeypatch.setattr(ledger, "PATIENCE", 0.01)
    audit = alloy.Audit(path, chain=True)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert run(audit, "x").status == "completed"
    assert "keeps the file locked" in caplog.text
    run(audit, "y")
    assert [entry["event"] for entry in entries(path)] == ["lost", "run_start", "run_end"]
    assert alloy.Audit.verify(path) is None


# What cannot be written


@contextmanager
def full(path: Path, room: int = 0) -> Iterator[None]:
    """The file may not grow by more than `room` bytes: as on a full disk, a write is cut, and the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_logged_once_and_the_run_goes_on(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    audit = alloy.Audit(path)
    with caplog.at_level(logging.ERROR, "alloy_nb"), full(path):
        assert run(audit, call("note", text="x"), "done").status == "completed"
    assert [record.getMessage().startswith(f"the audit file {path} cannot be") for record in caplog.records] == [True]
    run(audit, "y")
    assert [entry["event"] for entry in entries(path)] == ["lost", "run_start", "run_end"]
    assert entries(path)[0]["lines"] == 4


def test_a_line_that_did_not_fit_is_half_a_line_and_no_more(path: Path) -> None:
    audit = alloy.Audit(path)
    with full(path, room=20):
        run(audit, "x")
    run(audit, "y")
    lines = path.read_bytes().splitlines()
    assert len(lines[0]) == 20
    assert [json.loads(line)["event"] for line in lines[1:]] == ["lost", "run_start", "run_end"]


def test_where_the_record_is_required_no_model_is_asked_without_it(path: Path) -> None:
    """MW-11: the run is halted, which is no error."""
    audit, model = alloy.Audit(path, required=True), alloy.Scripted(["x"])
    with full(path):
        result = run(audit, model=model)
    assert (result.status, model.requests) == ("halted", [])
    assert str(path) in str(result.error)
    assert run(audit, "again").status == "completed"
    assert [entry["event"] for entry in entries(path)] == ["lost", "run_start", "run_end"]


def test_where_the_record_is_required_no_tool_runs_without_it(path: Path) -> None:
    audit, ran = alloy.Audit(path, required=True), []

    @alloy.tool
    def act() -> str:
        """Act."""
        ran.append(1)
        return "done"

    class Fills(alloy.Middleware):
        """The disk is full from the first answer on; whoever writes next notices."""

        def after_completion(self, ctx: Any) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
            audit.on_event(alloy.Event(1, "other", "run_start", {"prompt": "", "model": "m", "provider": "p"}))

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        model = alloy.Scripted([call("act"), "done"])
        result = alloy.run("go", model=model, tools=[act], middleware=[Fills(), audit], check=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (result.status, ran) == ("halted", [])
    assert result.tool_calls[0].executed is False


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_may_take_the_lines(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        assert run(alloy.Audit("/dev/null"), "x").status == "completed"
        assert caplog.records == []
        assert run(alloy.Audit("/dev/full", required=True), "x").status == "halted"


def test_it_says_what_it_is(path: Path) -> None:
    assert repr(alloy.Audit(path)) == f"Audit('{path}', chain=False, required=False)"


def test_what_is_no_path_is_told_at_once() -> None:
    with pytest.raises(alloy.ConfigError, match="path is None"):
        alloy.Audit(None)  # type: ignore[arg-type]
