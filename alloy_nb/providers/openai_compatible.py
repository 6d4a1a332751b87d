"""Any service that speaks Chat Completions at an address of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..errors import StreamError
from ._clients import ClientFactory
from ._environment import read_address
from ._failures import make_error
from ._http import Encoded, HTTPProvider
from .base import Request
from .chat import ChatDecoder, ChatDialect, encode, streamed
from .keys import Secret

__all__ = ["OpenAICompatible"]

_CHAT_PATH = "/chat/completions"
#: OpenAI itself refuses `max_tokens` for its newer models; hardly anybody else knows the other word.
_OPENAI_HOST = "api.openai.com"


class OpenAICompatible(HTTPProvider):
    """A model behind a Chat Completions API: OpenAI's own, vLLM, llama.cpp, LM Studio, a gateway, …

    `base_url` is what comes before ``/chat/completions``; without any path, ``/v1`` is added. `dialect` says what
    the service does differently. `name` is the word for it in messages and events.

    >>> OpenAICompatible("llama-4", base_url="http://localhost:8000")
    OpenAICompatible('llama-4', base_url='http://localhost:8000/v1')
    """

    options = frozenset(
        {
            "temperature",
            "top_p",
            "max_output_tokens",
            "stop_sequences",
            "tool_choice",
            "thinking",
            "extra_body",
        }
    )

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key: str | Secret | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: ClientFactory | None = None,
        dialect: ChatDialect | None = None,
        name: str = "openai-compatible",
    ) -> None:
        if isinstance(base_url, str):
            read_address(base_url)
        super().__init__(model, base_url=base_url, api_key=api_key, headers=headers, http_client=http_client)
        self.name = name
        self.base_url = _with_version(self.base_url)
        self.dialect = dialect or _dialect_of(self.base_url)

    def encode(self, request: Request) -> Encoded:
        return _CHAT_PATH, {}, encode(request, self.model, self.dialect, provider=self.name)

    def streamed(self, encoded: Encoded) -> Encoded:
        path, headers, body = encoded
        return path, headers, streamed(body, self.dialect)

    def decoder(self) -> ChatDecoder:
        return ChatDecoder(
            self.dialect.reasoning_fields,
            classify=lambda body: make_error(None, {}, body, service=self.name),
        )

    async def models(self) -> Sequence[str]:
        """The names of the models that the service offers, sorted."""
        names = _names(await self.get_json("/models"))
        if names is None:
            raise StreamError(f"{self.name} gave no list of models", retryable=False)
        return sorted(names)


def _with_version(base_url: str) -> str:
    parts = urlsplit(base_url)
    path = parts.path.rstrip("/").removesuffix(_CHAT_PATH).rstrip("/") or "/v1"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _dialect_of(base_url: str) -> ChatDialect:
    if urlsplit(base_url).hostname == _OPENAI_HOST:
        return replace(ChatDialect(), cap_field="max_completion_tokens")
    return ChatDialect()


def _names(answer: Any) -> list[str] | None:
    """Of ``{"data": [{"id": …}]}``, as OpenAI writes it, or its cousins."""
    if isinstance(answer, Mapping):
        answer = answer.get("data") or answer.get("models")
    if not isinstance(answer, list):
        return None
    named = (next((item[key] for key in ("id", "name", "model") if item.get(key)), None) for item in answer)
    return [name for name in named if isinstance(name, str)]
