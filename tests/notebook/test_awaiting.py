from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.notebook.awaiting import may_await, rewrite


@pytest.mark.parametrize(
    ("cell", "arguments"),
    [
        ("%%alloy\nhi\n", "('', 'hi\\n')"),
        ("%%alloy -m x -o y\n  hi 'there'\n\n", "(' -m x -o y', \"  hi 'there'\\n\\n\")"),
        ("%alloy What is new?\n", "(' What is new?', None)"),
        ("# a note\n\n%alloy hi\n", "(' hi', None)"),
        ("%%alloy", "('', '')"),
    ],
)
def test_a_cell_that_is_one_magic_is_awaited(cell: str, arguments: str) -> None:
    (line,) = rewrite(cell.splitlines(keepends=True)) or ("",)
    assert line.startswith("await ")
    assert line.endswith(f".aalloy{arguments}\n")
    compile(line, "cell", "exec", flags=0x2000)  # top-level await


@pytest.mark.parametrize(
    "cell",
    [
        "%%time\n%%alloy\nhi\n",
        "x = %alloy hi\n",
        "x = 1\n%alloy hi\n",
        "def f():\n    %alloy hi\n",
        "'''\n%alloy hi\n'''\n",
        "%alloy?\n",
        "%alloyed hi\n",
        "%%alloyed\nhi\n",
        "print(1)\n",
        "",
    ],
)
def test_everything_else_is_left_to_the_blocking_magic(cell: str) -> None:
    assert rewrite(cell.splitlines(keepends=True)) is None


class Events:
    def register(self, *_: Any) -> None:
        """Nothing happens here."""


class Shell:
    """As much of a shell as is looked at."""

    autoawait = True
    kernel: Any = object()
    loop_runner: Any = None

    def __init__(self) -> None:
        self.events = Events()


def test_only_a_kernel_with_autoawait_awaits() -> None:
    shell = Shell()
    assert may_await(shell)
    shell.autoawait = False
    assert not may_await(shell)
    terminal = Shell()
    terminal.kernel = None
    assert not may_await(terminal)
