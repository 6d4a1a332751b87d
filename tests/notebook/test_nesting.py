"""`nest` changes asyncio for the process that calls it: each test has one of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

import alloy_nb as alloy

IN_A_LOOP = """
import asyncio
import alloy_nb as alloy

async def number():
    await asyncio.sleep(0)
    return 4711

@alloy.tool(thread="main")
def nested() -> int:
    "Ask what only a coroutine knows."
    return asyncio.run(number())

model = lambda: alloy.Scripted([{"tool_calls": [{"name": "nested"}]}, "done"])

async def main():
    before = await alloy.arun("x", model=model(), tools=[nested])
    print("RuntimeError" in str(before.tool_calls[0].error))
    alloy.nest()
    alloy.nest()
    after = await alloy.arun("x", model=model(), tools=[nested])
    print(after.tool_calls[0].output, asyncio.run(number()))
    print(alloy.run("x", model=model(), tools=[nested]).tool_calls[0].output)
    print(alloy.start("x", model=alloy.Scripted(["background"])).result().text)

asyncio.run(main())
"""


def said(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_main_thread_tool_may_call_asyncio_run_once_loops_nest() -> None:
    pytest.importorskip("nest_asyncio2")
    assert said(IN_A_LOOP) == ["True", "4711 4711", "4711", "background"]


def test_nothing_nests_unasked() -> None:
    code = "import sys, alloy_nb; alloy_nb.nest; alloy_nb.run('x', model=alloy_nb.Scripted(['y'])); import asyncio\n"
    assert said(code + "print('nest_asyncio2' in sys.modules, hasattr(asyncio, '_nest_patched'))") == ["False False"]


def test_without_the_package_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nest_asyncio2", None)
    with pytest.raises(alloy.ConfigError, match="not installed") as caught:
        alloy.nest()
    assert "pip install nest-asyncio2" in str(caught.value.hint)
