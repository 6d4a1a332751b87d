"""Agents for the tests, and a tool that keeps one at work until it is let through."""

from __future__ import annotations

import threading
import time
from typing import Any

import alloy_nb as alloy

SLOW = {"text": "one two three four", "delay_ms": 60_000}


def agent_of(*lines: Any, **options: Any) -> alloy.Agent:
    return alloy.Agent(model=alloy.Scripted(list(lines)), **options)


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


class Gate:
    """A tool that waits until it is let through; the run that calls it is in flight meanwhile."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def tool(self) -> alloy.Tool:
        @alloy.tool
        def gate() -> str:
            """Wait."""
            self.entered.set()
            assert self.opened.wait(30)
            return "through"

        return gate

    @property
    def call(self) -> dict[str, Any]:
        return {"text": "wait", "tool_calls": [{"name": "gate", "input": {}}]}
