"""Google's Gemini models."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from ..errors import (
    AuthError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
    StreamError,
)
from ..keywords import keywords_told
from ._failures import Vocabulary
from .base import NATIVE, OutputForms, Request
from .gemini import GeminiWire
from .gemini_thinking import generation
from .http import Encoded
from .interactions import InteractionsWire
from .vendor import VendorProvider
from .wired import Wire, WiredProvider

__all__ = ["Google"]

_STREAMED = {":generateContent": ":streamGenerateContent?alt=sse", "/interactions": "/interactions?alt=sse"}
#: A limit that is a day's, as an error's details name it, or one of nothing: no wait of seconds helps.
_SPENT = re.compile(r'"(?:quotaId|quota_limit)":\s*"[^"]*PerDay|"(?:quotaValue|quota_limit_value)":\s*"0"')
_MOST_PAGES = 100


@keywords_told
class Google(VendorProvider, WiredProvider):
    """A Gemini model, by Google's generateContent or, with ``api="interactions"``, by its Interactions API.

    `model` is its name, with or without ``models/`` before it. A `base_url` of Vertex AI goes as far as
    ``/publishers/google``; its token is given by ``headers={"Authorization": "Bearer …"}``.

    >>> Google("models/gemini-2.5-flash", api_key="k")
    Google('gemini-2.5-flash', base_url='https://generativelanguage.googleapis.com/v1beta')
    """

    name = "google"
    wires: ClassVar[Mapping[str, Wire]] = {"generate": GeminiWire(), "interactions": InteractionsWire()}
    endings = ("/chat/completions", "/openai", "/models")
    vocabulary = Vocabulary(
        codes={
            "api_key_invalid": AuthError,
            "api_key_expired": AuthError,
            "api_key_service_blocked": AuthError,
            "unauthenticated": AuthError,
            "permission_denied": AuthError,
        },
        codes_alone={
            "resource_exhausted": RateLimitError,
            "unavailable": OverloadedError,
            "deadline_exceeded": ProviderTimeout,
        },
        words=(
            ("exceeds the maximum number of tokens", ContextOverflowError),
            ("api key not valid", AuthError),
            ("api key expired", AuthError),
        ),
        statuses={499: ServerError, 504: ProviderTimeout},
    )

    def __init__(self, model: str, **settings: Any) -> None:
        super().__init__(model.removeprefix("models/") if isinstance(model, str) else model, **settings)
        # Before Gemini 3 a request with both tools and a schema is refused.
        self.output_forms = NATIVE if generation(self.model) >= (3, 0) else OutputForms(beside_tools="tool")

    def encode(self, request: Request) -> Encoded:
        path, headers, body = super().encode(request)
        # A tuned model, or one of Vertex AI, is named with the path to it.
        model = self.model if "/" in self.model else f"models/{self.model}"
        return path.format(model=quote(model, safe="/@")), headers, body

    def streamed(self, encoded: Encoded) -> Encoded:
        path, headers, body = super().streamed(encoded)
        ending = next(ending for ending in _STREAMED if path.endswith(ending))
        return path.removesuffix(ending) + _STREAMED[ending], headers, body

    def auth_headers(self) -> dict[str, str]:
        return {"x-goog-api-key": self._api_key.reveal()} if self._api_key else {}

    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> ProviderError:
        error = super().classify(status, headers, body)
        if isinstance(error, RateLimitError):
            text = body if isinstance(body, str) else json.dumps(body, default=str)
            if _SPENT.search(text):
                error.retryable = False
                error.hint = "today's quota is used up, or there is none for this model: check the plan and billing"
        return error

    async def models(self) -> Sequence[str]:
        """The names of the models that answer, sorted."""
        names: set[str] = set()
        query = "/models?pageSize=1000"
        path = query
        for _ in range(_MOST_PAGES):
            page = await self.get_json(path)
            listed = page.get("models", []) if isinstance(page, Mapping) else None
            if not isinstance(listed, list):
                raise StreamError(f"{self.name} gave no list of models", retryable=False)
            names.update(_names(listed))
            token = page.get("nextPageToken")
            if not token:
                break
            path = f"{query}&pageToken={quote(str(token), safe='')}"
        return sorted(names)


def _names(models: Sequence[Any]) -> list[str]:
    """Of those that generate content; a list that does not say what its models do is taken whole."""
    return [
        str(model["name"]).removeprefix("models/")
        for model in models
        if isinstance(model, Mapping)
        and isinstance(model.get("name"), str)
        and "generateContent" in model.get("supportedGenerationMethods", ["generateContent"])
    ]
