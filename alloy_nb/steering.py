"""What is said to a run while it goes on, from any thread."""

from __future__ import annotations

import threading
from collections import deque

from .messages import Message

__all__ = ["Steering"]


class Steering:
    """Messages that wait for the next provider call; none is taken any more once the run ends.

    >>> steering = Steering()
    >>> steering.add(Message.user("Shorter!")), len(steering.take()), steering.take(last=True)
    (True, 1, [])
    >>> steering.add(Message.user("Too late"))
    False
    """

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._open = True
        self._lock = threading.Lock()

    def add(self, message: Message) -> bool:
        with self._lock:
            if self._open:
                self._messages.append(message)
            return self._open

    def take(self, *, last: bool = False) -> list[Message]:
        """What was said since; with `last` and nothing there, no more is taken."""
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
            if last and not messages:
                self._open = False
            return messages

    def close(self) -> None:
        with self._lock:
            self._open = False
