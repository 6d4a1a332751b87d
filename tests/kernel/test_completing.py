"""What Tab brings in a front end: the kernel's reply, for which IPython asks all that may offer something."""

from __future__ import annotations

import pytest

from alloy_nb.commands import commands_of

from .conftest import PATIENCE, Kernel

pytestmark = pytest.mark.kernel


def offered(kernel: Kernel, code: str) -> list[str]:
    kernel.client.complete(code)
    while (reply := kernel.client.get_shell_msg(timeout=PATIENCE))["msg_type"] != "complete_reply":
        pass
    content = reply["content"]
    return [code[: content["cursor_start"]] + word for word in content["matches"]]


def test_on_our_lines_nobody_else_offers_anything(kernel: Kernel) -> None:
    """`%alloy /` brought `/abs` and 200 other names of Python's before the commands, `/stop ` keywords and magics."""
    kernel.run("value = 1\ndef decide(call, ctx): return True")
    names = [name for command in commands_of("notebook") for name in (command.name, *command.also)]
    assert offered(kernel, "%alloy /") == [f"%alloy /{name}" for name in names]
    assert offered(kernel, "%%alloy\n/") == [f"%%alloy\n/{name}" for name in names]
    assert offered(kernel, "%alloy /approval ") == [
        f"%alloy /approval {word}" for word in "ask auto deny decide".split()
    ]
    models = offered(kernel, "%alloy /model anthropic:claude-s")
    assert models
    assert all(text.startswith("%alloy /model anthropic:claude-sonnet-") for text in models)
    for nothing in ("%alloy /stop ", "%alloy /attach ", "%alloy /usage ", "%alloy --budget ", "%%alloy -a "):
        assert offered(kernel, nothing) == []
    assert offered(kernel, "%alloy --ap") == ["%alloy --approval"]
    assert offered(kernel, "%alloy Say {va") == ["%alloy Say {value"]
    assert "/abs" in offered(kernel, "/ab")  # the rest of Python is as it was


def test_runs_are_offered_where_one_is_named(kernel: Kernel) -> None:
    done = kernel.run("run = alloy.start('Hi', model=alloy.Scripted(['Hello.']), display=None)\nprint(run.run_id)\n")
    kernel.run("%alloy -m alloy.Scripted(['x']) -o kept Hi")
    kernel.run(
        "import threading\nheld = threading.Event()\ndef wait() -> str:\n    'Wait.'\n    held.wait(60); return ''"
    )
    kernel.run("slow = alloy.Scripted([{'tool_calls': [{'name': 'wait', 'input': {}}]}, 'Well.'])")
    started = kernel.run(
        "going = alloy.start('Hi', model=slow, tools=[wait], approval='auto', display=None)\ngoing.run_id"
    )
    run_id = started.of("execute_result")[0]["data"]["text/plain"].strip("'")
    assert done.status == "ok"
    assert offered(kernel, "%alloy /stop ") == ["%alloy /stop going", f"%alloy /stop {run_id}"]
    assert f"%alloy /attach {run_id}" in offered(kernel, "%alloy /attach ")
    kernel.run("held.set(); going.result()")
    assert offered(kernel, "%alloy /stop ") == []
