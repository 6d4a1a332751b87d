"""A forked child does not wait for threads that only its parent has."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from alloy_nb.forks import Renewed

# Another thread holds every lock there is while the process forks; the child then does what needs them.
HELD = """
import os, signal, threading, warnings
import alloy_nb as alloy
from alloy_nb import forks, redaction
from alloy_nb.providers import health, registry
from alloy_nb.testing import delays
from alloy_nb.tools import workers

warnings.simplefilter("ignore")
os.environ["OPENAI_API_KEY"] = "sk-forks-0123456789abcdef"

@alloy.tool
def here() -> str:
    "Here."
    return "called"

def all_of_it():
    redaction.register_secret("a secret of the child")
    model = registry.resolve_model("openai:gpt-5.2")
    health.health_of(model).succeeded()
    script = alloy.Scripted([{"tool_calls": [{"name": "here", "input": {}}]}, alloy.RateLimitError("slow"), "done"])
    with delays.no_delays():
        result = alloy.run("x", model=script, tools=[here])
    assert result.text == "done", result
    assert workers.abandoned_count() == 0
    workers.MAIN.leave()

all_of_it()
held, leave = threading.Event(), threading.Event()

def hold():
    locks = [getattr(renewed(), "lock", renewed()) for renewed in forks._all]
    assert len(locks) >= 6, locks
    for lock in locks:
        lock.acquire()
    held.set()
    leave.wait()
    for lock in locks:
        lock.release()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(30)
    try:
        all_of_it()
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(3)
    os._exit(0)
status = os.waitpid(child, 0)[1]
leave.set()
thread.join()
assert status == 0, f"the child ended with {status}"
all_of_it()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_while_locks_are_held_waits_for_none_of_them() -> None:
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


def test_what_forked_while_it_held_a_lock_lets_go_of_that_one() -> None:
    renewed = Renewed(threading.Lock)
    with renewed() as _:
        before = renewed()
        renewed.renew()
        assert not renewed().locked()
    assert renewed() is not before
    assert not before.locked()
