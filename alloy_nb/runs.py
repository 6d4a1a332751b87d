"""Three ways to run, one loop: `run` blocks, `arun` is awaited, `start` goes on in the background."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .asking import PumpAsker, ThreadAsker, stdin_available
from .execution import Execution
from .handle import Run
from .interrupting import interrupts_cancel
from .options import Options, make_options
from .portal import PORTAL
from .pump import Pump
from .recorder import with_session
from .result import Result
from .sinks import Sink, find_sink
from .state import RunState
from .tools.approval import Asker
from .tools.workers import MAIN
from .waiting import Listener, block_on, cancellation_of

__all__ = ["FindSink", "Run", "arun", "in_background", "run", "run_awaited", "run_blocking", "start"]

#: Gives the sink for the option `display`, and for what went in beside the prompt.
FindSink = Callable[[str | None, Sequence[str]], Sink | None]

#: What `run` and `arun` take beside the options.
_BESIDE = ("prompt", "check")


def run(prompt: Any, *, check: bool = True, **options: Any) -> Result:
    """Run until done, blocking; the result, or (with `check`) the error it ended in, raised.

    May be called from any thread, also while a loop runs there; not from an async tool. Ctrl-C, or the kernel's
    interrupt, cancels the run and raises `KeyboardInterrupt` from a `Cancelled` that holds the partial result.

    >>> from alloy_nb import Scripted, run
    >>> run("Hello", model=Scripted([{"text": "Hi"}])).text
    'Hi'
    """
    PORTAL.refuse_here("run")
    return run_blocking(partial(_execution, prompt, make_options(options, _BESIDE)), check=check)


async def arun(prompt: Any, *, check: bool = True, **options: Any) -> Result:
    """Run on the caller's own loop. Cancelling it cancels the work and raises `CancelledError`.

    >>> import asyncio
    >>> from alloy_nb import Scripted, arun
    >>> asyncio.run(arun("Hello", model=Scripted([{"text": "Hi"}]))).text
    'Hi'
    """
    return await run_awaited(partial(_execution, prompt, make_options(options, _BESIDE)), check=check)


def start(prompt: Any, **options: Any) -> Run:
    """Start a run in the background and return its handle at once.

    >>> from alloy_nb import Scripted, start
    >>> run = start("Hello", model=Scripted([{"text": "Hi"}]))
    >>> "".join(run.text_stream()), run.result().status
    ('Hi', 'completed')
    """
    execution = _execution(prompt, make_options(options), background=True)
    handle = in_background(execution)
    execution.launch()
    return handle


def _execution(prompt: Any, options: Options, asker: Asker | None = None, *, background: bool = False) -> Execution:
    options, recorder = with_session(options)
    if recorder is None:
        return Execution(RunState(prompt, options, asker=asker), background=background)
    state = RunState(prompt, options, asker=asker, view=recorder.session.view, begun=recorder.started)
    recorder.fill(state.tool_state)
    return Execution(state, background=background, recorder=recorder)


# For whoever makes the run otherwise: an agent's


def run_blocking(
    make: Callable[[Asker | None], Execution],
    *,
    check: bool,
    find: FindSink | None = None,
) -> Result:
    """Drive what `make` makes, on the portal, while this thread waits, shows and asks. Not on the portal's thread.

    `find` says where it is shown, unless that goes by the options alone.
    """
    MAIN.note_loop()
    with Pump() as pump:
        execution = make(PumpAsker(pump) if stdin_available() else None)
        sink = (find or find_sink)(execution.options.display, execution.inputs)
        return block_on(execution, pump, sink, check=check)


async def run_awaited(make: Callable[[Asker | None], Execution], *, check: bool) -> Result:
    """Drive what `make` makes on the running loop; a cancellation of the caller cancels it, and goes on."""
    MAIN.note_loop()
    await asyncio.sleep(0)  # a cancellation that is on its way is the caller's: it lands before there is a run
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0  # and one that comes while the run is made is one, too
    execution = make(ThreadAsker() if stdin_available() else None)
    listener = Listener(execution.options, execution.run_id)
    with interrupts_cancel(lambda: cancellation_of(execution)):
        await execution.drive(listener.hear)
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
    result = execution.settled()
    return result.check() if check else result


def in_background(execution: Execution) -> Run:
    """The handle of a run that is launched now or later; its callbacks have a thread of their own."""
    MAIN.note_loop()
    handle = Run(execution)
    listener = Listener(execution.options, execution.run_id)
    if listener.wanted:
        thread = threading.Thread(target=listener.hear_out, args=(handle,), daemon=True)
        thread.name = f"alloy-events-{handle.run_id}"
        thread.start()
    return handle
