"""An interrupt that lands at a place of one's choice."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["is_interrupted"]


def is_interrupted(work: Callable[[], Any], place: int) -> bool:
    """Have one land in the call of that number that is made in `work`; False when there are not so many."""
    left = itertools.count(place, -1)

    def trace(frame: FrameType, event: str, _: Any) -> None:
        # What lands in the callback of a weak reference Python prints and drops.
        if event == "call" and frame.f_code.co_name != "_remove" and next(left) == 0:
            raise KeyboardInterrupt

    plain = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except (KeyboardInterrupt, RuntimeError):  # the latter of Python's own `Condition`, where a thread is started
        return True
    finally:
        sys.settrace(plain)
    return False
