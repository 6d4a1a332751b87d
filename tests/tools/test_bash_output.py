"""What the model gets of a command's output, and what is kept of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.tools.bash_output import MAX_OUTPUT, OutputWindow
from alloy_nb.tools.kept import KeptOutputs


@settings(deadline=None)
@given(st.lists(st.text("a日é\n"), max_size=30), st.integers(1, 7))
def test_head_and_tail_are_what_was_written(pieces: list[str], cut: int) -> None:
    """However the bytes come, and never half a character."""
    whole = ("".join(pieces) * 900).encode()
    output = OutputWindow()
    for start in range(0, len(whole), 1000 * cut):
        output.add(whole[start : start + 1000 * cut])
    text, expected = output.text(), whole.decode()
    if len(whole) <= MAX_OUTPUT:
        assert text == expected
    else:
        head, _, tail = text.partition("\n... (output truncated): ")
        number, _, tail = tail.partition(" bytes are left out here\n")
        assert expected.startswith(head)
        assert expected.endswith(tail)
        assert len(head.encode()) + int(number) + len(tail.encode()) == len(whole)


def test_memory_is_bounded_whatever_the_output() -> None:
    output = OutputWindow()
    for _ in range(2000):
        output.add(b"x" * 65_536)
    assert len(output._head) + len(output._tail) < 10 * MAX_OUTPUT
    assert output.total == 2000 * 65_536


def window_of(data: bytes, piece: int) -> tuple[OutputWindow, KeptOutputs]:
    outputs = KeptOutputs()
    window = OutputWindow(outputs)
    for start in range(0, len(data), piece):
        window.add(data[start : start + piece])
    window.close()
    return window, outputs


def test_short_output_is_not_kept() -> None:
    window, outputs = window_of(b"x" * MAX_OUTPUT, 1000)
    assert (window.kept, outputs.handles()) == (None, [])


@settings(max_examples=30)
@given(st.integers(1, 7), st.text("a日é\n", min_size=1, max_size=50))
def test_all_of_a_long_output_is_kept_and_the_cut_says_where(step: int, text: str) -> None:
    """Also where a piece ends in the middle of a character."""
    whole = text * (1 + 40_000 // len(text.encode()))
    window, outputs = window_of(whole.encode(), step * 997)
    kept = outputs.path("output:1").read_text("utf-8")
    assert kept.replace("\n", "") == whole.replace("\n", "")
    shown, _, rest = window.text().partition("\n... (output truncated): ")
    notice = rest.partition("\n")[0]
    line = int(notice.rpartition("=")[2])
    assert 'the whole is kept: read it with file_path="output:1", offset=' in notice
    before = "".join(kept.split("\n")[: line - 1])
    assert shown.replace("\n", "").startswith(before)
    assert len(shown.replace("\n", "")) - len(before) <= 2000


def test_invalid_bytes_are_replaced_in_what_is_kept() -> None:
    window, outputs = window_of(b"a\xffb\n" * 10_000, 4093)
    assert outputs.path("output:1").read_text("utf-8") == "a\ufffdb\n" * 10_000
    assert window.text().startswith("a\ufffdb\n")


def test_what_was_given_up_is_not_kept() -> None:
    outputs = KeptOutputs()
    window = OutputWindow(outputs)
    window.add(b"x" * (MAX_OUTPUT + 1))
    path = outputs.path("output:1")
    window.discard()
    window.close()
    assert outputs.handles() == []
    assert not path.exists()
