"""What holds the main thread is ended from outside, and nothing but it."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from alloy_nb import Result, Scripted, run, start, tool
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


@tool(thread="main")
def hold() -> str:
    """Hold the main thread."""
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
        threading.Timer(0.3, lambda: held[0].cancel()).start()
        return run("go", model=model, tools=[hold], check=False)


def test_a_main_thread_tool_that_takes_too_long_frees_the_main_thread() -> None:
    model = Scripted([{"tool_calls": [{"name": "hold", "input": {}}]}, "It took too long."])
    began = time.monotonic()
    result = run("go", model=model, tools=[hold], tool_timeout=0.2)
    assert result.text == "It took too long."
    assert time.monotonic() - began < 30
    assert start("And now?", model=Scripted(["Fine."])).result().text == "Fine."
