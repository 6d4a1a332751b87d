"""xAI: its Chat Completions, and its Responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ..errors import AuthError, ContentFilterError, ContextOverflowError
from ..keywords import keywords_told
from .base import OutputForms, Request
from .chat import ChatDialect
from .efforts import Family, effort_for
from .http import Encoded
from .responses import VOCABULARY
from .responses import XAI as RESPONSES
from .vendor import VendorProvider
from .wired import Wire, WiredProvider

__all__ = ["XAI"]

_NOT_REASONING = tuple(f"grok-{name}-non-reasoning" for name in ("4-fast", "4-1-fast", "4.1-fast", "4.20"))

FAMILIES = (
    Family(("grok-3-mini",), on="high", off="low", efforts={"medium": "high"}),
    Family(("grok-4.3", "grok-latest")),
    Family(("grok-2", "grok-3", "grok-beta", *_NOT_REASONING), on=None, off=None, thinks=False),
    # These think by their names alone, and refuse to be told.
    Family(("grok-4-", "grok-4.1", "grok-4.20", "grok-code"), on=None, off=None),
    Family(("grok-4.", "grok-5"), off="low"),
    Family(("grok",), on=None, off=None),
)

#: Models that are held to a schema only where there are no tools.
_OLDER = ("grok-2", "grok-3", "grok-beta")


@keywords_told
class XAI(VendorProvider, WiredProvider):
    """A model of xAI's, by Chat Completions; ``api="responses"`` for its Responses.

    The key is looked for in XAI_API_KEY.

    >>> XAI("grok-4.3", api_key="xai-example")
    XAI('grok-4.3', base_url='https://api.x.ai/v1')
    """

    name = "xai"
    vocabulary = replace(
        VOCABULARY,
        words=(
            ("maximum prompt length", ContextOverflowError),
            ("api key", AuthError),
            ("usage guidelines", ContentFilterError),
            *VOCABULARY.words,
        ),
    )
    endings = ("/chat/completions", "/responses")
    wires: ClassVar[Mapping[str, Wire]] = {
        "chat": ChatDialect(reasoning_fields=("reasoning_content",), media=frozenset({"image"})),
        "responses": RESPONSES,
    }

    def __init__(self, model: str, **settings: Any) -> None:
        super().__init__(model, **settings)
        if model.startswith(_OLDER):
            self.output_forms = OutputForms(beside_tools="tool")

    def encode(self, request: Request) -> Encoded:
        return super().encode(replace(request, thinking=effort_for(request.thinking, self.model, FAMILIES)))
