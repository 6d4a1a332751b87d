"""Three ways to run, one loop: `run` blocks, `arun` is awaited, `start` goes on in the background."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from .asking import PumpAsker, ThreadAsker, stdin_available
from .execution import Execution
from .handle import Run
from .options import make_options
from .portal import PORTAL
from .pump import Pump
from .result import Result
from .sinks import find_sink
from .state import RunState
from .tools.workers import MAIN
from .waiting import Listener, block_on

__all__ = ["Run", "arun", "run", "start"]


def run(prompt: Any, *, check: bool = True, **options: Any) -> Result:
    """Run until done, blocking; the result, or (with `check`) the error it ended in, raised.

    May be called from any thread, also while a loop runs there; not from an async tool. Ctrl-C, or the kernel's
    interrupt, cancels the run and raises `KeyboardInterrupt` from a `Cancelled` that holds the partial result.

    >>> from alloy_nb import Scripted, run
    >>> run("Hello", model=Scripted([{"text": "Hi"}])).text
    'Hi'
    """
    PORTAL.refuse_here("run")
    MAIN.note_loop()
    checked = make_options(options)
    with Pump() as pump:
        asker = PumpAsker(pump) if stdin_available() else None
        execution = Execution(RunState(prompt, checked, asker=asker))
        sink = find_sink(checked.display)
        return block_on(execution, pump, sink, check=check)


async def arun(prompt: Any, *, check: bool = True, **options: Any) -> Result:
    """Run on the caller's own loop. Cancelling it cancels the work and raises `CancelledError`.

    >>> import asyncio
    >>> from alloy_nb import Scripted, arun
    >>> asyncio.run(arun("Hello", model=Scripted([{"text": "Hi"}]))).text
    'Hi'
    """
    MAIN.note_loop()
    asker = ThreadAsker() if stdin_available() else None
    execution = Execution(RunState(prompt, make_options(options), asker=asker))
    listener = Listener(execution.options)
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    await execution.drive(listener.hear)
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
    result = execution.settled()
    return result.check() if check else result


def start(prompt: Any, **options: Any) -> Run:
    """Start a run in the background and return its handle at once.

    >>> from alloy_nb import Scripted, start
    >>> run = start("Hello", model=Scripted([{"text": "Hi"}]))
    >>> "".join(run.text_stream()), run.result().status
    ('Hi', 'completed')
    """
    MAIN.note_loop()
    execution = Execution(RunState(prompt, make_options(options)), background=True)
    handle = Run(execution)
    listener = Listener(execution.options)
    if listener.wanted:
        thread = threading.Thread(target=listener.hear_out, args=(handle,), daemon=True)
        thread.name = f"alloy-events-{handle.run_id}"
        thread.start()
    execution.launch()
    return handle
