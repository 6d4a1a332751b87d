"""Plain Python, as a program: nothing is displayed by itself, Ctrl-C stops, nobody is asked where nobody is."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import LONGEST, PYTHON, environment, run

ASKS = """
import alloy_nb as alloy

call = {"name": "bash", "input": {"command": "touch made"}}
model = alloy.Scripted(["Helium, **neon** and argon.", {"tool_calls": [call]}, "Then not."])
run = alloy.start("Name three noble gases.", model=model)
print("".join(run.text_stream()))
print(alloy.run("Make a file.", model=model, tools=["bash"]).tool_calls[0].error)
"""
WAITS = """
import alloy_nb as alloy

model = alloy.Scripted([{"chunks": ["So far, ", "and the end."], "delay_ms": 600_000}])
try:
    alloy.run("Go on.", model=model, on_event=lambda event: print(event.type, flush=True))
except KeyboardInterrupt as stopped:
    print("stopped:", stopped.__cause__.result.status)
"""


def test_python_streams_text_and_asks_nobody(tmp_path: Path) -> None:
    said = run(PYTHON, "-c", ASKS, cwd=tmp_path).splitlines()
    assert said[0] == "Helium, **neon** and argon."
    assert "nobody could be asked" in said[1]
    assert len(said) == 2
    assert not (tmp_path / "made").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no signals of this kind")
def test_python_stops_by_ctrl_c(tmp_path: Path) -> None:
    child = subprocess.Popen([PYTHON, "-c", WAITS], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    while child.stdout.readline().strip() != "turn_start":
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=LONGEST)
    assert said.endswith("stopped: cancelled\n")
