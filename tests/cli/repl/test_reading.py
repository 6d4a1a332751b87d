"""Reading lines, and what is kept of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from alloy_nb.cli.repl.reading import LineReader, can_edit, make_private


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[IO[bytes]]:
    """What is written into it is typed."""
    end, other = os.pipe()
    with os.fdopen(end) as stdin, os.fdopen(other, "wb", buffering=0) as keyboard:
        monkeypatch.setattr("sys.stdin", stdin)
        yield keyboard


def reader() -> LineReader:
    return LineReader(lambda mark: None)


def test_a_line_and_lines_that_come_at_once(typed: IO[bytes]) -> None:
    """CLI-7: what follows within 50 ms belongs to it."""
    typed.write(b"one\n")
    assert reader().read() == "one"
    typed.write(b"one\n\n  two\n")
    assert reader().read() == "one\n\n  two"


def test_a_character_that_is_cut_is_whole(typed: IO[bytes]) -> None:
    typed.write("é\n".encode()[:1])
    typed.write("é\n".encode()[1:])
    assert reader().read() == "é"


def test_the_end(typed: IO[bytes]) -> None:
    """CLI-7: the end of the input ends it; a last line without an end counts."""
    typed.write(b"last")
    typed.close()
    assert reader().read() == "last"
    with pytest.raises(EOFError):
        reader().read()


def test_a_pipe_cannot_be_edited(typed: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert not can_edit()


def test_a_private_file_is_made_and_one_that_others_could_read_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "data" / "history"
    assert make_private(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("kept")
    file.chmod(0o644)
    assert make_private(file)
    assert (file.stat().st_mode & 0o777, file.read_text()) == (0o600, "kept")
    assert not make_private(file / "inside")
