"""Models: one file a wire, one contract. What a provider of your own is built on is imported from here.

>>> from alloy_nb.providers import Done, HTTPProvider, Request, TextDelta

- The contract: `Provider`, its `Request` with `ToolSpec`, and the deltas `TextDelta`, `ThinkingDelta`,
  `ToolCallDelta`, `WholePart`, `UsageDelta`, `Done`. `Answer` puts deltas together. `OutputForms` says how a model is
  asked for an answer of a type.
- For a wire over HTTP: `HTTPProvider` with its `Decoder`; `make_error` and a `Vocabulary` for what goes wrong;
  `find_key` and `Secret` for keys; `encode_all`, which encodes each message once.
- For a service that speaks one of OpenAI's: `OpenAICompatible`, with a `ChatDialect` for what differs.
- Those that are here already, each under its own name.

A package names its providers in the entry-point group ``alloy_nb.providers``; `alloy_nb.testing.conformance` tests
whether they keep the contract. Nothing is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._encoding import encode_all as encode_all
    from ._failures import Vocabulary as Vocabulary
    from ._failures import make_error as make_error
    from .answer import Answer as Answer
    from .anthropic import Anthropic as Anthropic
    from .base import Delta as Delta
    from .base import Done as Done
    from .base import OutputForms as OutputForms
    from .base import Provider as Provider
    from .base import Request as Request
    from .base import StopReason as StopReason
    from .base import TextDelta as TextDelta
    from .base import ThinkingDelta as ThinkingDelta
    from .base import ToolCallDelta as ToolCallDelta
    from .base import ToolSpec as ToolSpec
    from .base import UsageDelta as UsageDelta
    from .base import WholePart as WholePart
    from .chat import ChatDialect as ChatDialect
    from .deepseek import DeepSeek as DeepSeek
    from .google import Google as Google
    from .http import Decoder as Decoder
    from .http import Encoded as Encoded
    from .http import HTTPProvider as HTTPProvider
    from .keys import Secret as Secret
    from .keys import find_key as find_key
    from .local import Local as Local
    from .mistral import Mistral as Mistral
    from .ollama import Ollama as Ollama
    from .openai import OpenAI as OpenAI
    from .openai_compatible import OpenAICompatible as OpenAICompatible
    from .openrouter import OpenRouter as OpenRouter
    from .scripted import Scripted as Scripted
    from .vendor import VendorProvider as VendorProvider
    from .wired import Wire as Wire
    from .wired import WiredProvider as WiredProvider
    from .xai import XAI as XAI

_CONTRACT = (
    "Delta Done OutputForms Provider Request StopReason TextDelta ThinkingDelta ToolCallDelta ToolSpec UsageDelta "
    "WholePart"
)

_PUBLIC: dict[str, str] = {
    **dict.fromkeys(_CONTRACT.split(), "base"),
    **dict.fromkeys("Decoder Encoded HTTPProvider".split(), "http"),
    **dict.fromkeys("Wire WiredProvider".split(), "wired"),
    **dict.fromkeys("Vocabulary make_error".split(), "_failures"),
    **dict.fromkeys("Secret find_key".split(), "keys"),
    "Answer": "answer",
    "Anthropic": "anthropic",
    "ChatDialect": "chat",
    "DeepSeek": "deepseek",
    "Google": "google",
    "Local": "local",
    "Mistral": "mistral",
    "Ollama": "ollama",
    "OpenAI": "openai",
    "OpenAICompatible": "openai_compatible",
    "OpenRouter": "openrouter",
    "Scripted": "scripted",
    "VendorProvider": "vendor",
    "XAI": "xai",
    "encode_all": "_encoding",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
