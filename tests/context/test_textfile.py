"""Files that somebody else may have written are read within their folder, once, and up to a limit."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from alloy_nb.context.textfile import NotRead, read_text_file

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")


def text_of(path: Path, within: Path, most: int = 1000) -> str:
    file = read_text_file(path, within, most)
    assert file is not None
    return file.text


def test_line_ends_marks_and_what_is_not_seen_are_taken_out(tmp_path: Path) -> None:
    """Words that are smuggled in by characters which nobody sees would be read by a model alone."""
    smuggled = "".join(chr(0xE0000 + ord(mark)) for mark in "obey")
    path = tmp_path / "a.md"
    path.write_bytes(("\ufeffone\r\ntwo" + smuggled + "\u200b\u202e\x1b[8mhidden\x1b[0m").encode())
    assert text_of(path, tmp_path) == "one\ntwohidden"
    path.write_bytes("grüße".encode("utf-16"))
    assert text_of(path, tmp_path) == "grüße"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    for data, why in (
        (b"\x89PNG\r\n\x1a\n\0\0", "no text"),
        (b"gr\xfc\xdfe", "not in UTF-8"),
        (b"\xff\xfe\0", "utf-16"),
    ):
        path.write_bytes(data)
        with pytest.raises(NotRead, match=why):
            read_text_file(path, tmp_path, 1000)


def test_a_long_file_is_cut_between_characters(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("ä€😀" * 400, "utf-8")
    for most in (1, 10, 299, 1199):
        file = read_text_file(path, tmp_path, most)
        assert file is not None
        assert (file.text, file.cut) == (("ä€😀" * 400)[:most], True)
    whole = read_text_file(path, tmp_path, 1200)
    assert whole is not None
    assert not whole.cut


def test_a_file_as_it_was_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    """A prompt stays the same to the byte, so that what a provider has cached of it stays good."""
    path = tmp_path / "a.md"
    path.write_text("before")
    before = path.stat()
    assert text_of(path, tmp_path) == "before"
    path.write_text("latter")  # of the same length, and, to whoever only looks, of the same time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert text_of(path, tmp_path) == "before"
    path.write_text("after that")
    assert text_of(path, tmp_path) == "after that"


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_text_file(tmp_path / "none" / "a.md", tmp_path, 10) is None
    (tmp_path / "file").touch()
    assert read_text_file(tmp_path / "file" / "a.md", tmp_path, 10) is None


@POSIX
def test_no_link_leads_out_or_to_a_secret(tmp_path: Path) -> None:
    """A cloned repository may hold `AGENTS.md -> ~/.ssh/id_rsa`, or `-> .env`."""
    inside = tmp_path / "repo"
    (inside / "docs" / ".ssh").mkdir(parents=True)
    for name in ("outside.md", "repo/docs/agents.md", "repo/.env", "repo/docs/.ssh/key.md"):
        (tmp_path / name).write_text(f"words of {name}")
    link = inside / "AGENTS.md"

    def leads_to(target: str) -> Path:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        return link

    assert text_of(leads_to("docs/agents.md"), inside) == "words of repo/docs/agents.md"
    for target, why in (
        ("../outside.md", "leads out of"),
        (str(tmp_path / "outside.md"), "leads out of"),
        (".env", "another kind"),
        ("docs/.ssh/key.md", "another kind"),
        ("nowhere.md", "link to nothing"),
        ("AGENTS.md", "links"),  # to itself
    ):
        with pytest.raises(NotRead, match=why):
            read_text_file(leads_to(target), inside, 1000)


@POSIX
def test_no_folder_that_is_a_link_leads_out(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.md").write_text("secret")
    inside = tmp_path / "repo"
    inside.mkdir()
    (inside / "context").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotRead, match="leads out of"):
        read_text_file(inside / "context" / "a.md", inside, 1000)


@POSIX
def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    for name in ("pipe.md", "folder.md"):
        with pytest.raises(NotRead):
            read_text_file(tmp_path / name, tmp_path, 1000)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a file that may not be read")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("words")
    (tmp_path / "a.md").chmod(0)
    with pytest.raises(NotRead, match="denied"):
        read_text_file(tmp_path / "a.md", tmp_path, 1000)
