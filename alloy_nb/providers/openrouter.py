"""OpenRouter: the models of all makers behind one key, in the words of Chat Completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ..errors import ContentFilterError, ProviderError, StreamError
from ..keywords import keywords_told
from ..messages import Message
from ._settings import check_header
from .base import Request
from .chat import ChatDialect
from .efforts import effort_of
from .http import Encoded
from .responses import OPENROUTER, VOCABULARY
from .vendor import VendorProvider
from .wired import Wire, WiredProvider

__all__ = ["OpenRouter", "RoutedModel"]

#: Makers whose models cache what is marked; those of the others do so by themselves.
_MARKED = frozenset({"anthropic"})
_NO_ENDPOINT = (
    "none of the model's hosts takes what was asked for: loosen `provider=`, leave out tools or options, "
    "or see https://openrouter.ai/settings/privacy"
)


def _thinking(thinking: bool | str | int) -> dict[str, Any]:
    if isinstance(thinking, bool):
        return {"reasoning": {"enabled": thinking}}
    if isinstance(thinking, int) and thinking > 0:
        return {"reasoning": {"max_tokens": thinking}}
    return {"reasoning": {"effort": effort_of(thinking)}}


_CHAT = ChatDialect(
    # The details say the same words again, and alone where a model's maker has no other place for them.
    reasoning_fields=("reasoning", "reasoning_content", "reasoning_details"),
    kept=("reasoning_details", "annotations"),
    echoed=frozenset({"reasoning_details"}),
    provider="openrouter",
    thinking=_thinking,
    empty_answers=False,
)


@dataclass(frozen=True, slots=True)
class RoutedModel:
    """What OpenRouter says of a model today: `window` and `max_output` in tokens, prices in US dollars a token."""

    name: str
    window: int | None = None
    max_output: int | None = None
    input_price: float | None = None
    output_price: float | None = None
    cached_price: float | None = None
    cache_write_price: float | None = None


@keywords_told
class OpenRouter(VendorProvider, WiredProvider):
    """A model of any maker; the key is looked for in `OPENROUTER_API_KEY`.

    `provider` says how hosts are chosen (``{"order": ["Anthropic"], "allow_fallbacks": False}``), `models` which
    models stand in for this one, `transforms` what may be done with a prompt that is too long. `app_url` and
    `app_name` are shown in OpenRouter's lists; None sends neither.

    >>> OpenRouter("anthropic/claude-sonnet-4-6", api_key="sk-0")
    OpenRouter('anthropic/claude-sonnet-4-6', base_url='https://openrouter.ai/api/v1')
    """

    name = "openrouter"
    wires: ClassVar[Mapping[str, Wire]] = {"chat": _CHAT, "responses": OPENROUTER}
    endings = ("/chat/completions", "/responses")
    vocabulary = replace(
        VOCABULARY,
        words=(
            *VOCABULARY.words,
            ("requires moderation", ContentFilterError),
            ("input was flagged", ContentFilterError),
            ("flagged for", ContentFilterError),
        ),
    )

    def __init__(
        self,
        model: str,
        *,
        provider: Mapping[str, Any] | None = None,
        models: Sequence[str] = (),
        transforms: Sequence[str] | None = None,
        app_url: str | None = None,
        app_name: str | None = "alloy_nb",
        **settings: Any,
    ) -> None:
        super().__init__(model, **settings)
        routing = {
            "provider": dict(provider) if provider else None,
            "models": list(models) or None,
            "transforms": None if transforms is None else list(transforms),
        }
        self._routing = {name: value for name, value in routing.items() if value is not None}
        app = {"http-referer": app_url, "x-title": app_name}
        self._app = {name: check_header(name, value).reveal() for name, value in app.items() if value}
        makers = frozenset(map(_maker, (model, *models)))
        wire: Any = self.wire
        cached = {"cache_system": makers <= _MARKED} if isinstance(wire, ChatDialect) else {}
        self.wire = replace(wire, keeps=_same_maker(makers), **cached)

    def encode(self, request: Request) -> Encoded:
        path, headers, body = super().encode(request)
        return path, {**self._app, **headers}, {**self._routing, **body}

    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> ProviderError:
        error = super().classify(status, headers, body)
        if error.status == 404 and "endpoint" in error.message.lower():
            error.hint = _NO_ENDPOINT
        return error

    async def metadata(self) -> Mapping[str, RoutedModel]:
        """What the service says of its models now, by their ids."""
        answer = await self.get_json("/models")
        items = answer.get("data") if isinstance(answer, Mapping) else None
        if not isinstance(items, list):
            raise StreamError("openrouter gave no list of models", retryable=False)
        found = [_routed(item) for item in items if isinstance(item, Mapping) and isinstance(item.get("id"), str)]
        return {model.name: model for model in found}


def _maker(model: str) -> str:
    """``"anthropic"`` of ``"anthropic/claude-…"``, and of its moving names, which begin with a ``~``."""
    return model.removeprefix("~").partition("/")[0]


def _same_maker(makers: frozenset[str]) -> Any:
    """What is kept of an answer goes back to models of its maker only: the others refuse its signatures."""

    def keeps(message: Message) -> bool:
        # "openrouter/auto" is whatever the service chooses.
        return not message.model or "openrouter" in makers or _maker(message.model) in makers

    return keeps


def _routed(item: Mapping[str, Any]) -> RoutedModel:
    top, pricing = (item[name] if isinstance(item.get(name), Mapping) else {} for name in ("top_provider", "pricing"))
    return RoutedModel(
        name=item["id"],
        window=_whole(item.get("context_length")),
        max_output=_whole(top.get("max_completion_tokens")),
        input_price=_price(pricing.get("prompt")),
        output_price=_price(pricing.get("completion")),
        cached_price=_price(pricing.get("input_cache_read")),
        cache_write_price=_price(pricing.get("input_cache_write")),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _price(value: Any) -> float | None:
    """Prices are decimal numbers in strings; -1 stands for one that changes with the model chosen."""
    try:
        price = float(value)
    except (TypeError, ValueError):
        return None
    return price if price >= 0 else None
