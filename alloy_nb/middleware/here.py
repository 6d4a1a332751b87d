"""Calling the hooks of a session, where no run and perhaps no loop is there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from ..errors import ConfigError
from ..guests import is_async
from .base import HookContext, Middleware, call_hooks

__all__ = ["call_hooks_here"]


def call_hooks_here(chain: Sequence[Middleware], hook: str, ctx: HookContext) -> None:
    """Call `hook` of each middleware and wait for it, on any thread.

    Plain hooks run on this thread; where one is ``async``, they run on a loop of their own, in a thread of its own,
    since this one's may be running already. Raises what they raise, and `Halted`.
    """
    if not any(is_async(getattr(middleware, hook, None)) for middleware in chain):
        _finish_at_once(chain, hook, ctx)
        return
    failures: list[BaseException] = []

    def call() -> None:
        try:
            asyncio.run(call_hooks(chain, hook, ctx))
        except BaseException as error:  # noqa: BLE001 - raised below, on the thread that asked for it
            failures.append(error)

    thread = threading.Thread(target=call, name=f"alloy-{hook}", daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _finish_at_once(chain: Sequence[Middleware], hook: str, ctx: HookContext) -> None:
    calling = call_hooks(chain, hook, ctx)
    try:
        calling.send(None)
    except StopIteration:
        return
    finally:
        calling.close()
    raise ConfigError(f"{hook} returned something to await", hint=f"write it as `async def {hook}`")
