"""The services that are known by name: where each one answers, and whose key it takes. Data only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VENDORS", "Vendor"]


@dataclass(frozen=True, slots=True)
class Vendor:
    """A service that is known by name.

    `provider` is the dotted name of the class that speaks to it. `address` is where it answers, with the path that
    its wire's own paths follow; `address_variable` names the environment variable that may say otherwise. `keys` are
    the variables in which its key is looked for; `needs_key` says whether it answers at all without one.
    """

    provider: str
    address: str
    keys: tuple[str, ...] = ()
    address_variable: str | None = None
    needs_key: bool = True


#: In the order in which keys are looked for when no model is named.
VENDORS: dict[str, Vendor] = {
    "anthropic": Vendor(
        "alloy_nb.providers.anthropic:Anthropic",
        "https://api.anthropic.com/v1",
        ("ANTHROPIC_API_KEY",),
        "ANTHROPIC_BASE_URL",
    ),
    "openai": Vendor(
        "alloy_nb.providers.openai:OpenAI", "https://api.openai.com/v1", ("OPENAI_API_KEY",), "OPENAI_BASE_URL"
    ),
    "google": Vendor(
        "alloy_nb.providers.google:Google",
        "https://generativelanguage.googleapis.com/v1beta",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "GOOGLE_GEMINI_BASE_URL",
    ),
    "ollama": Vendor(
        "alloy_nb.providers.ollama:Ollama",
        "http://localhost:11434/api",
        ("OLLAMA_API_KEY",),
        "OLLAMA_HOST",
        needs_key=False,
    ),
    "openrouter": Vendor(
        "alloy_nb.providers.openrouter:OpenRouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)
    ),
    "xai": Vendor("alloy_nb.providers.xai:XAI", "https://api.x.ai/v1", ("XAI_API_KEY",)),
    "deepseek": Vendor("alloy_nb.providers.deepseek:DeepSeek", "https://api.deepseek.com", ("DEEPSEEK_API_KEY",)),
    "mistral": Vendor("alloy_nb.providers.mistral:Mistral", "https://api.mistral.ai/v1", ("MISTRAL_API_KEY",)),
}
