"""DeepSeek's own service: Chat Completions with a mode that thinks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ..errors import BadRequestError, ConfigError, ProviderError
from ..keywords import keywords_told
from ._failures import Vocabulary
from .base import OutputForms, Request
from .chat import ChatDialect
from .efforts import effort_of
from .http import Encoded
from .responses import DEEPSEEK
from .vendor import VendorProvider
from .wired import Wire, WiredProvider

__all__ = ["DeepSeek"]

#: The one name under which a model does not think unless it is asked to.
_PLAIN = "deepseek-chat"
_ECHO_WORDS = "reasoning_content"


def _thinking(thinking: bool | str | int) -> dict[str, Any]:
    """The service maps levels that it does not have to those it has."""
    effort = effort_of(thinking)
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    asked = {"thinking": {"type": "enabled"}}
    return asked if thinking is True else {**asked, "reasoning_effort": effort}


#: Each answer must come back with its thinking, "" where there was none.
_CHAT = ChatDialect(
    reasoning_fields=("reasoning_content",),
    reasoning_echo="reasoning_content",
    thinking=_thinking,
    output_format="json_object",
    output_forms=OutputForms("tool", "tool", forced=False),
    media=frozenset(),
)


@keywords_told
class DeepSeek(VendorProvider, WiredProvider):
    """A model of DeepSeek; the key is looked for in `DEEPSEEK_API_KEY`.

    Most of its models take words only: pictures, sound and PDF are named in words. A tool cannot be forced while it
    thinks, which all its models but ``deepseek-chat`` do unless ``thinking=False``.

    >>> DeepSeek("deepseek-chat", api_key="sk-0")
    DeepSeek('deepseek-chat', base_url='https://api.deepseek.com')
    """

    name = "deepseek"
    wires: ClassVar[Mapping[str, Wire]] = {"chat": _CHAT, "responses": DEEPSEEK}
    endings = ("/chat/completions", "/responses")
    vocabulary = Vocabulary(words=(("thinking mode does not support", BadRequestError),))

    def __init__(self, model: str, **settings: Any) -> None:
        super().__init__(model, **settings)
        if model == _PLAIN and self.output_forms is not None:
            self.output_forms = replace(self.output_forms, forced=True)
        if "vision" in model:
            wire: Any = self.wire
            self.wire = replace(wire, media=frozenset({"image"}))

    def encode(self, request: Request) -> Encoded:
        encoded = super().encode(request)
        forced = request.tools and request.tool_choice not in (None, "auto", "none")
        if forced and self._thinks(encoded[2]):
            raise ConfigError(
                f"{self.model} takes no tool_choice {request.tool_choice!r} while it thinks",
                hint='set thinking=False, or tool_choice="auto"',
            )
        return encoded

    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> ProviderError:
        error = super().classify(status, headers, body)
        if _ECHO_WORDS in error.message:
            error.hint = "the history holds answers of another kind: start afresh, or set thinking=False"
        return error

    def _thinks(self, body: Mapping[str, Any]) -> bool:
        thinking, reasoning = body.get("thinking"), body.get("reasoning")
        if isinstance(thinking, Mapping):
            return thinking.get("type") != "disabled"
        if isinstance(reasoning, Mapping):
            return reasoning.get("effort") != "none"
        return self.model != _PLAIN
