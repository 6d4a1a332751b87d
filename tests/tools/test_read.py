"""The `read` tool."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.errors import ToolError
from alloy_nb.tools import read as module
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.kept import KeptOutputs
from alloy_nb.tools.read import Read
from alloy_nb.tools.results import MAX_TEXT, to_result


def read(directory: Path, **input: Any) -> str:
    tool = Read()
    return asyncio.run(tool.execute(tool.validate(input), ToolContext(directory)))


def numbered(lines: list[str], start: int = 1, width: int = 6) -> str:
    return "".join(f"{number:>{width}}\t{line}\n" for number, line in enumerate(lines, start))


def test_lines_are_numbered_as_cat_does(tmp_path: Path) -> None:
    """RD-2: right-aligned number of width 6, tab, line, newline."""
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    assert read(tmp_path, file_path="a.txt") == "     1\tone\n     2\ttwo\n"


def test_the_number_column_grows_with_the_last_number(tmp_path: Path) -> None:
    """RD-2: width is max(6, digits of the last number)."""
    (tmp_path / "a.txt").write_text("x\n" * 1_000_001)
    assert read(tmp_path, file_path="a.txt", offset=999_999) == numbered(["x"] * 3, 999_999, 7)


@pytest.mark.parametrize("end", ["", "\n"])
def test_no_phantom_last_line(tmp_path: Path, end: str) -> None:
    """RD-3: with or without a newline at its end, a file has the same lines."""
    (tmp_path / "a.txt").write_text("one\ntwo" + end)
    assert read(tmp_path, file_path="a.txt") == numbered(["one", "two"])


def test_offset_and_limit_choose_a_window(tmp_path: Path) -> None:
    """RD-1: offset counts from 1."""
    (tmp_path / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 11)))
    text = read(tmp_path, file_path="a.txt", offset=3, limit=2)
    assert text == numbered(["line 3", "line 4"], 3) + "... (6 more lines; use offset=5 to read on)"


def test_two_thousand_lines_by_default_and_a_notice_of_the_rest(tmp_path: Path) -> None:
    """RD-1, RD-w1: the default limit, and the notice the original lacks."""
    (tmp_path / "a.txt").write_text("".join(f"{n}\n" for n in range(1, 2102)))
    lines = read(tmp_path, file_path="a.txt").split("\n")
    assert lines[1999] == "  2000\t2000"
    assert lines[2000:] == ["... (101 more lines; use offset=2001 to read on)"]


def test_no_notice_when_the_window_ends_with_the_file(tmp_path: Path) -> None:
    """RD-w1: the notice comes only when there are more lines."""
    (tmp_path / "a.txt").write_text("x\n" * 2000)
    assert "more lines" not in read(tmp_path, file_path="a.txt")


def test_missing_files_and_folders_give_the_same_error(tmp_path: Path) -> None:
    """RD-4."""
    (tmp_path / "folder").mkdir()
    for name in ("missing.txt", "folder", "folder/nothing/x"):
        with pytest.raises(ToolError) as caught:
            read(tmp_path, file_path=name)
        assert str(caught.value) == f"File does not exist or is not a readable file: {tmp_path / name}"


def test_a_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ToolError, match="not a readable file"):
        read(tmp_path, file_path="pipe")


def test_empty_file_and_offset_past_the_end_give_nothing(tmp_path: Path) -> None:
    """RD-4."""
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "a.txt").write_text("one\n")
    assert read(tmp_path, file_path="empty.txt") == ""
    assert read(tmp_path, file_path="a.txt", offset=2) == ""
    assert read(tmp_path, file_path="a.txt", offset=10**12) == ""


@pytest.mark.parametrize(("key", "value"), [("offset", 0), ("offset", -1), ("limit", 0), ("limit", -5)])
def test_offset_and_limit_below_one_are_errors(tmp_path: Path, key: str, value: int) -> None:
    """RD-w2: the original drops the last line, or gives the tail."""
    (tmp_path / "a.txt").write_text("one\n")
    with pytest.raises(ToolError, match=f"{key} must be a whole number, 1 or more"):
        read(tmp_path, file_path="a.txt", **{key: value})


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    """RD-w1: one huge line does not flood the conversation; the next line is still itself."""
    (tmp_path / "a.txt").write_text("x" * 300_000 + "\nnext\n")
    first, second, end = read(tmp_path, file_path="a.txt").split("\n")
    assert first == "     1\t" + "x" * 2000 + "... (298000 more characters in this line)"
    assert (second, end) == ("     2\tnext", "")


@pytest.mark.parametrize("newline", ["\n", "\r\n", ""])
@pytest.mark.parametrize("length", [1999, 2000, 2001, 2002])
def test_lines_about_as_long_as_the_cap(tmp_path: Path, length: int, newline: str) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * length + newline.encode())
    more = f"... ({length - 2000} more characters in this line)" if length > 2000 else ""
    assert read(tmp_path, file_path="a.txt") == f"     1\t{'x' * min(length, 2000)}{more}\n"


def test_many_long_lines_stop_below_the_cap_on_results(tmp_path: Path) -> None:
    """RD-w1: the notice says where to read on, and nothing is skipped between two reads."""
    (tmp_path / "a.txt").write_text(("y" * 500 + "\n") * 1000)
    text = read(tmp_path, file_path="a.txt")
    assert len(text) <= MAX_TEXT
    assert to_result(text).text == text
    shown = text.count("\t")
    assert text.endswith(f"... ({1000 - shown} more lines; use offset={shown + 1} to read on)")


def test_binary_files_are_refused_and_named(tmp_path: Path) -> None:
    """RD-w1."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    with pytest.raises(ToolError, match=r"it is a binary file \(image/png, 10 bytes\)"):
        read(tmp_path, file_path="a.png")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_tell_the_encoding(tmp_path: Path, encoding: str) -> None:
    """RD-w1."""
    (tmp_path / "a.txt").write_bytes("größe\n日本\n".encode(encoding))
    assert read(tmp_path, file_path="a.txt") == numbered(["größe", "日本"])


def test_what_is_no_utf8_is_shown_as_latin1_and_noted(tmp_path: Path) -> None:
    """RD-w1."""
    (tmp_path / "a.txt").write_bytes("größe\n".encode("latin-1"))
    assert read(tmp_path, file_path="a.txt") == numbered(["größe"]) + "(this file is not valid UTF-8: shown as latin-1)"


def test_windows_line_ends_are_not_shown(tmp_path: Path) -> None:
    """RD-w1: the original keeps the CR."""
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\r\n")
    assert read(tmp_path, file_path="a.txt") == numbered(["one", "two"])


def test_only_newlines_end_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\u2028b\x0cc\x85d\n", encoding="utf-8")
    assert read(tmp_path, file_path="a.txt") == numbered(["a\u2028b\x0cc\x85d"])


def test_only_the_window_is_kept_in_memory(tmp_path: Path) -> None:
    """RD-3: 64 MB are read for a window of one line, in a small part of that."""
    import tracemalloc

    with (tmp_path / "big.txt").open("wb") as file:
        for _ in range(64):
            file.write(b"z" * 999 + b"\n" + b"z" * ((1 << 20) - 1000))
    tracemalloc.start()
    text = read(tmp_path, file_path="big.txt", offset=2, limit=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert text.endswith("(63 more lines; use offset=3 to read on)")
    assert peak < 8 << 20


def test_counting_the_rest_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COUNTED", 1 << 16)
    (tmp_path / "a.txt").write_text("x\n" * 100_000)
    assert "... (more than 32768 more lines; use offset=2 to read on)" in read(tmp_path, file_path="a.txt", limit=1)


lines_of_text = st.lists(
    st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs", "Cc"]), max_size=20)
)


@settings(deadline=None, max_examples=60)
@given(lines_of_text, st.integers(1, 8), st.booleans())
def test_windows_one_after_another_are_the_file(lines: list[str], limit: int, last_newline: bool) -> None:
    """RD-1 to RD-3 as a law: reading on at the offset of the notice skips nothing and repeats nothing."""
    content = "\n".join(lines) + "\n" * (last_newline and bool(lines))
    expected = content.split("\n")[: -1 if content.endswith("\n") or not content else None]
    seen: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.txt").write_text(content, encoding="utf-8")
        while True:
            text = read(Path(folder), file_path="a.txt", offset=len(seen) + 1, limit=limit)
            body, _, notice = text.rpartition("\n")
            seen += [line.partition("\t")[2] for line in body.split("\n")] if body else []
            if not notice:
                break
            assert notice.endswith(f"use offset={len(seen) + 1} to read on)")
    assert seen == expected


def test_reading_inside_the_working_directory_asks_nobody(tmp_path: Path) -> None:
    assert Read().approval_reason({"file_path": "a.txt"}, ToolContext(tmp_path)) is None
    assert Read().approval_reason({"file_path": str(tmp_path / "x/../a.txt")}, ToolContext(tmp_path)) is None


def test_reading_outside_and_of_secrets_asks(tmp_path: Path) -> None:
    ctx = ToolContext(tmp_path)
    outside = Read().approval_reason({"file_path": "../a.txt"}, ctx)
    assert outside == "read wants to open `../a.txt`, which is outside the working directory"
    assert Read().approval_reason({"file_path": ".env"}, ctx) == "read wants to open `.env`, which may hold secrets"


def test_candidates_are_files_that_can_be_read(tmp_path: Path) -> None:
    assert Read().candidates(ToolContext(tmp_path)) == {}
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / ".env").write_text("x")
    assert Read().candidates(ToolContext(tmp_path)) == {"file_path": ["a.txt"]}


# -- files that are no ordinary ones ---------------------------------------------------------------


def traced_read(directory: Path, **input: Any) -> tuple[str, int]:
    """What was read, and the bytes of memory that it took at most."""
    import tracemalloc

    tracemalloc.start()
    try:
        return read(directory, **input), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_hole_of_a_gigabyte_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without end is counted up to a limit, as lines are."""
    monkeypatch.setattr(module, "MAX_COUNTED", 1 << 22)
    with (tmp_path / "sparse.txt").open("wb") as file:
        file.write(b"line\n" * 3000)
        file.truncate(1 << 30)
    text, peak = traced_read(tmp_path, file_path="sparse.txt", offset=3000)
    first, second, end = text.split("\n")
    assert first == "  3000\tline"
    assert second == "  3001\t" + "\0" * 2000 + f"... (more than {(1 << 22) + 2} more characters in this line)"
    assert end == ""
    assert peak < 8 << 20


def test_a_hole_from_the_beginning_is_binary(tmp_path: Path) -> None:
    with (tmp_path / "sparse.txt").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ToolError, match=f"binary file .*{1 << 30} bytes"):
        read(tmp_path, file_path="sparse.txt")


def test_stepping_over_lines_stops_when_the_call_is_given_up(tmp_path: Path) -> None:
    """A thread cannot be killed: it looks."""
    with (tmp_path / "sparse.txt").open("wb") as file:
        file.write(b"line\n" * 3000)
        file.truncate(1 << 40)
    ctx = ToolContext(tmp_path)
    ctx.cancelled.set()
    with pytest.raises(ToolError, match="given up"):
        asyncio.run(Read().execute({"file_path": "sparse.txt", "offset": 3002}, ctx))


def test_a_file_that_grows_faster_than_it_is_read_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at it finds more."""
    import io

    class Growing(io.RawIOBase):
        def __init__(self) -> None:
            self.place = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, place: int, whence: int = 0) -> int:
            self.place = place
            return place

        def readinto(self, buffer: Any) -> int:
            self.place += len(buffer)
            buffer[:] = (b"grown\n" * len(buffer))[: len(buffer)]
            return len(buffer)

    monkeypatch.setattr(module, "MAX_COUNTED", 1 << 20)
    text = module._read_open(io.BufferedReader(Growing()), tmp_path / "log", 1, 2, ToolContext(tmp_path).cancelled)
    assert text.startswith("     1\tgrown\n     2\t")
    assert "... (more than " in text


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev")
def test_devices_are_refused(tmp_path: Path) -> None:
    for name in ("/dev/zero", "/dev/null", "/dev/tty"):
        allowed = Read().approval_reason({"file_path": name}, ToolContext(tmp_path))
        with pytest.raises(ToolError, match="not a readable file"):
            asyncio.run(Read().execute({"file_path": name}, ToolContext(tmp_path, allowed=allowed)))


def test_a_path_with_a_nul_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="is no path of a file"):
        read(tmp_path, file_path="a\0b")


# -- what was kept of long outputs -----------------------------------------------------------------


def with_outputs(directory: Path) -> ToolContext:
    return ToolContext(directory, outputs=KeptOutputs())


def read_in(ctx: ToolContext, **input: Any) -> str:
    tool = Read()
    return asyncio.run(tool.execute(tool.validate(input), ctx))


def test_a_kept_output_is_read_by_its_handle(tmp_path: Path) -> None:
    ctx = with_outputs(tmp_path)
    assert ctx.outputs is not None
    ctx.outputs.keep("".join(f"line {n}\n" for n in range(1, 11)))
    text = read_in(ctx, file_path="output:1", offset=3, limit=2)
    assert text == numbered(["line 3", "line 4"], 3) + "... (6 more lines; use offset=5 to read on)"
    assert Read().approval_reason({"file_path": "output:1"}, ctx) is None


def test_a_kept_output_is_text_whatever_it_begins_with(tmp_path: Path) -> None:
    ctx = with_outputs(tmp_path)
    assert ctx.outputs is not None
    ctx.outputs.keep("\0\1\ufeff\ufffd\n")
    assert read_in(ctx, file_path="output:1") == numbered(["\0\1\ufeff\ufffd"])


def test_a_handle_of_nothing_names_what_there_is(tmp_path: Path) -> None:
    ctx = with_outputs(tmp_path)
    with pytest.raises(ToolError, match=r"(?m)^There is no output:1. What is kept: nothing so far$"):
        read_in(ctx, file_path="output:1")
    assert ctx.outputs is not None
    ctx.outputs.keep("x")
    with pytest.raises(ToolError, match=r"(?m)^There is no output:7. What is kept: output:1$"):
        read_in(ctx, file_path="output:7")


def test_a_file_may_be_called_like_a_handle(tmp_path: Path) -> None:
    (tmp_path / "output:1").write_text("mine\n")
    assert read(tmp_path, file_path="output:1") == numbered(["mine"])
    assert read_in(with_outputs(tmp_path), file_path="./output:1") == numbered(["mine"])


def test_kept_outputs_are_candidates_too(tmp_path: Path) -> None:
    ctx = with_outputs(tmp_path)
    assert ctx.outputs is not None
    ctx.outputs.keep("x")
    assert Read().candidates(ctx) == {"file_path": ["output:1"]}
