"""From a name to a provider, and the choice when there is no name."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alloy_nb.errors import AuthError, ConfigError
from alloy_nb.messages import Message
from alloy_nb.providers import registry
from alloy_nb.providers.base import Request, TextDelta
from alloy_nb.providers.openai_compatible import OpenAICompatible
from alloy_nb.providers.registry import VENDORS, choose_model, resolve_model, set_default_model
from alloy_nb.providers.scripted import Scripted

REQUEST = Request((Message.user("x"),))


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No default, no key, no embedded model, no third party."""
    monkeypatch.setattr("alloy_nb.providers.keys.find_spec", lambda name: None)
    monkeypatch.setattr(registry, "_made", {})
    monkeypatch.setattr(registry, "_default", None)
    monkeypatch.setattr(registry, "entry_points", lambda **_: EntryPoints())
    local(monkeypatch, installed=False)


class FakeLocal:
    name = "local"
    options: frozenset[str] = frozenset()
    constrains_arguments = True

    def __init__(self, spec: str | None) -> None:
        self.model = spec or "default"

    def stream(self, request: Request) -> Any:
        raise NotImplementedError


def local(monkeypatch: pytest.MonkeyPatch, *, installed: bool) -> None:
    module = ModuleType("alloy_nb.providers.local")
    module.Local = FakeLocal  # type: ignore[attr-defined]
    module.is_installed = lambda: installed  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "alloy_nb.providers.local", module)


def first(model: Any) -> Any:
    return asyncio.run(resolve_model(model).complete(REQUEST))[0]  # type: ignore[attr-defined]


# Names


def test_openai_is_reached_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-of-the-registry")
    provider = resolve_model("openai:gpt-5.2")
    assert isinstance(provider, OpenAICompatible)
    assert (provider.name, provider.model) == ("openai", "gpt-5.2")
    assert provider.base_url == "https://api.openai.com/v1"
    assert provider.auth_headers() == {"authorization": "Bearer sk-test-of-the-registry"}
    assert provider.dialect.cap_field == "max_completion_tokens"


def test_its_address_may_be_another_and_then_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    provider = resolve_model("openai:llama:8b")
    assert isinstance(provider, OpenAICompatible)
    assert (provider.model, provider.base_url) == ("llama:8b", "http://localhost:8000/v1")
    assert provider.auth_headers() == {}


def test_no_key_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthError, match="no key for openai") as caught:
        resolve_model("openai:gpt-5.2")
    assert "OPENAI_API_KEY" in str(caught.value.hint)


def test_a_key_in_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_DOTENV", "1")
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-test-from-a-file\n")
    provider = resolve_model("openai:m", working_directory=tmp_path)
    assert isinstance(provider, OpenAICompatible)
    assert provider.auth_headers() == {"authorization": "Bearer sk-test-from-a-file"}


def test_one_provider_a_string_until_its_key_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-the-first")
    provider = resolve_model("openai:m")
    assert resolve_model(" openai:m ") is provider
    assert resolve_model("openai:n") is not provider
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-the-second")
    assert resolve_model("openai:m") is not provider


@pytest.mark.parametrize("name", [name for name, vendor in VENDORS.items() if vendor.provider is None])
def test_what_this_version_does_not_speak_has_a_way_round(name: str) -> None:
    with pytest.raises(ConfigError, match=f"does not speak {name}") as caught:
        resolve_model(f"{name}:big/model:1")
    hint = str(caught.value.hint)
    assert "OpenAICompatible('big/model:1', base_url='" in hint
    assert all(key in hint for key in VENDORS[name].keys[:1])


@pytest.mark.parametrize("spec", ["openai", "openai:", "openai: "])
def test_a_provider_without_a_model_names_one(spec: str) -> None:
    with pytest.raises(ConfigError, match="names no model") as caught:
        resolve_model(spec)
    assert '"openai:gpt-5.2"' in str(caught.value.hint)
    with pytest.raises(ConfigError) as caught:
        resolve_model("ollama")
    assert "ollama:" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("opnai:gpt-5.2", "did you mean 'openai'"),
        ("gpt-5.2", '"openai:gpt-5.2"'),
        ("zzz:m", "the providers are: anthropic, openai"),
        ("", "provider:model"),
    ],
)
def test_an_unknown_provider_names_the_nearest(spec: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="unknown provider") as caught:
        resolve_model(spec)
    assert hint in str(caught.value.hint)


def test_the_embedded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_model("local").model == "default"
    assert resolve_model("local:./a.gguf").model == "./a.gguf"
    assert resolve_model("local") is resolve_model("local")


def test_a_script_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place in a file named by a string is kept for the process; a file written anew begins anew."""
    path = tmp_path / "answers.jsonl"
    path.write_text('"one"\n"two"\n')
    assert [first(f"scripted:{path}"), first(f"scripted:{path}")] == [TextDelta("one"), TextDelta("two")]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match="no more scripted answers"):
        first("scripted:answers.jsonl")
    path.write_text('"another script"\n')
    assert first("scripted:answers.jsonl") == TextDelta("another script")
    assert isinstance(resolve_model("scripted:answers.jsonl", working_directory=tmp_path), Scripted)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no file"):
        resolve_model("scripted:")
    with pytest.raises(ConfigError, match=r"no\.jsonl"):
        resolve_model("scripted:no.jsonl", working_directory=tmp_path)


# Objects


def test_an_object_is_taken_as_it_is() -> None:
    model = Scripted(["x"])
    assert resolve_model(model) is model
    assert resolve_model(None, default=model) is model


@pytest.mark.parametrize(("given", "words"), [(7, "int"), (Scripted, "class Scripted"), (object(), "no name, model")])
def test_what_is_no_provider_is_said_so(given: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        resolve_model(given)
    assert caught.value.hint


# Third parties


def entry_point(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint("acme", value, registry.ENTRY_POINTS)

    def entry_points(**wanted: str) -> EntryPoints:
        return EntryPoints([entry]).select(**wanted)

    monkeypatch.setattr(registry, "entry_points", entry_points)


def test_a_third_partys_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("acme_provider")
    module.make = lambda model: Scripted([f"acme's {model}"])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "acme_provider", module)
    entry_point(monkeypatch, "acme_provider:make")
    assert first("acme:m:1") == TextDelta("acme's m:1")
    assert resolve_model("acme:m") is resolve_model("acme:m")
    with pytest.raises(ConfigError) as caught:
        resolve_model("zzz:m")
    assert "acme" in str(caught.value.hint)


def test_a_third_partys_mistakes_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    entry_point(monkeypatch, "no_such_module_anywhere:make")
    with pytest.raises(ConfigError, match=r"provider 'acme'.*ModuleNotFoundError"):
        resolve_model("acme:m")
    entry_point(monkeypatch, "builtins:str")
    with pytest.raises(ConfigError, match="no provider"):
        resolve_model("acme:m")


def test_a_third_partys_own_words_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(model: str) -> None:
        raise ConfigError("no such model", hint="acme's hint")

    module = ModuleType("acme_provider")
    module.make = make  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "acme_provider", module)
    entry_point(monkeypatch, "acme_provider:make")
    with pytest.raises(ConfigError, match="no such model"):
        resolve_model("acme:m")


# The choice


def test_the_order_of_the_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CFG-1, CFG-w3: process, ALLOY_MODEL, first key, embedded model."""
    local(monkeypatch, installed=True)
    assert choose_model() == ("local", "the embedded model is installed")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-of-the-choice")
    assert choose_model() == (
        "openai:gpt-5.2",
        "environment variable OPENAI_API_KEY; openai's default model",
    )
    monkeypatch.setenv("ALLOY_MODEL", "openai:gpt-9")
    assert choose_model() == ("openai:gpt-9", "environment variable ALLOY_MODEL")
    assert resolve_model(None).model == "gpt-9"
    model = Scripted(["x"])
    set_default_model(model)
    assert choose_model()[0] is model
    assert resolve_model() is model
    set_default_model("openai:gpt-8")
    assert resolve_model().model == "gpt-8"
    assert resolve_model(default="openai:gpt-7").model == "gpt-7"
    set_default_model(None)
    assert resolve_model().model == "gpt-9"


def test_a_key_of_a_vendor_without_a_wire_chooses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-of-the-choice")
    local(monkeypatch, installed=True)
    assert choose_model()[0] == "local"


def test_nothing_to_choose_lists_the_ways_out() -> None:
    with pytest.raises(ConfigError, match="no model") as caught:
        resolve_model()
    hint = str(caught.value.hint)
    for way in ("set_default_model", "ALLOY_MODEL", "OPENAI_API_KEY", "xllamacpp", "OpenAICompatible"):
        assert way in hint
    assert "ANTHROPIC" not in hint


def test_the_embedded_model_may_be_missing_altogether(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alloy_nb.providers.local", None)
    with pytest.raises(ConfigError, match="no model"):
        resolve_model()


def test_a_default_that_cannot_be_had_is_refused() -> None:
    with pytest.raises(ConfigError):
        set_default_model("opnai:m")
    with pytest.raises(ConfigError, match="no model"):
        choose_model()
