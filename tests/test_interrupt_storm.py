"""Ctrl-C at random moments of hot streams: what ends, ends as a result or an interrupt, and the next run works."""

from __future__ import annotations

import subprocess
import sys

import pytest

STORM = """
import random, signal, sys
import alloy_nb as alloy

seed, runs = int(sys.argv[1]), int(sys.argv[2])
chance = random.Random(seed)
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))

@alloy.tool(thread="main")
def here() -> str:
    "Runs on the main thread."
    return "here"

def answers():
    call = {"name": "here", "input": {}}
    return [{"text": "x " * 60, "tool_calls": [call, call]}, {"text": "y " * 60}]

# What is imported on first use is there: an interrupt that lands in an import is Python's own affair.
alloy.run("go", model=alloy.Scripted(answers()), tools=[here])

ends = {"result": 0, "interrupt": 0, "late": 0}
for number in range(runs):
    heard = []
    model = alloy.Scripted(answers())
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.006))
        try:
            result = alloy.run("go", model=model, tools=[here], on_event=heard.append)
            ends["result"] += 1
            assert result.status == "completed", result
        except KeyboardInterrupt as interrupt:
            if interrupt.__cause__ is None:
                ends["late"] += 1  # before the run began, or after it had ended
            else:
                ends["interrupt"] += 1
                assert interrupt.__cause__.result.status in ("cancelled", "completed"), interrupt.__cause__
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        ends["late"] += 1
assert alloy.run("go", model=alloy.Scripted(["fine"])).text == "fine"
print(ends)
"""


def storm(seed: int, runs: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", STORM, str(seed), str(runs)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no interval timer")
def test_interrupts_at_random_moments_hang_nothing_and_lose_nothing() -> None:
    storm(1, 60)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no interval timer")
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_storm_of_interrupts(seed: int) -> None:
    print(f"\nseed {seed}: {storm(seed, 400)}", end="")
