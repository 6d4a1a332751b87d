"""The embedded default model: weights on this machine, run in this process by llama.cpp."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..articles import a_kind
from ..errors import ConfigError, ProviderTimeout
from ..keywords import keywords_told
from ..weights.catalogue import CATALOGUE
from ..weights.gguf import Header, read_header
from ..weights.store import is_present, list_stored, locate
from .base import Delta, Done, OutputForms, Request, TextDelta
from .local_layout import CHATML, ForcedCall, call_schema, describe_tools, forced_tools, in_words, narrowed

if TYPE_CHECKING:
    from .local_engine import Engine, Job
    from .local_load import Settings

__all__ = ["Local", "is_installed"]

_LARGEST_CONTEXT = 8192
_SYSTEM_PROMPT = "You are a helpful assistant."
_NOTICE = "small demo model: answers are often wrong; `alloy doctor` shows how to get a real one"


@keywords_told
class Local:
    """A model run in this process, with nothing sent anywhere: ``Local()``, ``Local("NAME")``, ``Local("x.gguf")``.

    `spec` is a name that `alloy local list` shows, or the path of a GGUF file. `context` is the window in tokens (the
    model's own, at most 8192), `threads` how many processor threads to use (all but one). Temperature is 0 unless
    the request says otherwise. Raises `ConfigError` when library or weights are missing or the file is broken.

    `tool_choice` ``"required"`` or a tool's name is honoured by a grammar: the model can only write that call, with
    arguments out of `ToolSpec.candidates` where there are some (weights of the catalogue: out of those that the user
    names, where any is named). With a free choice the weights of the catalogue are
    shown no tools, since they choose wrongly most of the time, and answer in words; other models are shown them
    where their own chat template knows of tools.
    """

    name: ClassVar[str] = "local"
    options: ClassVar[frozenset[str]] = frozenset(
        {"temperature", "top_p", "max_output_tokens", "stop_sequences", "tool_choice", "extra_body"}
    )
    constrains_arguments: ClassVar[bool] = True
    #: It tells the difference between a long prompt and silence, and keeps to `request_timeout` itself.
    watches_silence: ClassVar[bool] = True

    def __init__(
        self, spec: str | os.PathLike[str] | None = None, *, context: int | None = None, threads: int | None = None
    ) -> None:
        _require_library()
        if spec is not None and not isinstance(spec, str | os.PathLike):
            raise ConfigError(
                f"the model is {a_kind(spec)}", hint='give its name, as in Local("smollm2"), or a file\'s path'
            )
        self.model, path = locate(None if spec is None else os.fspath(spec))
        self.path = path
        header = _header(path)
        known = CATALOGUE.get(self.model) if path == _stored_path(self.model) else None
        self._small = known is not None
        self._answer_tokens = known.answer_tokens if known else None
        own_template = None if known else header.template
        #: Whether it is told of tools that it may choose to call.
        self.shows_tools = own_template is not None and "tools" in own_template
        #: A grammar holds it to a schema; one that is shown tools could then not call them.
        self.output_forms = OutputForms(beside_tools="tool" if self.shows_tools else "native", forced=False)
        self._context = context or min(header.context_length or _LARGEST_CONTEXT, _LARGEST_CONTEXT)
        self._threads = threads or max(1, _cores() - 1)
        self._template = None if own_template else CHATML
        #: What the reader of an answer should know, or None.
        self.notice = _NOTICE if known else None

    @property
    def context_window(self) -> int:
        """In tokens."""
        return self._context

    def __repr__(self) -> str:
        return f"Local({self.model!r})"

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """The answer as it comes. Closing the iterator stops the model with its next token."""
        from .chat import ChatDecoder

        decoder = ChatDecoder()
        call = ForcedCall() if forced_tools(request) else None
        chunks = self._chunks(self.encode(request), request.request_timeout)
        try:
            async for chunk in chunks:
                for delta in decoder.feed(chunk):
                    for given in _given(delta, call):
                        yield given
            for delta in decoder.end():
                for given in self._closing(delta, call):
                    yield given
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]

    async def models(self) -> Sequence[str]:
        """The names of the weights in the store."""
        return [stored.name for stored in list_stored()]

    def encode(self, request: Request) -> dict[str, Any]:
        """The body that llama.cpp is given, in the form of Chat Completions."""
        from .chat import ChatDialect, encode, streamed

        dialect = ChatDialect(effort_field=None, media=frozenset())
        body = encode(self._prepare(request), self.model, dialect, provider=self.name)
        # A sign of life after each batch of the prompt, when a stop is noticed too.
        return {"return_progress": True, **streamed(body, dialect)}

    def _prepare(self, request: Request) -> Request:
        forced = forced_tools(request)
        request = replace(
            request,
            temperature=0.0 if request.temperature is None else request.temperature,
            max_output_tokens=request.max_output_tokens or self._answer_tokens,
        )
        if forced:
            held = narrowed(forced, request.messages) if self._small else forced
            schema = call_schema(held, required_only=self._small)
            return replace(in_words(request, system_prompt=self._system(request)), output_schema=schema)
        if self.shows_tools and request.tools and request.tool_choice != "none" and not request.output_schema:
            return replace(request, tool_choice=None)
        return in_words(request, system_prompt=self._system(request))

    def _system(self, request: Request) -> str | None:
        if self._small:
            return request.system_prompt or _SYSTEM_PROMPT
        parts = (request.system_prompt, describe_tools(forced_tools(request)) if forced_tools(request) else None)
        return "\n\n".join(part for part in parts if part) or None

    def _closing(self, delta: Delta, call: ForcedCall | None) -> Iterator[Delta]:
        if isinstance(delta, Done):
            whole = delta.stop_reason != "max_tokens"
            if call is not None:
                yield from call.end(whole=whole)
            reason = "tool_use" if call is not None and call.begun and whole else delta.stop_reason
            # llama.cpp calls the model by its path.
            delta = Done(reason, self.model)
        yield delta

    async def _chunks(self, body: dict[str, Any], timeout: float | None) -> AsyncIterator[dict[str, Any]]:
        from .local_engine import Job

        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[Any] = asyncio.Queue()

        def deliver(chunk: Any) -> bool:
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, chunk)
            except RuntimeError:  # the loop was closed
                return False
            return True

        job = Job(body, deliver)
        self._engine().submit(job)
        try:
            while (chunk := await _next(arrived, job, timeout)) is not None:
                if isinstance(chunk, BaseException):
                    raise chunk
                yield chunk
        finally:
            job.stop()

    def _engine(self) -> Engine:
        from .local_engine import engine_for

        return engine_for(self._settings())

    def _settings(self) -> Settings:
        from .local_load import Settings

        return Settings(str(self.path), self._context, self._threads, self._template)


def is_installed() -> bool:
    """Could ``Local()`` work here? Nothing is imported or loaded to find out."""
    return find_spec("xllamacpp") is not None and is_present()


def _require_library() -> None:
    if find_spec("xllamacpp") is None:
        raise ConfigError(
            "the local model needs xllamacpp, which is not installed",
            hint="run `pip install xllamacpp`, or install alloy_nb with its extra [local]",
        )


def _given(delta: Delta, call: ForcedCall | None) -> Iterator[Delta]:
    """A delta as the caller sees it: the words of a forced call are the call."""
    if call is not None and isinstance(delta, TextDelta):
        yield from call.feed(delta.text)
    else:
        yield delta


async def _next(arrived: asyncio.Queue[Any], job: Job, timeout: float | None) -> Any:
    """The next chunk. Waiting for the jobs before ours, and for the loading, is not the model's silence."""
    while True:
        try:
            async with asyncio.timeout(timeout):
                return await arrived.get()
        except TimeoutError:
            if job.started:
                raise ProviderTimeout(f"the local model said nothing for {timeout:g} s") from None


def _header(path: Path) -> Header:
    stat = path.stat()
    return _cached_header(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _cached_header(path: Path, *_state: int) -> Header:
    return read_header(path)


def _stored_path(name: str) -> Path:
    from ..weights.store import models_folder

    return models_folder() / f"{name}.gguf"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
