"""The services that are known by name: where each one answers, and whose key it takes. Data only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VENDORS", "Vendor", "vendor_of_model"]


@dataclass(frozen=True, slots=True)
class Vendor:
    """A service that is known by name.

    `provider` is the dotted name of the class that speaks to it. `address` is where it answers, with the path that
    its wire's own paths follow; `address_variable` names the environment variable that may say otherwise, and
    `api_variable` the one that may name another of its wires (as ``api=`` in Python). `keys` are the variables in
    which its key is looked for; `needs_key` says whether it answers at all without one. `models` are beginnings of
    its models' names, by which a name without a provider is known.
    """

    provider: str
    address: str
    keys: tuple[str, ...] = ()
    address_variable: str | None = None
    needs_key: bool = True
    models: tuple[str, ...] = ()
    api_variable: str | None = None


#: In the order in which keys are looked for when no model is named.
VENDORS: dict[str, Vendor] = {
    "anthropic": Vendor(
        "alloy_nb.providers.anthropic:Anthropic",
        "https://api.anthropic.com/v1",
        ("ANTHROPIC_API_KEY",),
        "ANTHROPIC_BASE_URL",
        models=("claude",),
    ),
    "openai": Vendor(
        "alloy_nb.providers.openai:OpenAI",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        "OPENAI_BASE_URL",
        models=("gpt-", "chatgpt-", "o1", "o3", "o4-"),
        api_variable="ALLOY_OPENAI_API",
    ),
    "google": Vendor(
        "alloy_nb.providers.google:Google",
        "https://generativelanguage.googleapis.com/v1beta",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "GOOGLE_GEMINI_BASE_URL",
        models=("gemini-",),
    ),
    "ollama": Vendor(
        "alloy_nb.providers.ollama:Ollama",
        "http://localhost:11434/api",
        ("OLLAMA_API_KEY",),
        "OLLAMA_HOST",
        needs_key=False,
        models=("llama", "qwen", "gemma", "phi", "gpt-oss"),
    ),
    "openrouter": Vendor(
        "alloy_nb.providers.openrouter:OpenRouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)
    ),
    "xai": Vendor("alloy_nb.providers.xai:XAI", "https://api.x.ai/v1", ("XAI_API_KEY",), models=("grok",)),
    "deepseek": Vendor(
        "alloy_nb.providers.deepseek:DeepSeek",
        "https://api.deepseek.com",
        ("DEEPSEEK_API_KEY",),
        models=("deepseek-",),
    ),
    "mistral": Vendor(
        "alloy_nb.providers.mistral:Mistral",
        "https://api.mistral.ai/v1",
        ("MISTRAL_API_KEY",),
        models=("mistral-", "magistral", "ministral", "codestral", "devstral", "pixtral", "voxtral"),
    ),
}


def vendor_of_model(model: str) -> str | None:
    """The provider whose models' names begin like this one; the longest beginning counts.

    >>> vendor_of_model("claude-sonnet-4-6"), vendor_of_model("gpt-oss:20b"), vendor_of_model("nobodys-model")
    ('anthropic', 'ollama', None)
    """
    name = model.lower()
    fits = [(len(start), vendor) for vendor, it in VENDORS.items() for start in it.models if name.startswith(start)]
    return max(fits)[1] if fits else None
