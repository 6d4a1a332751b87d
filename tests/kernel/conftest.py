"""A real kernel, driven by the protocol as a front end drives it."""

from __future__ import annotations

import os
import queue
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import alloy_nb

ROOT = Path(alloy_nb.__file__).parents[1]
PATIENCE = 60.0  # seconds until a kernel that says nothing is given up


@dataclass
class Ran:
    """What one cell did: its outputs as a front end would hold them, and the messages as they came."""

    status: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message["content"] for message in self.messages if message["msg_type"] == kind]

    @property
    def stdout(self) -> str:
        return "".join(c["text"] for c in self.of("stream") if c["name"] == "stdout")

    @property
    def error(self) -> dict[str, Any]:
        found = self.of("error")
        assert found, f"the cell ended {self.status}, not in an error"
        return found[0]

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The displays at the end of the cell: each with its last update."""
        displays: list[dict[str, Any]] = []
        places: dict[str, int] = {}
        for message in self.messages:
            content = message["content"]
            if message["msg_type"] not in ("display_data", "update_display_data", "execute_result"):
                continue
            name = (content.get("transient") or {}).get("display_id")
            if message["msg_type"] == "update_display_data" and name in places:
                displays[places[name]] = content["data"]
                continue
            if name:
                places[name] = len(displays)
            displays.append(content["data"])
        return displays


class Kernel:
    """Runs cells. `allow_stdin` is what a front end with a person says; `answers` is what that person types."""

    def __init__(self, env: Mapping[str, str], cwd: Path, name: str = "python3", *arguments: str) -> None:
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager(kernel_name=name)
        extra = {"extra_arguments": list(arguments)} if arguments else {}
        self.manager.start_kernel(env=dict(env), cwd=str(cwd), stderr=subprocess.DEVNULL, **extra)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(
        self,
        code: str,
        *,
        allow_stdin: bool = False,
        answers: Sequence[str] = (),
        cell_id: str | None = None,
        while_running: Callable[[Ran], None] | None = None,
    ) -> Ran:
        """Execute `code` to its end; `while_running` is called after each message, and whenever nothing comes."""
        message = self.send(code, allow_stdin=allow_stdin, cell_id=cell_id)
        ran, left = Ran(), list(answers)
        end = time.monotonic() + PATIENCE
        while not self._step(message["header"]["msg_id"], ran, left):
            if while_running is not None:
                while_running(ran)
            assert time.monotonic() < end, f"the cell never ended: {code!r}"
        ran.status = self.reply_to(message)["status"]
        return ran

    def send(self, code: str, *, allow_stdin: bool = False, cell_id: str | None = None) -> dict[str, Any]:
        """Ask for the execution of `code`, and wait for nothing; the request."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": allow_stdin,
            "stop_on_error": False,
        }
        metadata = {"cellId": cell_id} if cell_id else {}
        message: dict[str, Any] = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return message

    def reply_to(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to a request; replies to others (the greeting is sent several times) are passed over."""
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                content: dict[str, Any] = reply["content"]
                return content

    def _step(self, parent: str, ran: Ran, answers: list[str]) -> bool:
        """Take in one message; True when the cell is over."""
        try:
            question = self.client.get_stdin_msg(timeout=0)
            ran.questions.append(question["content"]["prompt"])
            self.client.input(answers.pop(0))
        except queue.Empty:
            pass
        try:
            message = self.client.get_iopub_msg(timeout=0.05)
        except queue.Empty:
            return False
        if message["parent_header"].get("msg_id") != parent:
            return False
        if message["msg_type"] == "status":
            return bool(message["content"]["execution_state"] == "idle")
        ran.messages.append(message)
        return False

    def wait_for_no_page(self) -> None:
        """Questions come to the input box almost at once: there is no page that a live cell could be heard by."""
        code = "from alloy_nb.notebook.live import asker\nasker.FIRST_PATIENCE = asker.PATIENCE = 0.2"
        assert self.run(code).status == "ok"

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def kernel_env(**extra: str) -> dict[str, str]:
    """This process's environment, from which the fixtures have taken keys, with the package importable."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYDEVD_DISABLE_FILE_VALIDATION": "1", **extra}


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of its own, in an empty folder, with the extension loaded."""
    started = Kernel(kernel_env(), tmp_path)
    try:
        assert started.run("%load_ext alloy_nb\nimport alloy_nb as alloy").status == "ok"
        yield started
    finally:
        started.close()
