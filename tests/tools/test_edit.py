"""The `edit` tool."""

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
from alloy_nb.messages import ToolResult
from alloy_nb.tools import edit as module
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.edit import Edit
from alloy_nb.tools.read import Read
from alloy_nb.tools.write import Write


def edit(directory: Path | ToolContext, old: str, new: str, **input: Any) -> ToolResult:
    tool = Edit()
    ctx = directory if isinstance(directory, ToolContext) else ToolContext(directory)
    given = {"file_path": "a.txt", "old_string": old, "new_string": new, **input}
    return asyncio.run(tool.execute(tool.validate(given), ctx))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\ntwo\nthree\n")
    return path


def test_a_unique_text_is_replaced_and_the_diff_told(file: Path) -> None:
    """ED-1, ED-3, ED-w1."""
    result = edit(file.parent, "three", "3")
    assert file.read_text() == "one\ntwo\ntwo\n3\n"
    assert result.text == f"Successfully edited {file}"
    assert result.data["diff"].endswith(" two\n two\n-three\n+3")


def test_matches_are_literal(file: Path) -> None:
    """ED-1: neither the old text nor the new one is a pattern."""
    file.write_text("a.c abc")
    edit(file.parent, "a.c", r"\1\g<0>")
    assert file.read_text() == r"\1\g<0> abc"


def test_no_match_is_an_error(file: Path) -> None:
    """ED-2."""
    with pytest.raises(ToolError, match=r"^No match found for the provided old_string in the file\."):
        edit(file.parent, "four", "4")


def test_the_error_names_the_likely_mistake(file: Path) -> None:
    with pytest.raises(ToolError, match="Leave out the line numbers"):
        edit(file.parent, "     1\tone\n     2\ttwo", "x")
    with pytest.raises(ToolError, match="when whitespace is ignored"):
        edit(file.parent, "one\n  two", "x")


def test_several_matches_are_an_error_unless_all_are_meant(file: Path) -> None:
    """ED-2."""
    with pytest.raises(ToolError, match=r"^old_string appears 2 times \(ambiguous\)\. Use replace_all: true"):
        edit(file.parent, "two", "2")
    assert file.read_text() == "one\ntwo\ntwo\nthree\n"
    edit(file.parent, "two", "2", replace_all=True)
    assert file.read_text() == "one\n2\n2\nthree\n"


def test_a_missing_file_is_an_error_with_its_reason(tmp_path: Path) -> None:
    """ED-2."""
    with pytest.raises(ToolError) as caught:
        edit(tmp_path, "a", "b")
    assert str(caught.value) == f"Cannot read {tmp_path / 'a.txt'}: No such file or directory"


def test_folders_and_pipes_cannot_be_read(tmp_path: Path) -> None:
    """ED-2; a pipe must not hang."""
    with pytest.raises(ToolError, match=r"^Cannot read .*: Is a directory"):
        edit(tmp_path, "a", "b", file_path=".")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ToolError, match="no regular file"):
        edit(tmp_path, "a", "b", file_path="pipe")


@pytest.mark.parametrize("everywhere", [False, True])
def test_an_empty_old_string_is_an_error(file: Path, everywhere: bool) -> None:
    """ED-w1: the original puts the new text between every two characters."""
    with pytest.raises(ToolError, match="old_string must not be empty"):
        edit(file.parent, "", "x", replace_all=everywhere)


def test_an_edit_that_changes_nothing_is_an_error(file: Path) -> None:
    """ED-w1."""
    with pytest.raises(ToolError, match="identical"):
        edit(file.parent, "one", "one")


def test_newlines_match_windows_line_ends_and_stay_such(file: Path) -> None:
    """ED-w1: the model only ever sees plain newlines."""
    file.write_bytes(b"one\r\ntwo\r\nthree\r\n")
    edit(file.parent, "one\ntwo", "1\n2\n2b")
    assert file.read_bytes() == b"1\r\n2\r\n2b\r\nthree\r\n"
    edit(file.parent, "three", "3\n4")
    assert file.read_bytes() == b"1\r\n2\r\n2b\r\n3\r\n4\r\n"
    edit(file.parent, "3\r\n4", "3\r\n5")
    assert file.read_bytes() == b"1\r\n2\r\n2b\r\n3\r\n5\r\n"


def test_in_a_mixed_file_the_place_decides(file: Path) -> None:
    file.write_bytes(b"a\nb\nc\r\nd\r\n")
    edit(file.parent, "c\nd", "C\nD")
    edit(file.parent, "a\nb", "A\nB")
    assert file.read_bytes() == b"A\nB\nC\r\nD\r\n"


def test_an_edit_of_line_ends_only_is_an_error_not_a_lie(file: Path) -> None:
    file.write_bytes(b"a\r\nb\r\n")
    with pytest.raises(ToolError, match="line ends only"):
        edit(file.parent, "a\r\n", "a\n")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_the_encoding_stays(file: Path, encoding: str) -> None:
    """ED-w1."""
    file.write_bytes("größe\nalt\n".encode(encoding))
    edit(file.parent, "größe\nalt", "größe\nneü")
    assert file.read_bytes() == "größe\nneü\n".encode(encoding)


def test_a_character_that_the_encoding_lacks_is_an_error(file: Path) -> None:
    file.write_bytes("größe".encode("latin-1"))
    with pytest.raises(ToolError, match=r"new_string has '日', which the file's encoding \(latin-1\) cannot hold"):
        edit(file.parent, "e", "日")
    assert file.read_bytes() == "größe".encode("latin-1")


def test_binary_and_huge_files_are_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(b"a\0b")
    with pytest.raises(ToolError, match="binary"):
        edit(file.parent, "a", "b")
    monkeypatch.setattr(module, "MAX_FILE", 2)
    with pytest.raises(ToolError, match="larger than"):
        edit(file.parent, "a", "b")


def test_two_edits_of_one_file_at_once_both_land(file: Path) -> None:
    """ED-w1: read-modify-write under one lock a file, over different ways to it."""
    names = [f"<{n}>" for n in range(40)]
    file.write_text("\n".join(names))
    (file.parent / "link").symlink_to(file)

    async def all_at_once() -> None:
        ctx = ToolContext(file.parent)
        inputs = [
            {"file_path": ("a.txt", "link")[n % 2], "old_string": name, "new_string": f"[{n}]"}
            for n, name in enumerate(names)
        ]
        await asyncio.gather(*(Edit().execute(input, ctx) for input in inputs))

    asyncio.run(all_at_once())
    assert file.read_text() == "\n".join(f"[{n}]" for n in range(40))


def test_an_edit_does_not_hide_somebody_elses_change(file: Path) -> None:
    """WR-w1: after it the file still counts as changed since it was read."""
    ctx = ToolContext(file.parent)
    asyncio.run(Read().execute({"file_path": "a.txt"}, ctx))
    file.write_text("one\nand something new\n")
    edit(ctx, "one", "1")
    with pytest.raises(ToolError, match="has changed since"):
        asyncio.run(Write().execute({"file_path": "a.txt", "content": "1"}, ctx))


def test_the_mode_and_the_link_stay(file: Path) -> None:
    file.chmod(0o700)
    (file.parent / "link").symlink_to(file)
    edit(file.parent, "one", "1", file_path="link")
    assert file.stat().st_mode & 0o777 == 0o700
    assert (file.parent / "link").is_symlink()


@settings(deadline=None, max_examples=80)
@given(
    st.binary(max_size=60), st.text("ab", min_size=1, max_size=3), st.text("xy\n", max_size=4), st.binary(max_size=60)
)
def test_every_other_byte_stays(before: bytes, old: str, new: str, after: bytes) -> None:
    """ED-3 as a law, whatever bytes the file holds."""
    before, after = (part.translate(None, b"\0\r\nab\xfe\xff\xef") for part in (before, after))
    marked = f"<{old}>"
    content = b"text text text " * 50 + before + marked.encode() + after
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.txt").write_bytes(content)
        edit(Path(folder), marked, new)
        assert Path(folder, "a.txt").read_bytes() == content.replace(marked.encode(), new.encode())


def test_editing_always_asks_and_says_what(tmp_path: Path) -> None:
    ctx = ToolContext(tmp_path)
    assert Edit().approval_reason({"file_path": "a.txt"}, ctx) == "edit wants to change `a.txt`"
    secret = Edit().approval_reason({"file_path": ".env"}, ctx)
    assert secret == "edit wants to change `.env`, which may hold secrets"
