"""Requests that ipykernel 7.0 to 7.3 leave unread: a kernel's replies are sent as 7.4 sends them."""

from __future__ import annotations

from typing import Any

__all__ = ["keep_listening"]


def keep_listening(shell: Any) -> None:
    """Let the kernel of `shell` send its replies through the stream by which it reads requests.

    ipykernel 7.0 to 7.3 send them past it, on its socket. That takes away the wake-up of a request which comes in at
    that moment: it, and all that follow, lie unread until somebody else connects, and of a Run All some cells stay at
    ``[*]`` for good. Nothing is done where the kernel is not made so; twice is once.
    """
    kernel = getattr(shell, "kernel", None)
    stream = getattr(kernel, "shell_stream", None)
    manager: Any = getattr(getattr(kernel, "shell_channel_thread", None), "manager", None)
    socket = getattr(manager, "_shell_socket", None)
    if socket is not None and socket is getattr(stream, "socket", None):
        manager._shell_socket = stream  # both have `send_multipart`, which is all that is asked of it
