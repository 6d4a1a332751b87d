"""Ollama, on this machine, another one, or in its cloud, by its own wire."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
import warnings
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ..errors import AlloyError, BadRequestError, ConfigError, ContextOverflowError, ProviderError, StreamError
from ..keywords import keywords_told
from ..options import PROVIDER_OPTIONS, nearest
from ._environment import proxy_of, read_address
from ._failures import Vocabulary
from ._payload import load_json, to_json
from ._reading import read_body
from ._settings import check_base_url
from .base import Delta, OutputForms, Request
from .http import Encoded
from .ollama_decoder import OllamaDecoder
from .ollama_messages import encode
from .ollama_window import SURELY_FITS, ContextWarning, Window, needed_tokens, read_window
from .vendor import VendorProvider
from .vendors import VENDORS

if TYPE_CHECKING:
    import http.client

__all__ = ["ContextWarning", "Ollama", "complete_address", "running_models"]

_log = logging.getLogger(__name__)

_PORT = 11434
_CLOUD = "ollama.com"
_CLOUD_ADDRESS = f"https://{_CLOUD}/api"
_HERE = "127.0.0.1"
#: Where a server listens, which is no address to ask.
_EVERYWHERE = ("", "0.0.0.0", "::")
#: What people copy along with the address, of this wire and of OpenAI's.
_ENDINGS = ("/chat/completions", "/api/chat", "/v1", "/api")
_LARGEST_FACTS = 16 * 1024 * 1024
_LOOK_SECONDS = 0.3
#: How long a question about the model that failed is not asked again.
_NOT_AGAIN_SECONDS = 60.0
#: What a look at a server that is none ends in.
_NOBODY = (OSError, ValueError, LookupError, TypeError, RecursionError, ConfigError)
#: Models that make vectors of texts, by the words in their names or families.
_EMBEDS = re.compile(r"bert|embed|minilm|rerank|\b(bge|gte|e5)\b", re.IGNORECASE)

#: What to do, by words of the server's message.
_HINTS: tuple[tuple[str, str], ...] = (
    ("does not support thinking", "leave `thinking` out, or choose a model that thinks"),
    (
        "does not support tools",
        "leave `tools` and `skills` out, or choose a model from https://ollama.com/search?c=tools",
    ),
    ("does not support chat", "it makes vectors, not answers: choose another model"),
    ("requires more system memory", "choose a smaller model or a stronger quantization of it"),
    ("unauthorized", "set OLLAMA_API_KEY (for a server without https: api_key=...), or run `ollama signin`"),
)
_HOPELESS = "requires more system memory"


@keywords_told
class Ollama(VendorProvider):
    """A model of an Ollama server; where it answers is looked for in `OLLAMA_HOST`.

    `base_url` takes the forms of that variable. No key is needed but for its cloud, ``https://ollama.com``; it is
    looked for in `OLLAMA_API_KEY`. Where a key is all there is, and no server listens on this machine, the cloud is
    asked. A key that was found goes over https alone; one given as `api_key` anywhere. A conversation that is longer
    than the window in use gets a larger one, up to the model's own; ``extra_body={"options": {"num_ctx": …}}`` says
    otherwise.

    >>> Ollama("llama4", base_url="0.0.0.0")
    Ollama('llama4', base_url='http://127.0.0.1:11434/api')
    """

    name = "ollama"
    framing = "ndjson"
    options = frozenset(PROVIDER_OPTIONS) - {"tool_choice"}
    # A grammar for the answer would keep the model from calling tools.
    output_forms = OutputForms(beside_tools="tool", forced=False)
    vocabulary = Vocabulary(
        words=(
            ("exceeds the context length", ContextOverflowError),
            ("exceeds maximum context length", ContextOverflowError),
            ("does not support", BadRequestError),
            ("not found", BadRequestError),
        )
    )

    def __init__(self, model: str, **settings: Any) -> None:
        super().__init__(model, **settings)
        self._window: Window | None = None
        self._ask_again = 0.0  # not before this moment of the monotonic clock
        #: Sizes, as powers of two, of the conversations that a warning was given for.
        self._warned: set[int] = set()

    @property
    def context_window(self) -> int | None:
        """The most that the model reads, in tokens; None until it was asked with more than a few thousand."""
        window = self._window
        return None if window is None or window.largest is None else max(window.largest, window.used)

    @classmethod
    def settle(cls, address: str | None, key: str | None, *, found: bool) -> tuple[str, str | None]:
        """Where it is asked and with which key: one that was only found goes over no open connection."""
        home = VENDORS[cls.name].address
        if address is None and key:
            # A key that is given means the cloud; one that lies there may be for something else.
            address = home if found and _listens(home) else _CLOUD_ADDRESS
        address = complete_address(address or home)
        safe = urlsplit(address).scheme == "https"
        return address, key if safe or not found else None

    def complete_address(self, address: str) -> str:
        return complete_address(address)

    def encode(self, request: Request) -> Encoded:
        return "/chat", {}, encode(request, self.model, provider=self.own, key=self.encoding_key)

    def decoder(self) -> OllamaDecoder:
        return OllamaDecoder(classify=lambda body: self.classify(None, {}, body))

    async def prepare(self, request: Request) -> Request:
        """The request with a window that holds it; the server's own would cut it silently."""
        given = (request.extra_body or {}).get("options")
        if isinstance(given, Mapping) and "num_ctx" in given:
            return request
        needed = needed_tokens(request, self.encode(request)[2])
        if needed <= SURELY_FITS or urlsplit(self.base_url).hostname == _CLOUD:
            return request
        window = await self._known_window()
        if window.largest is not None and needed > max(window.largest, window.used):
            self._warn(needed, max(window.largest, window.used))
        asked = window.for_tokens(needed)
        if asked is None:
            return request
        options = {**dict(given or {}), "num_ctx": asked}
        return replace(request, extra_body={**(request.extra_body or {}), "options": options})

    async def models(self) -> Sequence[str]:
        """The names of the models that are installed, sorted."""
        answer = await self.get_json("/tags")
        if not isinstance(answer, Mapping) or not isinstance(answer.get("models"), list):
            raise StreamError("ollama gave no list of models", retryable=False)
        return sorted(_names(answer["models"]))

    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> ProviderError:
        error = super().classify(status, headers, body)
        said = error.message.lower()
        error.hint = next((hint for words, hint in _HINTS if words in said), error.hint)
        if _HOPELESS in said:
            error.retryable = False
        if _is_missing_model(error):
            error.hint = f"`ollama pull {self.model}` fetches it"
        return error

    # Between the lines of HTTPProvider

    async def _guarded(self, request: Request, *, stream: bool) -> AsyncGenerator[Sequence[Delta], None]:
        try:
            async with aclosing(super()._guarded(request, stream=stream)) as bursts:
                async for burst in bursts:
                    yield burst
            return
        except BadRequestError as error:
            failure = error
        if _is_missing_model(failure):
            failure.hint = f"{failure.hint}{await self._installed()}"
        raise failure

    def _failure(self, error: Exception, *, answering: bool) -> AlloyError:
        import httpx2

        failure = super()._failure(error, answering=answering)
        nobody = isinstance(error, httpx2.ConnectError) and getattr(failure, "retryable", False)
        if nobody and proxy_of(self.base_url) is None and urlsplit(self.base_url).hostname != _CLOUD:
            failure.hint = "is Ollama running? `ollama serve` starts it; OLLAMA_HOST or base_url say where it answers"
        return failure

    async def _installed(self) -> str:
        """What is there instead of a model that is not, for a hint."""
        try:
            installed = await self.models()
        except AlloyError:
            return ""
        near = nearest(self.model, list(installed))
        if near:
            return f"; or did you mean {near!r}, which is installed?"
        return f"; installed are {', '.join(installed[:5])}" if installed else ""

    async def _known_window(self) -> Window:
        """The model's, asked for once; the usual one, without a limit, for a while after that failed."""
        if self._window is None:
            if time.monotonic() < self._ask_again:
                return Window()
            try:
                body = to_json({"model": self.model})
                async with self._opened("POST", "/show", {}, body, timeout=5.0) as response:
                    shown = load_json(await read_body(response, _LARGEST_FACTS))
            except Exception as error:  # noqa: BLE001 - the answer matters, not what is known of the model
                _log.debug("nothing is known of %s: %s", self.model, type(error).__name__)
                self._ask_again = time.monotonic() + _NOT_AGAIN_SECONDS
                return Window()
            self._window = read_window(shown if isinstance(shown, dict) else {})
        return self._window

    def _warn(self, needed: int, largest: int) -> None:
        size = needed.bit_length()
        if size in self._warned:
            return
        self._warned.add(size)
        warnings.warn(
            f"the conversation and its answer come to about {needed} tokens, and {self.model} reads {largest}: "
            "Ollama will cut the beginning silently. Start afresh, or choose a model with a larger window",
            ContextWarning,
            stacklevel=2,
        )


def complete_address(address: str) -> str:
    """Where the wire's paths begin, from any form that `OLLAMA_HOST` takes.

    >>> complete_address("myhost"), complete_address("https://x.test/v1/")
    ('http://myhost:11434/api', 'https://x.test/api')
    """
    scheme, separator, rest = address.strip().rpartition("://")
    if not separator:
        host, _, path = rest.partition("/")
        if host.count(":") > 1 and not host.startswith("["):
            rest = f"[{host}]/{path}"
        scheme = "https" if host.partition(":")[0] == _CLOUD else "http"
    parts = read_address(f"{scheme}://{rest}")
    user, at, _ = parts.netloc.rpartition("@")
    host = parts.hostname or ""
    host = _HERE if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    port = parts.port or (None if separator or scheme == "https" else _PORT)
    path = parts.path.rstrip("/")
    for ending in _ENDINGS:
        path = path.removesuffix(ending)
    netloc = f"{user}{at}{host}{f':{port}' if port else ''}"
    return check_base_url(urlunsplit((parts.scheme, netloc, f"{path}/api", parts.query, "")))


def running_models(address: str = "") -> list[str]:
    """The installed models that chat, the one that was fetched last first; none when no server answers at once."""
    import http.client

    try:
        found = json.loads(_look(complete_address(address or VENDORS["ollama"].address), "/tags"))
        models = [item for item in found["models"] if isinstance(item, Mapping) and _chats(item)]
    except (*_NOBODY, http.client.HTTPException) as error:
        _log.debug("no Ollama: %s", type(error).__name__)
        return []
    models.sort(key=lambda item: str(item.get("modified_at") or ""), reverse=True)
    return _names(models)


def _listens(address: str) -> bool:
    """Whether a server is there; on this machine that is known at once."""
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or _HERE, parts.port or 80), _LOOK_SECONDS):
            return True
    except OSError:
        return False


def _look(base_url: str, path: str) -> bytes:
    parts = urlsplit(base_url)
    connection = _connection(parts)
    try:
        connection.request("GET", urlunsplit(("", "", parts.path + path, parts.query, "")))
        response = connection.getresponse()
        return response.read(_LARGEST_FACTS) if response.status == 200 else b""
    finally:
        connection.close()


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    import http.client

    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or _HERE, parts.port, timeout=_LOOK_SECONDS)


def _chats(item: Mapping[str, Any]) -> bool:
    can = item.get("capabilities")
    if isinstance(can, list):
        return "completion" in can
    details = item.get("details")
    details = details if isinstance(details, Mapping) else {}
    words = (item.get("name"), item.get("model"), details.get("family"))
    return not any(_EMBEDS.search(word) for word in words if isinstance(word, str))


def _names(models: Sequence[Any]) -> list[str]:
    named = (item.get("name") or item.get("model") for item in models if isinstance(item, Mapping))
    return [name for name in named if isinstance(name, str) and name]


def _is_missing_model(error: ProviderError) -> bool:
    return error.status == 404 and "model" in error.message.lower()
