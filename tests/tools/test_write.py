"""The `write` tool, atomic replacement and diffs."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.errors import ToolError
from alloy_nb.messages import ToolResult
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.read import Read
from alloy_nb.tools.write import Write, unified_diff


def write(directory: Path | ToolContext, **input: Any) -> ToolResult:
    tool = Write()
    ctx = directory if isinstance(directory, ToolContext) else ToolContext(directory)
    return asyncio.run(tool.execute(tool.validate(input), ctx))


def test_a_file_is_made_with_its_folders(tmp_path: Path) -> None:
    """WR-1."""
    result = write(tmp_path, file_path="new/deep/a.txt", content="grüße\r\n")
    assert result.text == f"Successfully wrote to {tmp_path / 'new/deep/a.txt'}"
    assert (tmp_path / "new/deep/a.txt").read_bytes() == "grüße\r\n".encode()
    assert result.data == {"diff": "--- /dev/null\n+++ a.txt\n@@ -0,0 +1 @@\n+grüße\r"}


def test_a_file_is_replaced_and_the_diff_told(tmp_path: Path) -> None:
    """WR-1, WR-w1: the text to the model stays as it was, the diff goes to the caller."""
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    result = write(tmp_path, file_path="a.txt", content="one\nthree\n")
    assert (tmp_path / "a.txt").read_text() == "one\nthree\n"
    assert result.text == f"Successfully wrote to {tmp_path / 'a.txt'}"
    assert result.data == {"diff": "--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+three"}


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """WR-2."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match=f"^Cannot create directory: {re.escape(str(tmp_path / 'file'))}"):
        write(tmp_path, file_path="file/a.txt", content="x")


def test_a_folder_in_the_files_place_is_an_error(tmp_path: Path) -> None:
    """WR-2: write failure is an error, never a raise of something else."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ToolError, match=r"^Cannot write .*folder: it is no regular file"):
        write(tmp_path, file_path="folder", content="x")


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WR-w1: all or nothing."""
    (tmp_path / "a.txt").write_text("precious")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ToolError, match=r"(?m)^Cannot write .*: No space left on device$"):
        write(tmp_path, file_path="a.txt", content="x" * 1000)
    assert (tmp_path / "a.txt").read_text() == "precious"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_mode_is_kept(tmp_path: Path) -> None:
    """WR-w1."""
    (tmp_path / "run.sh").write_text("old")
    (tmp_path / "run.sh").chmod(0o750)
    write(tmp_path, file_path="run.sh", content="new")
    assert stat.S_IMODE((tmp_path / "run.sh").stat().st_mode) == 0o750


def test_a_new_file_has_the_mode_that_any_new_file_has(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").touch()
    write(tmp_path, file_path="a.txt", content="x")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


def test_what_a_link_leads_to_is_written(tmp_path: Path) -> None:
    """WR-w1: the link stays a link, also one that leads to nothing yet."""
    (tmp_path / "link").symlink_to("real/a.txt")
    write(tmp_path, file_path="link", content="one")
    write(tmp_path, file_path="link", content="two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/a.txt").read_text() == "two"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "a.txt").chmod(0o444)
    with pytest.raises(ToolError, match="Permission denied"):
        write(tmp_path, file_path="a.txt", content="new")


def test_a_read_only_file_stays_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(ToolError, match="Permission denied"):
        write(tmp_path, file_path="a.txt", content="new")
    assert (tmp_path / "a.txt").read_text() == "old"


def test_half_a_character_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="lone surrogate"):
        write(tmp_path, file_path="a.txt", content="\ud800")
    assert os.listdir(tmp_path) == []


def test_a_file_changed_since_it_was_read_is_not_overwritten(tmp_path: Path) -> None:
    """WR-w1: the stale-file check; reading it again clears the way, as does having written it oneself."""
    ctx = ToolContext(tmp_path)
    file = tmp_path / "a.txt"
    file.write_text("one")
    asyncio.run(Read().execute({"file_path": "a.txt"}, ctx))
    write(ctx, file_path="a.txt", content="mine")
    write(ctx, file_path="a.txt", content="mine again")
    file.write_text("somebody else's")
    with pytest.raises(ToolError, match="has changed since it was last read"):
        write(ctx, file_path="a.txt", content="mine")
    assert file.read_text() == "somebody else's"
    asyncio.run(Read().execute({"file_path": "a.txt"}, ctx))
    write(ctx, file_path="a.txt", content="mine")
    assert file.read_text() == "mine"


def test_replacing_a_binary_file_tells_no_diff(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    assert write(tmp_path, file_path="a.bin", content="text").data is None


def test_writing_always_asks_and_says_what(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    ctx = ToolContext(tmp_path)
    assert Write().approval_reason({"file_path": "a.txt"}, ctx) == "write wants to replace `a.txt`"
    assert Write().approval_reason({"file_path": "b.txt"}, ctx) == "write wants to create `b.txt`"
    outside = Write().approval_reason({"file_path": "../b.txt"}, ctx)
    assert outside == "write wants to create `../b.txt`, which is outside the working directory"


def test_writes_do_not_run_beside_each_other() -> None:
    assert Write.parallel is False


# -- the diff --------------------------------------------------------------------------------------


def lines_of(text: str) -> list[str]:
    return text.split("\n")[:-1] + ([text.rpartition("\n")[2] + "\\"] if not text.endswith("\n") and text else [])


def apply(before: str, diff: str) -> list[str]:
    """What `patch` does, with a mark on a last line without newline."""
    old, new = lines_of(before), []
    at = 0
    for line in re.sub(r"\n\\ No newline at end of file", r"\\", diff).split("\n")[2:]:
        if hunk := re.match(r"@@ -(\d+)(?:,(\d+))? ", line):
            start = int(hunk[1]) - (hunk[2] != "0")
            new += old[at:start]
            at = start
        elif line[0] == "+":
            new.append(line[1:])
        else:
            assert old[at] == line[1:]
            new += [line[1:]] * (line[0] == " ")
            at += 1
    return new + old[at:]


texts = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "@@ -1 +1 @@\n"]), max_size=40).map("".join)


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(texts, texts, st.booleans())
def test_a_diff_applied_is_the_change(before: str, after: str, cut: bool) -> None:
    after = after.removesuffix("\n") if cut else after
    diff = unified_diff(before, after, "x")
    if before == after:
        assert diff == ""
    else:
        assert apply(before, diff) == lines_of(after)


def test_a_change_deep_in_a_long_file_has_the_right_line_numbers() -> None:
    before = "".join(f"{n}\n" for n in range(100_000))
    diff = unified_diff(before, before.replace("\n90000\n", "\nnew\n"), "x")
    assert "@@ -89998,7 +89998,7 @@" in diff
    assert apply(before, diff)[90_000] == "new"


def test_a_diff_of_everything_is_told_in_one_line() -> None:
    """A pathological pair must not keep difflib busy for minutes."""
    diff = unified_diff("a\n" * 5000, "b\n" * 4000, "x")
    assert diff == "--- x\n+++ x\n... (5000 lines replaced by 4000)"
