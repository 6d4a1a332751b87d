"""What a delta, a round of a tool call and an agent cost: processor time, as ratios to the least that anybody can do.

The floor and we take turns, each in a process of its own on one core, against the same fake service in another one.
The frameworks that are installed beside us do the same work once, for comparison.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import alloy_nb

from .measure import AGENTS, DELTAS

pytestmark = pytest.mark.bench

HERE = Path(__file__).parent
ROOT = Path(alloy_nb.__file__).parents[1]
TRIES = 3

#: job -> what is counted, how many of them, and the ratio to the floor that is promised.
JOBS = {
    "text": ("delta of a streamed answer", DELTAS, 2.0),
    "rounds-100": ("round of one tool call, of 100", 100, 1.6),
    "rounds-300": ("round of one tool call, of 300", 300, 1.2),
    "agents": (f"agent of {AGENTS} at once", AGENTS, 1.6),
}
PEERS = [name for name in ("pydantic_ai", "chatlas") if find_spec(name)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, str(HERE / "service.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        yield f"http://127.0.0.1:{int(service.stdout.readline())}/v1"
        service.terminate()


def seconds(address: str, job: str, contestant: str) -> float:
    command = [sys.executable, str(HERE / "measure.py"), address, job, contestant]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=True)
    return float(done.stdout)


@pytest.mark.parametrize("job", JOBS)
def test_the_work_of_a_provider_costs_little_more_than_its_bytes(
    job: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    what, count, bound = JOBS[job]
    floors, own = [], []
    for _ in range(TRIES):
        floors.append(seconds(address, job, "floor"))
        own.append(seconds(address, job, "alloy_nb"))
    floor, ratio = min(floors), min(own) / min(floors)
    with capsys.disabled():
        print(f"\n  a {what}: floor {floor / count * 1e6:.1f} us, alloy_nb {ratio:.2f} x (promised {bound} x)")
        for peer in PEERS:
            print(f"    {peer}: {seconds(address, job, peer) / floor:.1f} x")
    assert ratio <= bound
