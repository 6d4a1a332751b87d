"""One loaded model a process and settings: a thread of its own that takes its jobs in order.

llama.cpp calls back into Python from C++. If the interpreter ended meanwhile, the process would crash; so the thread
is stopped and joined before that, and a stop is noticed with the next token or the next batch of the prompt.
"""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from ..errors import BadRequestError, ProviderError
from .local_load import Settings, load

__all__ = ["Engine", "Job", "engine_for"]

#: Longer than any batch of a prompt or any loading takes; then the process may as well crash.
_JOIN_SECONDS = 30.0


class Job:
    """One answer on its way. `deliver` is called on the engine's thread with each chunk, and at last with the end:
    None, or the exception that ended it. It returns False when nobody listens any more."""

    __slots__ = ("_stopped", "body", "deliver", "started")

    def __init__(self, body: dict[str, Any], deliver: Callable[[Any], bool]) -> None:
        self.body = body
        self.deliver = deliver
        self.started = False
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    @property
    def stopped(self) -> bool:
        return self._stopped

    def take(self, chunk: Any) -> bool:
        """llama.cpp's callback: True stops it."""
        for one in chunk if isinstance(chunk, list) else (chunk,):
            if self._stopped or not self.deliver(one):
                return True
        return self._stopped


class Engine:
    """Runs jobs one after the other, first come first served, from whatever loop or thread they come."""

    def __init__(self, settings: Settings, load: Callable[[Settings], Any] = load) -> None:
        self.settings = settings
        self._load = load
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._current: Job | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="alloy-local", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        if self._closed:
            raise _ending()
        self._jobs.put(job)

    def close(self) -> None:
        """Stop what runs, refuse what waits, and wait for the thread."""
        self._closed = True
        current = self._current
        if current is not None:
            current.stop()
        self._jobs.put(None)
        self._thread.join(_JOIN_SECONDS)

    def _work(self) -> None:
        # The server is held by this frame alone: a fork has this frame but not its threads, and must never run
        # the destructor that would wait for them.
        server: Any = None
        while (job := self._jobs.get()) is not None:
            self._current = job
            error: BaseException | None = None
            if self._closed:
                error = _ending()
            elif not job.stopped:
                try:
                    server = server or self._load(self.settings)
                    job.started = True
                    server.handle_chat_completions(job.body, job.take)
                except BaseException as raised:  # noqa: BLE001 - it belongs to whoever waits for the job
                    error = _as_provider_error(raised)
            self._current = None
            job.deliver(error)
        if _in_fork:
            _keep_for_ever(server)


def _as_provider_error(raised: BaseException) -> ProviderError:
    if isinstance(raised, ProviderError):
        return raised
    if isinstance(raised, ValueError):
        # Raised for a schema that it can make no grammar of.
        error: ProviderError = BadRequestError(
            f"the local model cannot be held to this schema: {raised}", hint="use a simpler `output` type or tool"
        )
    else:
        error = ProviderError(f"the local model failed: {type(raised).__name__}: {raised}", hint="try again")
    error.__cause__ = raised
    return error


def _ending() -> ProviderError:
    return ProviderError("the process is ending", hint="ask before the program's last line, and wait for the answer")


_lock = threading.Lock()
_engines: dict[Settings, Engine] = {}
_prepared = False
_in_fork = False


def engine_for(settings: Settings) -> Engine:
    """The engine of these settings, started when there is none yet."""
    with _lock:
        _prepare()
        engine = _engines.get(settings)
        if engine is None:
            engine = _engines[settings] = Engine(settings)
        return engine


def _prepare() -> None:
    """Have the threads joined before the interpreter ends, and forgotten in a fork."""
    global _prepared
    if _prepared:
        return
    # `atexit` runs too late for some: daemon threads of others may by then wait for an answer of ours for ever.
    register = getattr(threading, "_register_atexit", atexit.register)
    try:
        register(close_all)
    except RuntimeError as error:
        raise _ending() from error
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
    _prepared = True


def close_all() -> None:
    with _lock:
        engines = list(_engines.values())
        _engines.clear()
    for engine in engines:
        engine.close()


def _forget() -> None:
    """In a fork: neither the threads nor what the lock guarded are of any use."""
    global _lock, _in_fork
    _lock = threading.Lock()
    _engines.clear()
    if "xllamacpp" in sys.modules:
        _in_fork = True
        _exit_without_destructors()


def _exit_without_destructors() -> None:
    """llama.cpp's static destructors, too, wait for threads that only the parent has, so a fork would never end.

    What is registered last runs first: ``_exit`` then gets the exit status before they are reached. Python's own
    clean-up has run by then. Systems without ``on_exit`` (macOS) do not support such a fork anyway.
    """
    import ctypes

    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):
        libc.on_exit(libc._exit, None)


def _keep_for_ever(server: Any) -> None:
    """The destructor of a server waits likewise."""
    import ctypes

    if server is not None:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(server))
