"""When Ctrl-C is heard, by real signals."""

from __future__ import annotations

import contextlib
import select
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


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no such signals")
@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM"])
def test_a_signal_that_was_lost_while_a_line_is_read_comes_again(name: str) -> None:
    """An idle conversation outlived its terminal: what the signal raised was lost, and nothing else came."""
    numbers = [getattr(signal, name), signal.SIGALRM]
    before = [signal.getsignal(number) for number in numbers]
    came: list[int] = []

    def end(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    try:
        signal.signal(numbers[0], end)
        interrupts = Interrupts()
        interrupts.insist()
        interrupts.idle = True
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(numbers[0])
        with pytest.raises(KeyboardInterrupt):
            select.select([], [], [], 30.0)  # as a loop waits for a terminal that is gone
        interrupts.idle = False
        assert came == [numbers[0]]
        # The next one does nothing, and ends the clock.
        while signal.getitimer(signal.ITIMER_REAL)[0]:
            select.select([], [], [], 0.05)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no such signals")
def test_whoever_leaves_leaves_no_clock_behind() -> None:
    """A conversation that SIGHUP ended had an alarm's exit code: the clock went on when Python had ended."""
    numbers = [signal.SIGTERM, signal.SIGALRM]
    before = [signal.getsignal(number) for number in numbers]
    try:
        signal.signal(signal.SIGTERM, lambda *_: None)
        interrupts = Interrupts()
        interrupts.insist()
        interrupts.idle = True
        signal.raise_signal(signal.SIGTERM)
        assert signal.getitimer(signal.ITIMER_REAL)[0]
        interrupts.rest()
        assert not signal.getitimer(signal.ITIMER_REAL)[0]
        signal.raise_signal(signal.SIGTERM)
        assert not signal.getitimer(signal.ITIMER_REAL)[0]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
