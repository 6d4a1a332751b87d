"""What holds the main thread is ended from outside, and nothing but it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

import pytest

from alloy_nb import Result, Scripted, run, start, tool
from alloy_nb.tools import striking
from alloy_nb.tools.striking import Strike


def test_a_block_that_sleeps_is_ended_at_once() -> None:
    strike = Strike()
    threading.Timer(0.05, strike.strike).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), strike:
        time.sleep(30)
    assert strike.struck
    assert not strike.interrupted
    assert time.monotonic() - began < 20


def test_a_strike_that_comes_as_the_block_ends_hits_nothing_else() -> None:
    """The signal is on its way when the block is over: it must not reach what comes behind."""
    before = signal.getsignal(signal.SIGINT)
    for number in range(300):
        strike, go = Strike(), threading.Event()
        thread = threading.Thread(target=lambda strike=strike, go=go: (go.wait(), strike.strike()))
        thread.start()
        try:
            with strike:
                go.set()
                for _ in range(number * 20):
                    pass
        except KeyboardInterrupt:
            assert strike.struck
        thread.join()
        strike.strike()  # too late: nothing happens
    assert signal.getsignal(signal.SIGINT) is before


def test_a_persons_interrupt_is_told_apart() -> None:
    strike = Strike()
    with pytest.raises(KeyboardInterrupt), strike:
        signal.raise_signal(signal.SIGINT)
    assert strike.interrupted
    assert not strike.struck


def test_off_the_main_thread_it_is_a_block_like_any_other() -> None:
    done = []

    def work() -> None:
        strike = Strike()
        with strike:
            strike.strike()
            done.append(strike.struck)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [False]


_held = threading.Event()


@tool(thread="main")
def hold() -> str:
    """Hold the main thread."""
    _held.set()
    time.sleep(60)
    return "never"


def test_a_run_that_is_cancelled_from_another_thread_frees_the_main_one() -> None:
    """As a Stop button does it: the caller gets the partial result, and no interrupt."""
    model = Scripted([{"text": "I hold it.", "tool_calls": [{"name": "hold", "input": {}}]}, "never"])
    began = time.monotonic()
    result = _run_and_cancel(model)
    assert time.monotonic() - began < 30
    assert result.status == "cancelled"
    assert result.text == "I hold it."
    assert [r.call_id for m in result.messages for r in m.tool_results] == [
        c.id for m in result.messages for c in m.tool_calls
    ]


def _run_and_cancel(model: Scripted) -> Result:
    from alloy_nb.execution import Execution

    held: list[Execution] = []
    launch = Execution.launch

    def launching(self: Execution) -> None:
        held.append(self)
        launch(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Execution, "launch", launching)
        _held.clear()
        threading.Thread(target=lambda: _held.wait(60) and held[0].cancel()).start()
        return run("go", model=model, tools=[hold], check=False)


def test_a_main_thread_tool_that_takes_too_long_frees_the_main_thread() -> None:
    model = Scripted([{"tool_calls": [{"name": "hold", "input": {}}]}, "It took too long."])
    began = time.monotonic()
    result = run("go", model=model, tools=[hold], tool_timeout=0.2)
    assert result.text == "It took too long."
    assert time.monotonic() - began < 30
    assert start("And now?", model=Scripted(["Fine."])).result().text == "Fine."


def test_a_strike_that_comes_before_the_block_ends_it_as_it_begins() -> None:
    before, strike, entered = signal.getsignal(signal.SIGINT), Strike(), []
    strike.strike()
    with pytest.raises(KeyboardInterrupt), strike:
        entered.append(True)
    assert not entered
    assert (strike.struck, strike.interrupted) == (True, False)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_strike_as_the_block_begins_never_meets_who_heard_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It came when the block could be struck already, and its handler was not there yet."""
    heard: list[str] = []
    monkeypatch.setattr(striking, "signal", _StrikingWhenPossible(heard))
    plain = signal.signal(signal.SIGINT, lambda *_: heard.append("the handler around"))
    try:
        strike = Strike()
        striking.signal.strike = strike  # type: ignore[attr-defined]
        with pytest.raises(KeyboardInterrupt), strike:
            time.sleep(30)
    finally:
        signal.signal(signal.SIGINT, plain)
    assert strike.struck
    assert heard == []


class _StrikingWhenPossible:
    """The module `signal`, where each change of a handler is just when another thread strikes."""

    def __init__(self, heard: list[str]) -> None:
        self.heard = heard
        self.strike: Strike | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(signal, name)

    def signal(self, number: int, handler: Any) -> Any:
        if self.strike is not None and not self.strike.struck:
            thread = threading.Thread(target=self.strike.strike)
            thread.start()
            thread.join()
        return signal.signal(number, handler)


def test_an_interrupt_as_a_block_begins_that_was_struck_before_is_a_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken for the signal of the strike, which had sent none."""
    monkeypatch.setattr(striking, "signal", _InterruptedWhenHeard())
    strike = Strike()
    strike.strike()
    with pytest.raises(KeyboardInterrupt), strike:
        time.sleep(30)
    assert (strike.struck, strike.interrupted) == (True, True)


class _InterruptedWhenHeard:
    """The module `signal`, where a person interrupts as soon as the block's handler is there."""

    def __getattr__(self, name: str) -> Any:
        return getattr(signal, name)

    def signal(self, number: int, handler: Any) -> Any:
        before = signal.signal(number, handler)
        if isinstance(getattr(handler, "__self__", None), Strike):
            signal.raise_signal(number)
        return before


@pytest.mark.skipif(os.name != "posix", reason="Windows wakes a sleep by an event, which is not lost")
def test_a_signal_that_does_not_break_off_a_sleep_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that comes after Python's last look, and before the system call; one too many is no person's."""
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(striking, "signal", _Losing())
    strike = Strike()
    striking.signal.strike = strike  # type: ignore[attr-defined]
    threading.Timer(0.05, strike.strike).start()
    with pytest.raises(KeyboardInterrupt), strike:
        _sleep_and_wait(striking.signal.doubled)  # type: ignore[attr-defined]
    assert striking.signal.sent == 3  # type: ignore[attr-defined]
    assert (strike.struck, strike.interrupted) == (True, False)
    assert signal.getsignal(signal.SIGINT) is before


def _sleep_and_wait(event: threading.Event) -> None:
    try:
        time.sleep(30)
    finally:
        event.wait(30)


class _Losing:
    """The module `signal`, where the first signal is lost, and the second one comes twice."""

    strike: Strike

    def __init__(self) -> None:
        self.sent = 0
        self.doubled = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(signal, name)

    def pthread_kill(self, thread: int, number: int) -> None:
        self.sent += 1
        if self.sent == 1:
            return
        signal.pthread_kill(thread, number)
        while not self.strike._arrived:
            time.sleep(0.001)
        self.sent += 1
        signal.pthread_kill(thread, number)
        self.doubled.set()


@pytest.mark.parametrize("name", ["__exit__", "_leave"])
def test_a_signal_while_the_block_is_left_leaves_no_handler_behind(name: str) -> None:
    before, strike = signal.getsignal(signal.SIGINT), Strike()
    code = getattr(Strike, name).__code__

    def trace(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is code:
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)

    plain = sys.gettrace()
    try:
        with strike:
            sys.settrace(trace)
    finally:
        sys.settrace(plain)
    assert strike.interrupted  # and told to who hears it behind the block
    assert signal.getsignal(signal.SIGINT) is before


def test_of_two_blocks_the_struck_one_ends() -> None:
    """The outer one is struck while the inner one hears: it goes on to the outer one, and no further."""
    before = signal.getsignal(signal.SIGINT)
    outer, inner = Strike(), Strike()
    threading.Timer(0.05, outer.strike).start()
    with pytest.raises(KeyboardInterrupt), outer, inner:
        time.sleep(30)
    assert (outer.struck, outer.interrupted) == (True, False)
    assert (inner.struck, inner.interrupted, inner.struck_around) == (False, False, True)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.thorough
def test_two_blocks_that_are_struck_at_once_both_end() -> None:
    """Two signals may be one when they arrive: what was for the outer block is not lost with it."""
    outer, inner = Strike(), Strike()
    began = time.monotonic()

    def strike_both() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        inner.strike()
        outer.strike()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        time.sleep(30)

    with pytest.raises(KeyboardInterrupt), outer, inner:
        strike_both()
    assert time.monotonic() - began < 20
    assert (outer.interrupted, inner.interrupted) == (False, False)
    assert inner.struck_around


@tool(thread="main")
def ask_within() -> str:
    """Ask a model of its own, whose tool holds the main thread, too."""
    model = Scripted([{"tool_calls": [{"name": "hold", "input": {}}]}, "It took too long."])
    return run("go", model=model, tools=[hold], tool_timeout=0.2).text


def test_a_tool_within_a_main_thread_tool_is_struck_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    model = Scripted([{"tool_calls": [{"name": "ask_within", "input": {}}]}, "Done."])
    result = run("go", model=model, tools=[ask_within])
    assert result.text == "Done."
    assert [record.output for record in result.tool_calls] == ["It took too long."]
    assert signal.getsignal(signal.SIGINT) is before


@tool(thread="main")
def hold_within() -> str:
    """Ask a model of its own, whose tool holds the main thread for long."""
    model = Scripted([{"tool_calls": [{"name": "hold", "input": {}}]}, "never"])
    return run("go", model=model, tools=[hold]).text


def test_a_main_thread_tool_is_struck_with_what_runs_within_it() -> None:
    before, began = signal.getsignal(signal.SIGINT), time.monotonic()
    model = Scripted([{"tool_calls": [{"name": "hold_within", "input": {}}]}, "It took too long."])
    result = run("go", model=model, tools=[hold_within], tool_timeout=0.3)
    assert result.text == "It took too long."
    assert time.monotonic() - began < 30
    assert signal.getsignal(signal.SIGINT) is before
