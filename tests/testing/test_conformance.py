"""Every provider of ours keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from alloy_nb import providers
from alloy_nb.providers import OpenAICompatible, Provider
from alloy_nb.testing.conformance import ProviderConformance
from tests.testing import wires

pytestmark = pytest.mark.thorough


class TestOpenAICompatible(ProviderConformance):
    cases = wires.COMPATIBLE.cases()

    def make(self, base_url: str, api_key: str) -> Provider:
        return OpenAICompatible("m", base_url=base_url, api_key=api_key)


class Vendors(ProviderConformance):
    """Those that are known by name."""

    provider: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = {}

    def make(self, base_url: str, api_key: str) -> Provider:
        made: Provider = getattr(providers, self.provider)("m", base_url=base_url, api_key=api_key, **self.settings)
        return made


class TestOpenAI(Vendors):
    provider = "OpenAI"
    cases = wires.RESPONSES.cases()


class TestOpenAIChat(Vendors):
    provider = "OpenAI"
    settings: ClassVar[Mapping[str, Any]] = {"api": "chat"}
    cases = wires.OPENAI_CHAT.cases()


class TestAnthropic(Vendors):
    provider = "Anthropic"
    cases = wires.Messages().cases()


class TestGoogle(Vendors):
    provider = "Google"
    cases = wires.gemini()


class TestGoogleInteractions(Vendors):
    provider = "Google"
    settings: ClassVar[Mapping[str, Any]] = {"api": "interactions"}
    cases = wires.interactions()


class TestOllama(Vendors):
    provider = "Ollama"
    cases = wires.ollama()


class TestOpenRouter(Vendors):
    provider = "OpenRouter"
    cases = wires.OPENROUTER.cases()


class TestOpenRouterResponses(Vendors):
    provider = "OpenRouter"
    settings: ClassVar[Mapping[str, Any]] = {"api": "responses"}
    cases = wires.OPENROUTER_RESPONSES.cases()


class TestXAI(Vendors):
    provider = "XAI"
    settings: ClassVar[Mapping[str, Any]] = {"api": "chat"}
    cases = wires.XAI_CHAT.cases()


class TestXAIResponses(Vendors):
    provider = "XAI"
    settings: ClassVar[Mapping[str, Any]] = {"api": "responses"}
    cases = wires.XAI_RESPONSES.cases()


class TestDeepSeek(Vendors):
    provider = "DeepSeek"
    cases = wires.DEEPSEEK.cases()


class TestDeepSeekResponses(Vendors):
    provider = "DeepSeek"
    settings: ClassVar[Mapping[str, Any]] = {"api": "responses"}
    cases = wires.DEEPSEEK_RESPONSES.cases()


class TestMistral(Vendors):
    provider = "Mistral"
    cases = wires.MISTRAL.cases()
