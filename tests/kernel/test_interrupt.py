"""The kernel's stop button, while a cell blocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Kernel, Ran

pytestmark = pytest.mark.kernel


def once_shown(kernel: Kernel, words: str, begun: Path | None = None) -> Callable[[Ran], None]:
    """Interrupts as soon as a live view is told `words`, and a tool's process, if it is one of that, has made `begun`.

    Jupyter interrupts the kernel's whole process group, of which that process is still one as it comes into being.
    """
    sent = False

    def look(ran: Ran) -> None:
        nonlocal sent
        if not sent and words in str(ran.of("comm_msg")) and (begun is None or begun.exists()):
            sent = True
            kernel.interrupt()

    return look


def test_an_interrupt_keeps_what_was_said_and_the_next_question_works(kernel: Kernel, tmp_path: Path) -> None:
    """Law 1: whatever ends a run, its history can be sent on; the cell ends in error, so that Run All stops."""
    kernel.run(
        "m = alloy.Scripted([\n"
        "  {'text': 'I will look. ', 'tool_calls': [\n"
        "    {'name': 'bash', 'input': {'command': 'touch begun; sleep 60; touch late'}}]},\n"
        "  'after'])"
    )
    ran = kernel.run(
        "%%alloy -m m -t bash --approval auto -o r\nhi\n",
        allow_stdin=True,
        while_running=once_shown(kernel, "'state': 'running'", tmp_path / "begun"),
    )
    assert ran.status == "error"
    assert ran.error["ename"] == "KeyboardInterrupt"
    told = "\n".join(ran.error["traceback"])
    assert "stopped" in told
    assert "Traceback" not in told
    assert ".py" not in told
    assert "I will look." in ran.shown[-1]["text/plain"]
    assert "stopped" in ran.shown[-1]["text/html"]

    told = kernel.run("print(r.status, r.text, r.tool_calls[0].error)").stdout
    assert told.startswith("cancelled I will look.")
    assert kernel.run("after = %alloy -m m go on").status == "ok"
    told = kernel.run(
        "sent = m.requests[-1].messages\n"
        "parts = (lambda x: x.tool_calls), (lambda x: x.tool_results)\n"
        "print(after.text, [x.role for x in sent], *[[len(part(x)) for x in sent] for part in parts])"
    ).stdout
    assert told.split("\n")[0] == "after ['user', 'assistant', 'user', 'user'] [0, 1, 0, 0] [0, 0, 1, 0]"
    assert not (tmp_path / "late").exists()


def test_an_interrupt_while_the_model_is_silent(kernel: Kernel) -> None:
    kernel.run("m = alloy.Scripted([{'text': 'never', 'delay_ms': 60_000}, 'after'])")
    ran = kernel.run("%%alloy -m m\nhi\n", allow_stdin=True, while_running=once_shown(kernel, "'turns': 1"))
    assert ran.error["ename"] == "KeyboardInterrupt"
    assert "after" in kernel.run("%alloy -m m again").shown[-1]["text/plain"]


def test_an_interrupt_of_plain_python(kernel: Kernel) -> None:
    kernel.run("m = alloy.Scripted([{'text': 'never', 'delay_ms': 60_000}, 'after'])")
    code = (
        "try:\n    alloy.run('hi', model=m)\nexcept KeyboardInterrupt as stop:\n    print(stop.__cause__.result.status)"
    )
    ran = kernel.run(code, allow_stdin=True, while_running=once_shown(kernel, "'turns': 1"))
    assert "cancelled" in ran.stdout


def test_an_interrupt_at_the_question_denies_it(kernel: Kernel, tmp_path: Path) -> None:
    kernel.wait_for_no_page()
    kernel.run(
        "m = alloy.Scripted([{'tool_calls': [{'name': 'bash', 'input': {'command': 'touch x'}}]}, *['after'] * 3])"
    )
    # The question is put on stdin and never answered.
    client = kernel.client
    content = {"code": "%alloy -m m -t bash hi", "silent": False, "store_history": True, "allow_stdin": True}
    message = client.session.msg("execute_request", {**content, "user_expressions": {}, "stop_on_error": False})
    client.shell_channel.send(message)
    assert "touch x" in client.get_stdin_msg(timeout=60)["content"]["prompt"]
    kernel.interrupt()
    assert kernel.reply_to(message)["status"] == "error"
    assert not (tmp_path / "x").exists()
    assert kernel.run("r = %alloy -m m go on").status == "ok"


@pytest.mark.parametrize(
    "awaited", ["team.adelegate('a', 'hi')", "team.abroadcast('hi')", "alloy.start('hi', model=m)"]
)
def test_an_interrupt_ends_what_a_cell_awaits_though_nothing_happens_there(kernel: Kernel, awaited: str) -> None:
    """It was noticed only when the loop woke, and nothing woke it: the model says nothing."""
    kernel.run(
        "import asyncio\n"
        "from alloy_nb.testing import Function\n"
        "async def waits(request):\n"
        "    print('asked')\n"
        "    await asyncio.Event().wait()\n"
        "m = Function(waits)\n"
        "team = alloy.Team({'a': {'model': m}})"
    )
    sent = False

    def once_asked(ran: Ran) -> None:
        nonlocal sent
        if not sent and "asked" in ran.stdout:
            sent = True
            kernel.interrupt()

    ran = kernel.run(f"await {awaited}", while_running=once_asked)
    assert ran.status == "error"
    assert ran.error["ename"] == "CancelledError"
    assert kernel.run("print(team.health()['a'].busy); team.stop()").stdout == "False\n"


@pytest.mark.parametrize("asked", ["team.broadcast('hi')", "team.handoff(['a'], 'hi')", "alloy.run('hi', model=m)"])
def test_an_interrupt_of_what_a_cell_waits_for_is_told_in_two_lines(kernel: Kernel, asked: str) -> None:
    """It was 35 lines of our own frames."""
    kernel.run(
        "m = alloy.Scripted([{'text': 'never', 'delay_ms': 60_000}])\nteam = alloy.Team({'a': {'model': m}}, name='t')"
    )
    ran = kernel.run(asked, allow_stdin=True, while_running=once_shown(kernel, "'turns': 1"))
    assert ran.error["ename"] == "KeyboardInterrupt"
    told = "\n".join(ran.error["traceback"]).splitlines()
    assert len(told) == 2
    assert told[0].startswith("KeyboardInterrupt: the run")
    assert told[1].startswith("Hint: ")
