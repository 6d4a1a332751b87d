"""Cassettes: what a real service answered, recorded once and played back ever after."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import httpx2

from ..errors import AlloyError, ConfigError
from ..options import nearest
from ..providers._clients import ClientFactory, transport_override
from ..providers.health import nothing_known
from .matching import Normalize, Shape, differences, parse_body
from .scrubbing import scrub_headers, scrub_json, secrets_of
from .tape import Answered, Asked, Exchange, read_tape, write_tape

__all__ = ["CassetteError", "Record", "Tape", "cassette"]

Record = Literal["once", "none", "all", "new"]
_Function = TypeVar("_Function", bound=Callable[..., Any])
_SHOWN_DIFFERENCES = 4


class CassetteError(AlloyError, AssertionError):
    """A request was made that is not on the cassette."""


class cassette:  # noqa: N801 - used as a function, like `contextlib.suppress`
    """Record what the services of all providers answer, once, and play it back from then on, without a network.

    A context manager and a decorator, for blocking, awaited and background runs alike, whichever provider they use:

        with cassette("tests/cassettes/weather.json"):
            result = alloy.run("How is the weather?", model="openai:gpt-5.2", tools=[weather])

    `record`: ``"once"`` records all when there is no file yet, else plays; ``"none"`` never records; ``"new"`` plays
    what is there and records the rest; ``"all"`` records everything anew. The file is written at the end, and not at
    all when the block ends in an exception. It holds no secrets and no headers of requests; compressed answers are
    stored as what they say.

    A request is known by its method, path, query and body, whatever the host and the headers; equal ones are played in
    the order of their recording. `normalize` gets each JSON body and returns it without what differs from run to run.
    One that is not there is a `CassetteError` that says what differs from the nearest one.

    `with` gives the `Tape`, whose `requests` are the bodies that were sent. A fixture is three lines:

        @pytest.fixture
        def tape():
            with cassette(Path(__file__).with_name("weather.json")) as tape:
                yield tape
    """

    def __init__(self, path: str | Path, record: Record = "once", *, normalize: Normalize | None = None) -> None:
        if record not in get_args(Record):
            near = nearest(str(record), get_args(Record))
            hint = f"did you mean {near!r}?" if near else "one of: " + ", ".join(get_args(Record))
            raise ConfigError(f"record is {record!r}", hint=hint)
        self.path = Path(path)
        self.record = record
        self.normalize = normalize
        self._open: list[tuple[Hashable, Any]] = []

    def __enter__(self) -> Tape:
        using = self._use()
        tape = using.__enter__()
        self._open.append((_whose(), using))
        return tape

    def __exit__(self, *exception: Any) -> None:
        # Blocks of several threads or tasks may overlap: each closes its own, if it can be told.
        mine = [entry for entry in tuple(self._open) if entry[0] == _whose()] or self._open
        entry = mine[-1]
        self._open.remove(entry)
        entry[1].__exit__(*exception)

    def __call__(self, function: _Function) -> _Function:
        """The function, playing and recording here whenever it is called."""
        wrapped: Any
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapped(*args: Any, **kwargs: Any) -> Any:
                with self._use():
                    return await function(*args, **kwargs)

        else:

            @functools.wraps(function)
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                with self._use():
                    return function(*args, **kwargs)

        return wrapped  # type: ignore[no-any-return]

    @contextmanager
    def _use(self) -> Iterator[Tape]:
        tape = Tape(self.path, self.record, self.normalize)
        with transport_override(tape.open_client), nothing_known():
            yield tape
        tape.save()

    def __repr__(self) -> str:
        return f"cassette({str(self.path)!r}, record={self.record!r})"


def _whose() -> Hashable:
    """The thread, and the task, that is at it."""
    task = asyncio.current_task() if asyncio._get_running_loop() else None
    return threading.get_ident(), task


class Tape:
    """A cassette in use. Any thread and loop may ask; `requests` are the bodies asked so far, without secrets."""

    def __init__(self, path: Path, record: Record, normalize: Normalize | None = None) -> None:
        self.path = path
        self.requests: list[Any] = []
        exists = path.exists()
        if record == "none" and not exists:
            raise ConfigError(f"there is no cassette {path}", hint='record="once" records it')
        self.records = record in ("all", "new") or (record == "once" and not exists)
        self._old = read_tape(path) if exists and record != "all" else []
        self._new: list[Exchange] = []
        self._normalize = normalize
        self._shapes = [Shape(exchange.asked, normalize) for exchange in self._old]
        self._unplayed = list(range(len(self._old)))
        self._lock = threading.Lock()

    async def open_client(
        self, open_real: Callable[[], Awaitable[httpx2.AsyncClient]], factory: ClientFactory | None
    ) -> httpx2.AsyncClient:
        """The client that plays or records; the real one is opened when it is needed, but for the user's own."""
        own = await open_real() if factory is not None else None
        # What the user's client adds to each request belongs to the request.
        names = ("headers", "params", "cookies", "base_url") if isinstance(own, httpx2.AsyncClient) else ()
        defaults: dict[str, Any] = {name: getattr(own, name) for name in names}
        return httpx2.AsyncClient(transport=_Transport(self, open_real), trust_env=False, **defaults)

    def play(self, asked: Asked) -> Answered | None:
        """The recorded answer; None for what is to be asked and recorded now. Raises `CassetteError`."""
        shape = Shape(asked, self._normalize)
        with self._lock:
            self.requests.append(scrub_json(parse_body(asked.body)))
            for place, index in enumerate(self._unplayed):
                if self._shapes[index] == shape:
                    del self._unplayed[place]
                    return self._old[index].answered
            if self.records:
                return None
        raise CassetteError(
            f"{shape} is not on the cassette {self.path}: {self._nearest(shape)}",
            hint='record="new" records it as well; delete the file to record everything anew',
        )

    def keep(self, asked: Asked, answered: Answered) -> None:
        """Remember an exchange that begins."""
        with self._lock:
            self._new.append(Exchange(asked, answered))

    def save(self) -> None:
        """Write the file, if anything was recorded."""
        with self._lock:
            if self._new:
                write_tape(self.path, [*self._old, *self._new])

    def _nearest(self, shape: Shape) -> str:
        if any(recorded == shape for recorded in self._shapes):
            count = sum(recorded == shape for recorded in self._shapes)
            return f"it was recorded {count} times, and asked once more"
        candidates = [recorded for recorded in self._shapes if recorded.place == shape.place]
        if not candidates:
            places = sorted({str(recorded) for recorded in self._shapes})
            return "it has " + (", ".join(places) or "nothing")
        found = min(([*differences(recorded.body, shape.body)] for recorded in candidates), key=len)
        more = len(found) - _SHOWN_DIFFERENCES
        return "the nearest one differs in " + "; ".join(
            [*found[:_SHOWN_DIFFERENCES], *([f"and {more} more places"] if more > 0 else [])]
        )


class _Transport(httpx2.AsyncBaseTransport):
    """Answers from the tape, or asks the real client and records."""

    def __init__(self, tape: Tape, open_real: Callable[[], Awaitable[httpx2.AsyncClient]]) -> None:
        self._tape = tape
        self._open_real = open_real

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        secrets_of(str(request.url), request.headers.items())
        asked = Asked(request.method, str(request.url), await request.aread())
        answered = self._tape.play(asked)
        if answered is not None:
            return httpx2.Response(answered.status, headers=answered.headers, stream=_Played(answered))
        real = await self._open_real()
        response = await real.send(request, stream=True, follow_redirects=False)
        # Signing in may be the real client's part.
        secrets_of(str(response.request.url), response.request.headers.items())
        answered = Answered(response.status_code, scrub_headers(response.headers.items()), cut=True)
        self._tape.keep(asked, answered)
        return httpx2.Response(answered.status, headers=answered.headers, stream=_Recorded(response, answered))


class _Played(httpx2.AsyncByteStream):
    def __init__(self, answered: Answered) -> None:
        self._answered = answered

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._answered.pieces:
            yield piece
            # What never waits could not be cancelled between two pieces.
            await asyncio.sleep(0)
        if self._answered.cut:
            raise httpx2.ReadError("the recording ends here")


class _Recorded(httpx2.AsyncByteStream):
    """The pieces of a real answer, remembered on their way through. Cut until its end came."""

    def __init__(self, response: httpx2.Response, answered: Answered) -> None:
        self._response = response
        self._answered = answered

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.aiter_bytes():
            self._answered.pieces.append(piece)
            yield piece
        self._answered.cut = False

    async def aclose(self) -> None:
        await self._response.aclose()
