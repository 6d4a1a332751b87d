"""What a page may ask for, by whichever way it comes: done once, and nothing but what is known."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.notebook.live.controls import Controls, listen
from alloy_nb.tools.approval import Decision


class Asked:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> bool:
            self.calls.append((name, *arguments))
            return True

        return call


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def controls(asked: Asked, heard: list[str]) -> Controls:
    return Controls(asked, heard.append)


@pytest.mark.parametrize(
    ("control", "call"),
    [
        ({"do": "ready"}, ("ready",)),
        ({"do": "hello", "run": "r"}, ("hello", "r")),
        ({"do": "stop", "run": "r"}, ("stop", "r")),
        ({"do": "sync", "run": "r"}, ("sync", "r")),
        ({"do": "want", "asset": "math"}, ("want", "math")),
        ({"do": "decide", "run": "r", "call": "c", "allow": True}, ("decide", "r", "c", Decision(True))),
        (
            {"do": "decide", "run": "r", "call": "c", "allow": True, "remember": "command"},
            ("decide", "r", "c", Decision(True, remember="command")),
        ),
        (
            {"do": "decide", "run": "r", "call": "c", "allow": False, "reason": " not now "},
            ("decide", "r", "c", Decision(False, "not now")),
        ),
        (
            {"do": "decide", "run": "r", "call": "c", "allow": False},
            ("decide", "r", "c", Decision(False, "the user said no")),
        ),
    ],
)
def test_each_request_once_however_often_it_comes(
    controls: Controls, asked: Asked, heard: list[str], control: dict[str, Any], call: tuple[Any, ...]
) -> None:
    for _ in range(3):
        controls.take({"id": "1", **control})
    assert asked.calls == [call]
    assert heard == ["1", "1", "1"]


def test_what_was_heard_is_told_with_the_way_it_came(controls: Controls, asked: Asked, heard: list[str]) -> None:
    """The way that a page tried last is not the best one where an earlier one was slow."""
    for via in ("control", "comm", "elsewhere", 7):
        controls.take({"id": "1", "do": "stop", "run": "r", "via": via})
    assert asked.calls == [("stop", "r")]
    assert heard == ["1 control", "1 comm", "1", "1"]


@pytest.mark.parametrize("allow", [None, 1, "true", "yes", [True], {}])
def test_only_true_allows(controls: Controls, asked: Asked, allow: Any) -> None:
    controls.take({"id": "1", "do": "decide", "run": "r", "call": "c", "allow": allow})
    assert asked.calls == []


@pytest.mark.parametrize("remember", ["forever", 1, None, ["tool"], "__proto__"])
def test_an_unknown_way_to_remember_is_once(controls: Controls, asked: Asked, remember: Any) -> None:
    controls.take({"id": "1", "do": "decide", "run": "r", "call": "c", "allow": True, "remember": remember})
    assert asked.calls == [("decide", "r", "c", Decision(True))]


@pytest.mark.parametrize(
    "control",
    [
        None,
        3,
        "stop",
        [],
        {},
        {"do": "stop"},
        {"id": 3, "do": "stop"},
        {"id": "1", "do": "delete"},
        {"id": "x" * 999, "do": "stop"},
    ],
)
def test_what_is_no_request_is_passed_over(controls: Controls, asked: Asked, heard: list[str], control: Any) -> None:
    controls.take(control)
    assert (asked.calls, heard) == ([], [])


def test_a_request_that_fails_breaks_nothing(heard: list[str], caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def stop(self, name: str) -> bool:
            raise RuntimeError("broken")

    controls = Controls(Broken(), heard.append)  # type: ignore[arg-type]
    controls.take({"id": "1", "do": "stop", "run": "r"})
    assert heard == []  # the page tries another way, and says in the end that it was not heard
    assert "a request of the page failed" in caplog.text


def test_what_is_not_known_is_not_acknowledged_and_may_come_again(heard: list[str]) -> None:
    known: list[str] = []

    class Page:
        def stop(self, name: str) -> bool:
            return name in known

    controls = Controls(Page(), heard.append)  # type: ignore[arg-type]
    controls.take({"id": "1", "do": "stop", "run": "r"})
    known.append("r")
    assert heard == []
    controls.take({"id": "1", "do": "stop", "run": "r"})
    assert heard == ["1"]


def test_on_the_control_channel_messages_for_others_go_to_them(controls: Controls, asked: Asked) -> None:
    class Comm:
        comm_id = "ours"

    class Widget:
        comm = Comm()

        def on_msg(self, callback: Any) -> None:
            self.callback = callback

    class Kernel:
        control_handlers: dict[str, Any] = {}  # noqa: RUF012 - as the kernel has it

    others: list[Any] = []
    kernel = Kernel()
    kernel.control_handlers["comm_msg"] = lambda *message: others.append(message[2])
    widget = Widget()
    listen(kernel, widget, controls)
    handle = kernel.control_handlers["comm_msg"]
    data = {"method": "custom", "content": {"id": "1", "do": "stop", "run": "r"}}
    handle(None, None, {"content": {"comm_id": "ours", "data": data}})
    handle(None, None, {"content": {"comm_id": "theirs", "data": data}})
    assert asked.calls == [("stop", "r")]
    assert [message["content"]["comm_id"] for message in others] == ["theirs"]
    widget.callback(widget, {"id": "2", "do": "stop", "run": "r2"}, [])
    assert asked.calls[-1] == ("stop", "r2")
