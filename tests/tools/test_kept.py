"""Outputs kept whole, in private files, for as long as their state."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb import redaction
from alloy_nb.errors import ToolError
from alloy_nb.redaction import register_secret
from alloy_nb.tools import kept as module
from alloy_nb.tools.kept import LINE, KeptOutputs, kept_outputs
from alloy_nb.tools.results import MAX_TEXT


@pytest.fixture(autouse=True)
def _folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))


def folders() -> list[Path]:
    return sorted(Path(tempfile.gettempdir()).iterdir())


def text_of(outputs: KeptOutputs, handle: str) -> str:
    return outputs.path(handle).read_text("utf-8")


# -- files -----------------------------------------------------------------------------------------


def test_nothing_is_written_before_something_is_kept() -> None:
    outputs = KeptOutputs()
    assert outputs.handles() == []
    assert folders() == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_only_the_owner_can_read_it() -> None:
    outputs = KeptOutputs()
    path = outputs.path(outputs.keep("x").handle)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.thorough
def test_it_is_deleted_with_its_state() -> None:
    state: dict[str, Any] = {}
    kept_outputs(state).keep("x")
    assert kept_outputs(state).handles() == ["output:1"]
    (folder,) = folders()
    state.clear()
    gc.collect()
    assert not folder.exists()


def test_it_is_deleted_at_exit() -> None:
    script = (
        "from alloy_nb.tools.kept import KeptOutputs\n"
        "outputs = KeptOutputs()\n"
        "print(outputs.path(outputs.keep('x').handle).parent)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert Path(done.stdout.strip()).parent == Path(tempfile.gettempdir())
    assert folders() == []


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders on Windows")
def test_what_a_killed_process_left_is_deleted_and_what_a_living_one_has_is_not() -> None:
    """Outputs may be confidential, and a kernel is often killed."""
    script = (
        "import sys\n"
        "from alloy_nb.tools.kept import KeptOutputs\n"
        "outputs = KeptOutputs()\n"
        "print(outputs.path(outputs.keep('x').handle), flush=True)\n"
        "sys.stdin.read()\n"
    )
    start = lambda: subprocess.Popen(  # noqa: E731
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with start() as killed, start() as living:
        assert killed.stdout is not None
        assert living.stdout is not None
        paths = [Path(process.stdout.readline().strip()) for process in (killed, living)]  # type: ignore[union-attr]
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert all(path.exists() for path in paths)
        outputs = KeptOutputs()
        outputs.keep("y")
        assert [path.exists() for path in paths] == [False, True]
        living.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reads_its_parents_outputs_and_deletes_none() -> None:
    outputs = KeptOutputs()
    outputs.keep("of the parent")
    context: Any = multiprocessing.get_context("fork")
    heard = context.SimpleQueue()

    def work() -> None:
        handle = outputs.keep("of the child").handle
        heard.put([text_of(outputs, "output:1"), text_of(outputs, handle), str(outputs.path(handle).parent)])
        outputs._kept.clear()

    child = context.Process(target=work)
    child.start()
    parents, own, folder = heard.get()
    child.join()
    assert (parents, own) == ("of the parent", "of the child")
    assert Path(folder) != outputs.path("output:1").parent
    assert text_of(outputs, "output:1") == "of the parent"
    assert outputs.handles() == ["output:1"]


@pytest.mark.thorough
def test_a_copied_state_reads_what_was_kept_and_keeps_its_own() -> None:
    state: dict[str, Any] = {}
    kept_outputs(state).keep("x")
    copied = kept_outputs(copy.deepcopy(state))
    kept_outputs(state).keep("of the first")
    copied.keep("of the copy")
    assert text_of(kept_outputs(state), "output:2") == "of the first"
    assert text_of(copied, "output:2") == "of the copy"
    state.clear()
    gc.collect()
    assert text_of(copied, "output:1") == "x"
    del copied
    gc.collect()
    assert folders() == []


def test_a_pickled_state_has_none() -> None:
    state: dict[str, Any] = {}
    kept_outputs(state).keep("x")
    assert kept_outputs(pickle.loads(pickle.dumps(state))).handles() == []


@pytest.mark.thorough
def test_a_forked_agent_reads_on_in_what_its_origin_was_told() -> None:
    lines: list[Any] = [{"tool_calls": [{"name": "long_now", "input": {}}]}, {"text": "done"}]
    agent = alloy.Agent(model=alloy.Scripted(lines), tools=[long_now, "read"])
    agent.chat("x")
    forked = agent.fork()
    read = {"name": "read", "input": {"file_path": "output:1", "offset": 10_000, "limit": 1}}
    forked.set_model(alloy.Scripted([{"tool_calls": [read]}, {"text": "done"}]))
    (part,) = [part for message in forked.chat("y").messages for part in message.tool_results][-1:]
    assert part.text.startswith(" 10000\tline 9999\n")
    assert len(folders()) == 1
    agent.reset()
    forked.reset()
    end = time.monotonic() + 30
    while folders():  # the thread of the last call may not be through with it
        gc.collect()
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_full_disk_is_no_error_and_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    outputs = KeptOutputs()
    kept = outputs.keep("x")
    assert kept.notice("") == ""
    with pytest.raises(ToolError, match=r"(?m)^output:1 is not kept: No such file or directory$"):
        outputs.path("output:1")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_meanwhile_is_no_error() -> None:
    outputs = KeptOutputs()
    kept = outputs.begin()
    path = kept.path
    assert path is not None
    assert kept._file is not None
    kept._file.close()
    kept._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    kept.write("x")
    kept.close()
    assert kept.problem == "No space left on device"
    assert not path.exists()


# -- what is in them -------------------------------------------------------------------------------


def test_long_lines_are_folded_so_that_all_of_them_can_be_read() -> None:
    """`read` shows the beginning of a line only, and the JSON of a tool is one line."""
    outputs = KeptOutputs()
    text = "a" * (2 * LINE + 1) + "\n" + "b" * LINE + "\nc"
    lines = text_of(outputs, outputs.keep(text).handle).split("\n")
    assert lines == ["a" * LINE, "a" * LINE, "a", "b" * LINE, "c"]


@given(st.lists(st.text("ab\n", max_size=9)), st.integers(0, 60))
def test_folding_in_pieces_is_folding_the_whole(pieces: list[str], shown: int) -> None:
    whole = "".join(pieces)
    before, module.LINE = module.LINE, 4
    try:
        folded, column = [], 0
        for piece in pieces:
            text, column = module._fold(piece, column)
            folded.append(text)
        assert "".join(folded) == module._fold(whole, 0)[0]
        lines = "".join(folded).split("\n")
        assert all(len(line) <= 4 for line in lines)
        assert column == len(lines[-1])
        assert "".join(lines) == whole.replace("\n", "")
        # What follows the part that was shown begins on the line that the notice names, or right after it.
        line = module._fold(whole[:shown], 0)[0].count("\n")
        assert "".join(lines[:line]) == whole[:shown].replace("\n", "")[: len("".join(lines[:line]))]
    finally:
        module.LINE = before


def test_a_secret_is_taken_out_also_between_two_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", ())
    register_secret("canary-value-4711")
    register_secret("canary-value-4711-and-more")
    outputs = KeptOutputs()
    kept = outputs.begin()
    for character in "a canary-value-4711 b canary-value-4711-and-more c canary-value-47":
        kept.write(character)
    kept.close()
    assert text_of(outputs, kept.handle) == "a [redacted] b [redacted] c canary-value-47"


def test_one_output_is_kept_up_to_a_limit_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 1_000_000)
    outputs = KeptOutputs()
    kept = outputs.keep("0123456\n" * 1_000_000)
    text = text_of(outputs, kept.handle)
    assert text == "0123456\n" * 125_000 + "\n... (only the first 1 MB of this output are kept)\n"
    assert kept.notice("0123456\n" * 3) == '; the first 1 MB are kept: read it with file_path="output:1", offset=4'


def test_the_oldest_make_room_and_their_handles_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ALL", 2_000_000)
    outputs = KeptOutputs()
    paths = [outputs.path(outputs.keep("x\n" * 400_000).handle) for _ in range(3)]
    assert [path.exists() for path in paths] == [False, True, True]
    assert outputs.handles() == ["output:2", "output:3"]
    with pytest.raises(ToolError, match=r"^output:1 is not kept: newer outputs took its place, of which 2 MB are"):
        outputs.path("output:1")


def test_what_is_still_written_is_not_dropped_for_what_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ALL", 1_000_000)
    outputs = KeptOutputs()
    first, second = outputs.begin(), outputs.begin()
    first.write("x\n" * 400_000)
    second.write("x\n" * 400_000)
    assert outputs.handles() == ["output:1"]
    assert second.problem == "more than 1 MB were written at once"
    first.write("end")
    first.close()
    second.close()
    assert text_of(outputs, "output:1").endswith("x\nend")


# -- in a run --------------------------------------------------------------------------------------


def long_text() -> str:
    """The text of a tool that says too much."""
    return "".join(f"line {n}\n" for n in range(30_000))


@alloy.tool
def long_now() -> str:
    """Say too much."""
    return long_text()


@alloy.tool
async def long_later() -> str:
    """Say too much."""
    return long_text()


@alloy.tool
def long_error() -> str:
    """Say too much."""
    raise alloy.ToolError(long_text())


@pytest.mark.thorough
@pytest.mark.parametrize("tool", [long_now, long_later, long_error], ids=lambda tool: tool.name)
def test_a_model_reads_on_where_a_result_was_cut(tool: Any, tmp_path: Path) -> None:
    read = {"name": "read", "input": {"file_path": "output:1", "offset": 10_000}}
    lines = [{"tool_calls": [{"name": tool.name, "input": {}}]}, {"tool_calls": [read]}, {"text": "done"}]
    result = alloy.run("x", model=alloy.Scripted(lines), tools=[tool, "read"], working_directory=tmp_path)
    cut, rest = [part.text for message in result.messages for part in message.tool_results]
    shown, _, notice = cut.rpartition("\n")
    assert (len(shown), long_text().startswith(shown)) == (MAX_TEXT, True)
    line = shown.count("\n") + 1
    left_out = len(long_text()) - MAX_TEXT
    assert notice == (
        f'... ({left_out:,} more characters; the whole is kept: read it with file_path="output:1", offset={line})'
    )
    assert rest.startswith(" 10000\tline 9999\n")
    assert list(tmp_path.iterdir()) == [tmp_path / "temporary"]
    gc.collect()
    assert not list((tmp_path / "temporary").glob("*/*"))


def test_without_a_tool_that_reads_it_nothing_is_kept() -> None:
    lines = [{"tool_calls": [{"name": "long_now", "input": {}}]}, {"text": "done"}]
    result = alloy.run("x", model=alloy.Scripted(lines), tools=[long_now])
    (part,) = result.messages[2].tool_results
    assert part.text.endswith(f"\n... ({len(long_text()) - MAX_TEXT:,} more characters left out)")
    assert folders() == []


def test_a_cut_leaves_no_half_of_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would no longer be recognised."""
    monkeypatch.setenv("CANARY_API_KEY", "canary-value-4711")

    @alloy.tool
    def leak() -> str:
        """Leak."""
        return "x" * (MAX_TEXT - 6) + "canary-value-4711" + "y" * 100

    lines = [{"tool_calls": [{"name": "leak", "input": {}}]}, {"text": "done"}]
    result = alloy.run("x", model=alloy.Scripted(lines), tools=[leak])
    assert "canary" not in result.messages[2].tool_results[0].text
