"""How much of a conversation an Ollama model would read: what is over is cut at the beginning, without a word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..messages import Image, Message
from ._payload import JSONArray
from .base import Request

__all__ = ["SURELY_FITS", "ContextWarning", "Window", "needed_tokens", "read_window"]

#: Tokens of a window that nobody set; what fits into it needs no question.
SURELY_FITS = 4096
#: Tokens kept for an answer whose length nobody set.
_ANSWER = 2048
_BYTES_PER_TOKEN = 3.5
_TOKENS_PER_IMAGE = 1000

_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d{1,12})\b", re.MULTILINE)


class ContextWarning(UserWarning):
    """A conversation is longer than the model can read: Ollama will cut its beginning, and not say so."""


@dataclass(frozen=True, slots=True)
class Window:
    """Sizes in tokens: `used` unless a request asks for another, `largest` what the model was made for."""

    used: int = SURELY_FITS
    largest: int | None = None

    def for_tokens(self, needed: int) -> int | None:
        """The window to ask for: None for the one in use anyway, else the next power of two that fits.

        >>> Window(4096, 131072).for_tokens(3000), Window(4096, 131072).for_tokens(9000)
        (None, 16384)
        >>> Window(4096, 10000).for_tokens(9000), Window(4096, 4096).for_tokens(9000)
        (10000, None)
        """
        if needed <= self.used:
            return None
        wanted = 1 << (needed - 1).bit_length()
        asked = wanted if self.largest is None else min(wanted, self.largest)
        return asked if asked > self.used else None


def read_window(shown: Mapping[str, Any]) -> Window:
    """From what /api/show says of a model.

    >>> read_window({"parameters": "num_ctx    8192", "model_info": {"llama.context_length": 131072}})
    Window(used=8192, largest=131072)
    """
    parameters = shown.get("parameters")
    given = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    info = shown.get("model_info")
    lengths = [
        value
        for name, value in (info.items() if isinstance(info, Mapping) else ())
        if name.endswith(".context_length") and isinstance(value, int) and value > 0
    ]
    return Window(int(given[1]) if given else SURELY_FITS, lengths[0] if lengths else None)


def needed_tokens(request: Request, body: Mapping[str, Any]) -> int:
    """About how many tokens the prompt and its answer come to; `body` is the request as it was encoded."""
    size = sum(map(len, _elements(body.get("messages")))) + sum(map(len, _elements(body.get("tools"))))
    images = list(_images(request.messages))
    size -= sum(4 * len(image.data) // 3 for image in images)
    answer = _ANSWER if request.max_output_tokens is None else request.max_output_tokens
    return int(size / _BYTES_PER_TOKEN) + len(images) * _TOKENS_PER_IMAGE + answer


def _elements(array: Any) -> Iterable[bytes]:
    return array.elements if isinstance(array, JSONArray) else ()


def _images(messages: Iterable[Message]) -> Iterator[Image]:
    for message in messages:
        for part in message.parts:
            if isinstance(part, Image) and part.data:
                yield part
        for result in message.tool_results:
            yield from (image for image in result.images if image.data)
