"""The table at the end: every part, how long it took and how it went."""

import io

import pytest
from steps.terminal import Terminal
from steps.timings import Steps


@pytest.fixture
def steps():
    return Steps(Terminal(io.StringIO(), {}), "make test")


def told(steps):
    return steps.terminal.stream.getvalue().splitlines()


def test_each_part_has_a_line_and_the_last_is_their_sum(steps):
    steps.unchanged("environment")
    steps.record("browser", 1.25, "ok")
    steps.record("browser tests", 60.5, "FAILED: 1 failed, 19 passed")
    steps.table()
    assert told(steps) == [
        "",
        "part            seconds  result",
        "environment         0.0  unchanged",
        "browser             1.2  ok",
        "browser tests      60.5  FAILED: 1 failed, 19 passed",
        "total              61.8  (1:02)",
    ]


def test_a_part_is_announced_and_counted_also_when_it_fails(steps):
    with steps.timed("weights", "the demo model"):
        pass
    with pytest.raises(RuntimeError), steps.timed("kernels"):
        raise RuntimeError
    assert told(steps)[0] == "weights      the demo model"
    assert told(steps)[1].startswith("weights      ok (")
    assert told(steps)[2:] == ["kernels"]
    assert [(name, outcome) for name, _, outcome in steps.rows] == [("weights", "ok"), ("kernels", "FAILED")]


def test_what_failed_is_red_where_colours_help(steps):
    steps.terminal.color = True
    steps.record("tests", 1, "FAILED: 1 failed")
    steps.record("more", 1, "ok: 3 passed")
    steps.table()
    red = [line for line in told(steps) if line.startswith("\x1b[31m")]
    assert len(red) == 1
    assert "tests" in red[0]
