"""What a page asks of the kernel: stop, answers to questions, snapshots. By whichever way it arrives, and once."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, get_args

from ...tools.approval import Decision, Remember

__all__ = ["ROUTES", "TARGET", "Controls", "Page", "listen"]

logger = logging.getLogger("alloy_nb")

#: The ways by which a page tries to reach a kernel that may be busy, in this order. A message on the kernel's control
#: channel arrives on each ipykernel; a page may have none of its own. A comm that the page opened and the kernel never
#: answers on arrives on 7.1 and later while a cell blocks, and so does a widget's own message, by `_unbind`.
ROUTES = ("control", "comm", "message")
#: The target of the page's own comm.
TARGET = "alloy_nb.control"

#: So many are remembered, so that what comes twice, by two ways, is done once.
_REMEMBERED = 1_000
_LONGEST_REASON = 2_000
_LONGEST_ID = 200


class Page(Protocol):
    """What the page's requests come to; each may be called on any thread. `name` is a run's, see `LiveRun`.

    False for what is not known here: then it is as if nothing was heard.
    """

    def ready(self) -> bool: ...

    def hello(self, name: str) -> bool: ...

    def stop(self, name: str) -> bool: ...

    def decide(self, name: str, call_id: str, decision: Decision) -> bool: ...

    def sync(self, name: str) -> bool: ...

    def want(self, asset: str) -> bool: ...


class Controls:
    """Reads requests. What was done is acknowledged, however often it comes; what is no request is passed over.

    What is acknowledged is a request's id and, behind a blank, the route by which it came, where that is known.
    """

    def __init__(self, page: Page, acknowledge: Callable[[str], None]) -> None:
        self._page = page
        self._acknowledge = acknowledge
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, control: Any) -> None:
        """One request, on any thread."""
        if not isinstance(control, Mapping):
            return
        name, what = _word(control, "id"), _word(control, "do")
        action = _ACTIONS.get(what)
        if not name or action is None:
            return
        if self._done(name, partial(action, self._page, control)):
            via = _word(control, "via")
            self._acknowledge(f"{name} {via}" if via in ROUTES else name)

    def _done(self, name: str, action: Callable[[], bool]) -> bool:
        if not self._is_new(name):
            return True
        try:
            done = action()
        except Exception:
            logger.exception("a request of the page failed")
            done = False
        if not done:
            with self._lock:
                self._seen.pop(name, None)
        return done

    def _is_new(self, name: str) -> bool:
        with self._lock:
            if name in self._seen:
                return False
            self._seen[name] = None
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return True


def _word(control: Mapping[str, Any], key: str) -> str:
    value = control.get(key)
    return value if isinstance(value, str) and len(value) <= _LONGEST_ID else ""


def _decide(page: Page, control: Mapping[str, Any]) -> bool:
    reason, remember = control.get("reason"), control.get("remember")
    allowed = control.get("allow")
    if not isinstance(allowed, bool):
        return False
    how: Remember = next((known for known in get_args(Remember) if known == remember), "once")
    why = reason.strip()[:_LONGEST_REASON] if isinstance(reason, str) else ""
    decision = Decision(True, remember=how) if allowed else Decision(False, why or "the user said no")
    return page.decide(_word(control, "run"), _word(control, "call"), decision)


_ACTIONS: Mapping[str, Callable[[Page, Mapping[str, Any]], bool]] = {
    "ready": lambda page, _: page.ready(),
    "hello": lambda page, control: page.hello(_word(control, "run")),
    "stop": lambda page, control: page.stop(_word(control, "run")),
    "decide": _decide,
    "sync": lambda page, control: page.sync(_word(control, "run")),
    "want": lambda page, control: page.want(_word(control, "asset")),
}


def listen(kernel: Any, widget: Any, controls: Controls) -> None:
    """Hear requests by every way that this kernel has."""
    widget.on_msg(lambda _widget, content, _buffers: controls.take(content))
    _unbind(widget.comm)
    _hear_own_comms(controls)
    handlers = getattr(kernel, "control_handlers", None)
    if isinstance(handlers, dict):
        handlers["comm_msg"] = _on_control_channel(widget.comm.comm_id, controls, handlers.get("comm_msg"))


def _unbind(comm: Any) -> None:
    """ipykernel 7.4 hands a message to the thread that last sent on its comm: the busy one. Keep the page's choice."""
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default


def _hear_own_comms(controls: Controls) -> None:
    from comm import get_comm_manager

    def opened(comm: Any, _message: Any) -> None:
        comm.on_msg(lambda message: controls.take(message["content"]["data"]))

    get_comm_manager().register_target(TARGET, opened)


def _on_control_channel(comm_id: str, controls: Controls, other: Callable[..., Any] | None) -> Callable[..., Any]:
    """The handler of messages for our widget; messages for others go to who was there before."""

    other = getattr(other, "beside", other)  # not an earlier one of ours

    def handle(stream: Any, ident: Any, message: Mapping[str, Any]) -> Any:
        content = message.get("content") or {}
        if content.get("comm_id") != comm_id:
            return other(stream, ident, message) if other is not None else None
        controls.take((content.get("data") or {}).get("content"))
        return None

    handle.beside = other  # type: ignore[attr-defined]
    return handle
