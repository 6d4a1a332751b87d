"""Mistral's own service: Chat Completions with thinking among the words, and ids of nine characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ..errors import ConfigError, RateLimitError
from ..keywords import keywords_told
from ..messages import Audio, Document
from ._failures import Vocabulary
from ._fitting import fit_id
from ._parts import data_url
from .base import OutputForms
from .chat import ChatDialect
from .efforts import effort_of
from .vendor import VendorProvider
from .wired import Wire, WiredProvider

__all__ = ["Mistral"]

_ID = re.compile(r"[A-Za-z0-9]{9}")


def _nine(call_id: str) -> str:
    return fit_id(call_id, _ID, 9)


# How models are asked to think


def _prompt_mode(thinking: bool | str | int) -> dict[str, Any]:
    return {"prompt_mode": None if effort_of(thinking) == "none" else "reasoning"}


def _on_or_off(thinking: bool | str | int) -> dict[str, Any]:
    return {"reasoning_effort": "none" if effort_of(thinking) == "none" else "high"}


def _levels(thinking: bool | str | int) -> dict[str, Any]:
    return {"reasoning_effort": "high" if thinking is True else effort_of(thinking)}


def _never(thinking: bool | str | int) -> dict[str, Any]:
    if effort_of(thinking) == "none":
        return {}
    raise ConfigError("this model does not think", hint="leave `thinking` out, or choose magistral-medium-latest")


#: By the beginning of a model's name; the others take levels.
_WAYS: tuple[tuple[str, Callable[[bool | str | int], dict[str, Any]]], ...] = (
    ("magistral", _prompt_mode),
    ("mistral-small", _on_or_off),
    ("mistral-medium", _on_or_off),
    ("ministral", _never),
    ("codestral", _never),
    ("devstral", _never),
    ("pixtral", _never),
    ("voxtral", _never),
    ("open-", _never),
)


# Its own forms of parts


def _document(part: Document) -> dict[str, Any] | None:
    if not (part.url or part.data):
        return None
    name = {"document_name": part.name} if part.name else {}
    return {"type": "document_url", "document_url": part.url or data_url(part), **name}


def _audio(part: Audio) -> dict[str, Any] | None:
    if not (part.url or part.data):
        return None
    return {"type": "input_audio", "input_audio": part.url or part.base64}


_CHAT = ChatDialect(
    stream_options=False,
    reasoning_fields=(),
    reasoning_parts=True,
    tool_choices={"auto": "auto", "required": "any", "none": "none"},
    call_id=_nine,
    result_name=True,
    answer_to_results=True,
    empty_answers=False,
    forms={"document": _document, "audio": _audio},
    # It takes no response format beside tools.
    output_forms=OutputForms(beside_tools="tool"),
)


@keywords_told
class Mistral(VendorProvider, WiredProvider):
    """A model of Mistral; the key is looked for in `MISTRAL_API_KEY`.

    >>> Mistral("mistral-large-latest", api_key="sk-0")
    Mistral('mistral-large-latest', base_url='https://api.mistral.ai/v1')
    """

    name = "mistral"
    wires: ClassVar[Mapping[str, Wire]] = {"chat": _CHAT}
    endings = ("/chat/completions",)
    vocabulary = Vocabulary(
        codes_alone={
            "1300": RateLimitError,
            "rate_limited": RateLimitError,
            "3505": RateLimitError,
            "service_tier_capacity_exceeded": RateLimitError,
        },
    )

    def __init__(self, model: str, **settings: Any) -> None:
        super().__init__(model, **settings)
        way = next((way for beginning, way in _WAYS if model.startswith(beginning)), _levels)
        self.wire = replace(_CHAT, thinking=way)
