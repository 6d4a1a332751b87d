"""Ending processes with all that they started; what `bash` makes of it is tried in its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from alloy_nb.tools.processes import end_group, marked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no process groups on Windows")


def test_a_group_is_ended_and_nobody_else() -> None:
    marker = uuid.uuid4().hex
    with (
        subprocess.Popen(["sleep", "1000"], env=marked(os.environ, marker), start_new_session=True) as ours,
        subprocess.Popen(["sleep", "1000"], start_new_session=True) as other,
    ):
        end_group(ours.pid, marker)
        assert ours.wait(30) == -15
        assert other.poll() is None
        other.kill()


def test_ending_what_is_gone_does_nothing() -> None:
    marker = uuid.uuid4().hex
    process = subprocess.Popen(["true"], env=marked(os.environ, marker), start_new_session=True)
    process.wait()
    end_group(process.pid, marker)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_what_an_agent_inside_a_command_started_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own marker stands beside ours, so that a kill of the outer call reaches the inner one's session."""
    outer, inner = uuid.uuid4().hex, uuid.uuid4().hex
    monkeypatch.setenv("ALLOY_NB_CALLS", marked({}, outer)["ALLOY_NB_CALLS"])
    with subprocess.Popen(["sleep", "1000"], env=marked(os.environ, inner), start_new_session=True) as nested:
        gone = subprocess.Popen(["true"], start_new_session=True)
        gone.wait()
        end_group(gone.pid, outer)
        assert nested.wait(30) == -15


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_what_was_just_started_is_ended_at_exit_though_its_number_is_not_known_yet() -> None:
    """The thread that started it may not get its turn again before the exit."""
    script = (
        "import os, subprocess\n"
        "from alloy_nb.tools.processes import marked, note_group\n"
        "note_group(None, 'a-marker-4711')\n"
        "env = marked(os.environ, 'a-marker-4711')\n"
        "child = subprocess.Popen(['sleep', '1000'], env=env, stdout=subprocess.DEVNULL, start_new_session=True)\n"
        "print(child.pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    status = Path(f"/proc/{done.stdout.strip()}/stat")
    end = time.monotonic() + 30
    while status.exists() and status.read_bytes().rpartition(b")")[2].split()[0] not in b"ZX":
        assert time.monotonic() < end
        time.sleep(0.01)
