"""When Ctrl-C is heard, by real signals."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from alloy_nb.cli.repl.interrupts import Interrupts


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    before = signal.getsignal(signal.SIGINT)
    made = Interrupts()
    made.install()
    yield made
    signal.signal(signal.SIGINT, before)


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_it_is_heard_only_where_it_is_to_be(interrupts: Interrupts) -> None:
    press()
    interrupts.heard = True
    with pytest.raises(KeyboardInterrupt):
        press()
    interrupts.heard = False
    press()


def test_what_is_held_is_done_whole_and_then_it_comes_once(interrupts: Interrupts) -> None:
    interrupts.heard = True
    done: list[str] = []

    def work() -> None:
        with interrupts.held():
            press()
            press()
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["whole"]
    with interrupts.held():
        done.append("again")


def test_where_it_is_ignored_it_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Interrupts().install()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
