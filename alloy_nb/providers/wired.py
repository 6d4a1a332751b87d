"""A provider that speaks one of several wires: Chat Completions, Responses. What a wire is, and who chooses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from ..errors import ProviderError, StreamError
from ..options import wrong_choice
from .base import Request
from .http import Decoder, Encoded, HTTPProvider

__all__ = ["Wire", "WiredProvider"]


class Wire(Protocol):
    """How requests and answers look, apart from who sends them: a value, mostly a table of what differs.

    `provider` is the name under which a provider's own parts are handed back, `key` what `encode_all` wants, and
    `classify` makes an error of what the service says is one inside an answer.
    """

    @property
    def path(self) -> str: ...

    @property
    def options(self) -> frozenset[str]: ...

    def encode(self, request: Request, model: str, *, provider: str, key: object = None) -> dict[str, Any]: ...

    def streamed(self, body: Mapping[str, Any]) -> dict[str, Any]: ...

    def decoder(self, classify: Any, *, provider: str | None = None) -> Decoder: ...


class WiredProvider(HTTPProvider):
    """The base of providers whose service speaks wires of OpenAI's making; `api` chooses one, the first by default."""

    wires: ClassVar[Mapping[str, Wire]]

    def __init__(self, model: str, *, api: str | None = None, **settings: Any) -> None:
        super().__init__(model, **settings)
        self.wire = self.wires[self._checked_api(api)]
        self.options = self.wire.options
        self.output_forms = getattr(self.wire, "output_forms", None)

    def encode(self, request: Request) -> Encoded:
        body = self.wire.encode(request, self.model, provider=self.own, key=self.encoding_key)
        return self.wire.path, {}, body

    def streamed(self, encoded: Encoded) -> Encoded:
        path, headers, body = encoded
        return path, headers, self.wire.streamed(body)

    def decoder(self) -> Decoder:
        return self.wire.decoder(self.classify_inside, provider=self.own)

    def classify_inside(self, body: Any) -> ProviderError:
        """The error that a service put into an answer that began well."""
        return self.classify(None, {}, body)

    async def models(self) -> Sequence[str]:
        """The names of the models that the service offers, sorted."""
        names = _names(await self.get_json("/models"))
        if names is None:
            raise StreamError(f"{self.name} gave no list of models", retryable=False)
        return sorted(names)

    @classmethod
    def _checked_api(cls, api: str | None) -> str:
        known = list(cls.wires)
        if api is None:
            return known[0]
        if api in known:
            return api
        raise wrong_choice("api", api, known)


def _names(answer: Any) -> list[str] | None:
    """Of ``{"data": [{"id": …}]}``, as OpenAI writes it, or its cousins."""
    if isinstance(answer, Mapping):
        answer = next((answer[key] for key in ("data", "models") if isinstance(answer.get(key), list)), None)
    if not isinstance(answer, list):
        return None
    items = [item for item in answer if isinstance(item, Mapping)]
    named = (next((item[key] for key in ("id", "name", "model") if item.get(key)), None) for item in items)
    return [name for name in named if isinstance(name, str)]
