"""An interrupt that comes while something is drawn."""

from __future__ import annotations

import signal
import threading

import nh3
import pytest

from alloy_nb.notebook.interrupts import interrupts_held


def test_an_interrupt_inside_is_raised_at_the_end_and_the_work_is_whole() -> None:
    done = []
    before = signal.getsignal(signal.SIGINT)

    def draw() -> None:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            done.append("after")

    with pytest.raises(KeyboardInterrupt):
        draw()
    assert done == ["after"]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_inside_the_sanitiser_is_not_lost() -> None:
    """nh3 drops what is raised in its filter: the run went on for ever after Ctrl-C had been pressed."""

    def interrupt(_tag: str, _name: str, value: str) -> str:
        signal.raise_signal(signal.SIGINT)
        return value

    with pytest.raises(KeyboardInterrupt), interrupts_held():
        nh3.clean('<a href="x">y</a>', attribute_filter=interrupt)


def test_in_another_thread_nothing_is_changed() -> None:
    seen = []

    def work() -> None:
        with interrupts_held():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
