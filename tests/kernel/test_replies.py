"""ipykernel 7.0 to 7.3: a request that comes in while a reply goes out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .conftest import PATIENCE, Kernel, kernel_env

pytestmark = pytest.mark.kernel

#: The last that sends its replies past the stream by which it reads.
OLD = "alloy-7.3"

# The reply to this cell itself is held back until the next request has come in, unread.
HOLDING = """
import select, zmq
from pathlib import Path

kernel = get_ipython().kernel
manager = kernel.shell_channel_thread.manager

class Holding:
    def __init__(self, sender):
        self.sender = sender

    def send_multipart(self, message):
        manager._shell_socket = self.sender
        Path("held").touch()
        select.select([kernel.shell_stream.socket.getsockopt(zmq.FD)], [], [])
        self.sender.send_multipart(message)

manager._shell_socket = Holding(manager._shell_socket)
"""


def test_a_request_that_comes_in_while_a_reply_goes_out_is_answered(tmp_path: Path) -> None:
    """Of a Run All in JupyterLab some cells stayed at [*], one time in three."""
    from jupyter_client.kernelspec import KernelSpecManager

    if OLD not in KernelSpecManager().find_kernel_specs():
        pytest.skip(f"no kernel {OLD}; make test makes it")
    # Loaded before anything is asked: the first request could be the one that is lost.
    kernel = Kernel(kernel_env(), tmp_path, OLD, "--InteractiveShellApp.extra_extensions=alloy_nb")
    try:
        first = kernel.send(HOLDING)
        end = time.monotonic() + PATIENCE
        while not (tmp_path / "held").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        second = kernel.send("1 + 1")
        assert kernel.reply_to(first)["status"] == "ok"
        assert kernel.reply_to(second)["status"] == "ok"
    finally:
        kernel.close()
