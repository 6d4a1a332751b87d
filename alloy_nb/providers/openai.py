"""OpenAI: its Responses, and its Chat Completions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ..errors import ProviderError
from ..keywords import keywords_told
from ._fitting import fit_id
from .base import OutputForms, Request
from .chat import ChatDialect
from .efforts import Family, effort_for
from .http import Encoded
from .responses import OPENAI, VOCABULARY
from .vendor import VendorProvider
from .wired import Wire, WiredProvider

__all__ = ["OpenAI"]

_ONLY_HIGH = {"low": "high", "medium": "high"}
_ONLY_MEDIUM = {"low": "medium", "high": "medium"}

#: Newer families before the older ones whose names begin theirs.
FAMILIES = (
    Family(("gpt-6-astra", "gpt-6.2-astra"), off="low"),
    Family(("gpt-5-pro",), on="high", off=None, efforts=_ONLY_HIGH),
    Family(("gpt-5.2-pro", "gpt-5.4-pro", "gpt-5.5-pro"), off="medium", efforts={"low": "medium"}),
    Family(("gpt-5.1-chat", "gpt-5.2-chat", "gpt-5.3-chat"), off=None, efforts=_ONLY_MEDIUM),
    Family(("gpt-5.1-codex", "gpt-5-codex"), off="low"),
    Family(("gpt-5.", "gpt-6")),
    Family(OPENAI.unthinking, off=None, thinks=False),
    Family(("gpt-5",), off="minimal"),
    Family(("o1", "o3", "o4"), off="low"),
)


#: Models from before the service held any to a schema.
_LOOSE = re.compile(r"gpt-3\.5|gpt-4(-|$)|gpt-4o-2024-05-13")
_ID = re.compile(r"[^\ud800-\udfff]{1,40}")


def _short_id(call_id: str) -> str:
    return fit_id(call_id, _ID)


@keywords_told
class OpenAI(VendorProvider, WiredProvider):
    """A model of OpenAI's, by its Responses; ``api="chat"`` for Chat Completions.

    Nothing is stored at OpenAI: the conversation, with its encrypted thoughts, goes along with each request. A
    summary of the thoughts is asked for when thinking is, which OpenAI grants to verified organizations alone:
    ``extra_body={"reasoning": {"summary": None}}`` does without. The key is looked for in OPENAI_API_KEY.

    >>> OpenAI("gpt-5.2", api_key="sk-example")
    OpenAI('gpt-5.2', base_url='https://api.openai.com/v1')
    """

    name = "openai"
    vocabulary = VOCABULARY
    endings = ("/responses", "/chat/completions")
    wires: ClassVar[Mapping[str, Wire]] = {
        "responses": OPENAI,
        "chat": ChatDialect(cap_field="max_completion_tokens", call_id=_short_id),
    }

    def __init__(self, model: str, **settings: Any) -> None:
        super().__init__(model, **settings)
        if _LOOSE.match(model.removeprefix("ft:")):
            self.output_forms = OutputForms("tool", "tool")

    def encode(self, request: Request) -> Encoded:
        model = self.model.removeprefix("ft:")
        return super().encode(replace(request, thinking=effort_for(request.thinking, model, FAMILIES)))

    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> ProviderError:
        error = super().classify(status, headers, body)
        if "reasoning summar" in error.message.lower():
            error.hint = 'do without the summary: extra_body={"reasoning": {"summary": None}}'
        elif error.status in (404, 405) and self.wire is OPENAI and "model" not in error.message.lower():
            error.hint = (
                'is the base_url right? A service that knows no Responses is asked with api="chat", in the shell by '
                "ALLOY_OPENAI_API=chat"
            )
        return error
