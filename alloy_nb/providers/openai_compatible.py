"""Any service that speaks one of OpenAI's wires at an address of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, get_args
from urllib.parse import urlsplit, urlunsplit

from ..keywords import keywords_told
from ..options import wrong_choice
from ._clients import ClientFactory
from .base import OutputForm, OutputForms
from .chat import ChatDialect
from .keys import Secret
from .responses import OPENAI, ResponsesDialect
from .wired import Wire, WiredProvider

__all__ = ["OpenAICompatible"]

#: OpenAI itself refuses `max_tokens` for its newer models; hardly anybody else knows the other word.
_OPENAI_HOST = "api.openai.com"
#: Here, too, its own Responses are answered.
_AZURE_HOSTS = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")


@keywords_told
class OpenAICompatible(WiredProvider):
    """A model behind an API in OpenAI's manner: OpenAI's own, vLLM, llama.cpp, LM Studio, a gateway, …

    `api` is ``"chat"`` for Chat Completions or ``"responses"``. `base_url` is what comes before
    ``/chat/completions`` or ``/responses``; without any path, ``/v1`` is added. `dialect` says what the service does
    differently. `output_form` is how it is asked for an answer of a type: ``"native"`` (a schema), ``"tool"`` or
    ``"words"``, for one that heeds no schema or knows no tools; by default a schema, and beside tools a tool.
    `name` is the word for it in messages and events.

    >>> OpenAICompatible("llama-4", base_url="http://localhost:8000")
    OpenAICompatible('llama-4', base_url='http://localhost:8000/v1')
    """

    wires: ClassVar[Mapping[str, Wire]] = {
        "chat": ChatDialect(),
        "responses": ResponsesDialect("openai-compatible"),
    }

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key: str | Secret | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: ClientFactory | None = None,
        api: str | None = None,
        dialect: Wire | None = None,
        output_form: OutputForm | None = None,
        name: str = "openai-compatible",
    ) -> None:
        super().__init__(model, base_url=base_url, api_key=api_key, headers=headers, http_client=http_client, api=api)
        self.name = name
        self.base_url = _with_version(self.base_url, self.wire.path)
        self.wire = dialect or _for_service(self.wire, self.base_url, name)
        self.options = self.wire.options
        self.output_forms = _output_forms(output_form, dialect, self.wire, self.base_url)


def _output_forms(form: OutputForm | None, dialect: Wire | None, wire: Wire, base_url: str) -> OutputForms | None:
    if form is not None:
        if form not in get_args(OutputForm):
            raise wrong_choice("output_form", form, get_args(OutputForm))
        return OutputForms(form, form)
    host = urlsplit(base_url).hostname or ""
    if dialect is not None or host == _OPENAI_HOST or host.endswith(_AZURE_HOSTS):
        return getattr(wire, "output_forms", None)
    # Servers of open weights hold a model to a schema by a grammar, which leaves no room for a call.
    return OutputForms(beside_tools="tool")


def _with_version(base_url: str, path: str) -> str:
    parts = urlsplit(base_url)
    base = parts.path.rstrip("/").removesuffix(path).rstrip("/") or "/v1"
    return urlunsplit((parts.scheme, parts.netloc, base, parts.query, ""))


def _for_service(wire: Wire, base_url: str, name: str) -> Wire:
    host = urlsplit(base_url).hostname or ""
    if isinstance(wire, ResponsesDialect):
        known = OPENAI if host == _OPENAI_HOST or host.endswith(_AZURE_HOSTS) else wire
        return replace(known, provider=name)
    if isinstance(wire, ChatDialect) and host == _OPENAI_HOST:
        return replace(wire, cap_field="max_completion_tokens")
    return wire
