"""What starting costs: processor seconds, in fresh processes, the best of several.

Printed as ratios of the bound; `make bench` decides by them, the ordinary tests only look at what is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import alloy_nb

pytestmark = pytest.mark.bench

ROOT = Path(alloy_nb.__file__).parents[1]
TRIES = 7

_SHELL = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
_RUN = "import alloy_nb\nalloy_nb.run('hi', model=alloy_nb.Scripted(['hello']))\n"

#: name -> what is run first and not counted, what is counted, and the bound in seconds.
COSTS = {
    "import alloy_nb, over bare Python": ("", "import alloy_nb\n", 0.150),
    "alloy_nb.run on a script, in a fresh process": ("", _RUN, 0.450),
    "%load_ext alloy_nb, beyond IPython": (_SHELL, "shell.run_line_magic('load_ext', 'alloy_nb')\n", 0.150),
}


def cpu_seconds(before: str, code: str) -> float:
    """Processor time of `code` after `before`, in a process of its own."""
    measured = (
        "import time\n" + before + "start = time.process_time()\n" + code + "print(time.process_time() - start)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", measured], capture_output=True, text=True, env=env, check=True)
    return float(done.stdout.split()[-1])


@pytest.mark.parametrize("name", COSTS)
def test_starting_costs_no_more_than_promised(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before, code, bound = COSTS[name]
    cpu_seconds(before, code)  # compiles what is not compiled yet
    best = min(cpu_seconds(before, code) for _ in range(TRIES))
    with capsys.disabled():
        print(f"\n  {name}: {best * 1000:.0f} ms of processor time, {best / bound:.2f} of the bound")
    assert best <= bound
