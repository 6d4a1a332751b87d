"""Claude, at Anthropic or at whoever speaks its Messages API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from ..errors import (
    BadRequestError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
    StreamError,
)
from ..keywords import keywords_told
from ..options import PROVIDER_OPTIONS
from ._clients import ClientFactory
from ._failures import Vocabulary
from ._payload import load_json
from ._settings import check_headers
from .anthropic_body import beta_features, encode
from .anthropic_decoder import AnthropicDecoder
from .anthropic_models import family_of
from .anthropic_schema import output_schema
from .base import OutputForms, Request
from .http import Encoded
from .keys import Secret
from .vendor import VendorProvider

__all__ = ["Anthropic"]

API_VERSION = "2023-06-01"
BETA_HEADER = "anthropic-beta"

#: Said, with no code of its own, when money is what lacks; waiting does not mend it.
_SPENT = ("credit balance is too low", "specified api usage limits", "spend limit")
_SPENT_HINT = "the credit or the spending limit is used up: see Plans & Billing in the Claude Console"
#: Models asked for at once, and the most lists that are read.
_PAGE, _MOST_PAGES = 1000, 20

_NATIVE = OutputForms(fits=lambda schema: output_schema(schema) is not None)
_BY_TOOL = OutputForms("tool", "tool")


@keywords_told
class Anthropic(VendorProvider):
    """A Claude model.

    The system prompt, the tools and the conversation so far are kept in the service's prompt cache; ``cache=False``
    does without. `headers` may name beta features in ``anthropic-beta``. Tools that run on Anthropic's side go into
    ``extra_body={"tools": [...]}`` and are added to the run's own. `base_url` is what comes before ``/messages``.

    >>> Anthropic("claude-sonnet-4-6", base_url="http://localhost:8080")
    Anthropic('claude-sonnet-4-6', base_url='http://localhost:8080/v1')
    """

    name = "anthropic"
    options = frozenset(PROVIDER_OPTIONS)
    endings = ("/messages",)
    vocabulary: ClassVar[Vocabulary] = Vocabulary(
        codes={
            "overloaded_error": OverloadedError,
            "rate_limit_error": RateLimitError,
            "timeout_error": ProviderTimeout,
            "request_too_large": ContextOverflowError,
        },
        codes_alone={"api_error": ServerError, "not_found_error": BadRequestError},
        words=(("exceed context limit", ContextOverflowError), *((phrase, RateLimitError) for phrase in _SPENT)),
        quota=frozenset({"billing_error"}),
    )

    def __init__(
        self,
        model: str,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: ClientFactory | None = None,
        cache: bool = True,
    ) -> None:
        checked = check_headers(headers)
        self._betas = [value.reveal() for name, value in checked.items() if name.lower() == BETA_HEADER]
        others = {name: value.reveal() for name, value in checked.items() if name.lower() != BETA_HEADER}
        self.cache = cache
        self.output_forms = _NATIVE if isinstance(model, str) and family_of(model).schemas else _BY_TOOL
        super().__init__(model, api_key=api_key, base_url=base_url, headers=others, http_client=http_client)

    def complete_address(self, address: str) -> str:
        """… Services that speak this API beside their own do so below ``/anthropic/v1``, and leave out the end."""
        complete = super().complete_address(address)
        base, mark, query = complete.partition("?")
        return f"{base}/v1{mark}{query}" if base.endswith("/anthropic") else complete

    def auth_headers(self) -> dict[str, str]:
        key = {"x-api-key": self._api_key.reveal()} if self._api_key else {}
        return {"anthropic-version": API_VERSION, **key}

    def encode(self, request: Request) -> Encoded:
        body = encode(request, self.model, provider=self.own, cache=self.cache, key=self.encoding_key)
        betas = _joined([*self._betas, *beta_features(body, self.model)])
        return "/messages", {BETA_HEADER: betas} if betas else {}, body

    def decoder(self) -> AnthropicDecoder:
        return AnthropicDecoder(self.own, classify=lambda body: self.classify(None, {}, body))

    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> ProviderError:
        error = super().classify(status, headers, body)
        if isinstance(error, RateLimitError) and any(phrase in error.message.lower() for phrase in _SPENT):
            error.retryable, error.hint = False, _SPENT_HINT
        error.request_id = error.request_id or _request_id(body)
        return error

    async def models(self) -> Sequence[str]:
        """The names of the models that the service offers, sorted."""
        names: list[str] = []
        path = f"/models?limit={_PAGE}"
        for _ in range(_MOST_PAGES):
            answer = await self.get_json(path)
            listed = answer.get("data") if isinstance(answer, Mapping) else None
            if not isinstance(listed, list):
                raise StreamError(f"{self.name} gave no list of models", retryable=False)
            names += [name for item in listed if isinstance(item, Mapping) and isinstance(name := item.get("id"), str)]
            last = answer.get("last_id")
            if not answer.get("has_more") or not isinstance(last, str):
                break
            path = f"/models?limit={_PAGE}&after_id={quote(last, safe='')}"
        return sorted(set(names))


def _request_id(body: Any) -> str | None:
    """Not every gateway hands on the header that says it."""
    told = load_json(body.encode()) if isinstance(body, str) else body
    found = told.get("request_id") if isinstance(told, Mapping) else None
    return found if isinstance(found, str) else None


def _joined(values: Iterable[str]) -> str:
    """Comma-separated values as one, each feature once, in the order in which they came."""
    features = (feature.strip() for value in values for feature in value.split(","))
    return ",".join(dict.fromkeys(filter(None, features)))
