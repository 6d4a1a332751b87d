"""From a name to a provider, and the choice when there is no name."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import AuthError, ConfigError
from alloy_nb.messages import Message
from alloy_nb.models import default_model
from alloy_nb.providers import registry
from alloy_nb.providers.base import Provider, Request, TextDelta
from alloy_nb.providers.openai import OpenAI
from alloy_nb.providers.registry import choose_model, resolve_model, set_default_model, ways_to_a_model
from alloy_nb.providers.scripted import Scripted
from alloy_nb.providers.vendors import VENDORS
from tests.plugin import install_plugin

REQUEST = Request((Message.user("x"),))


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No default, no key, no Ollama, no embedded model, no third party."""
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: None)
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{nobodys_port()}")
    monkeypatch.setattr(registry, "_made", {})
    monkeypatch.setattr(registry, "_default", None)
    monkeypatch.setattr(registry, "entry_points", lambda **_: EntryPoints())
    local(monkeypatch, installed=False)


def nobodys_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


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
    assert isinstance(provider, OpenAI)
    assert (provider.name, provider.model) == ("openai", "gpt-5.2")
    assert provider.base_url == "https://api.openai.com/v1"
    assert provider.auth_headers() == {"authorization": "Bearer sk-test-of-the-registry"}


@pytest.mark.parametrize("name", VENDORS)
def test_every_vendor_is_reached_by_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = VENDORS[name]
    monkeypatch.delenv("OLLAMA_HOST")
    monkeypatch.setenv(vendor.keys[0], "test-key-of-the-registry")
    provider = resolve_model(f"{name}:big/model:1")
    assert isinstance(provider, Provider)
    assert (provider.name, provider.model) == (name, "big/model:1")
    module, _, cls = vendor.provider.partition(":")
    assert type(provider) is getattr(import_module(module), cls)


def test_its_address_may_be_another_and_then_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    provider = resolve_model("openai:llama:8b")
    assert isinstance(provider, OpenAI)
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
    assert isinstance(provider, OpenAI)
    assert provider.auth_headers() == {"authorization": "Bearer sk-test-from-a-file"}


def test_one_provider_a_string_until_its_key_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-the-first")
    provider = resolve_model("openai:m")
    assert resolve_model(" openai:m ") is provider
    assert resolve_model("openai:n") is not provider
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-the-second")
    assert resolve_model("openai:m") is not provider


@pytest.mark.parametrize("spec", ["openai:", "openai: "])
def test_a_provider_with_an_empty_model_names_one(spec: str) -> None:
    with pytest.raises(ConfigError, match="names no model") as caught:
        resolve_model(spec)
    assert '"openai:gpt-5.2"' in str(caught.value.hint)


@pytest.mark.parametrize("name", [name for name, vendor in VENDORS.items() if vendor.needs_key])
def test_a_providers_name_alone_is_its_default_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLI-2."""
    monkeypatch.setenv(VENDORS[name].keys[0], "test-key-of-the-registry")
    assert resolve_model(f" {name} ").model == default_model(name)


def test_ollama_alone_is_its_newest_model(ollama: dict[str, Any]) -> None:
    assert resolve_model("ollama").model == "newer:4b"
    ollama["models"] = []
    with pytest.raises(ConfigError, match="names no model") as caught:
        resolve_model("ollama")
    assert '"ollama:llama4"; none with a model runs at 127.0.0.1:' in str(caught.value.hint)


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("claude-sonnet-4-6", "'anthropic:claude-sonnet-4-6'"),
        ("gpt-5.2", "'openai:gpt-5.2'"),
        ("o3", "'openai:o3'"),
        ("gemini-3.6-flash", "'google:gemini-3.6-flash'"),
        ("grok-4.3", "'xai:grok-4.3'"),
        ("mistral-large-latest", "'mistral:mistral-large-latest'"),
        ("llama3:8b", "'ollama:llama3:8b'"),
        ("gpt-oss:20b", "'ollama:gpt-oss:20b'"),
        ("claude", "'anthropic'"),
        ("gpt", "'openai'"),
        ("anthropic/claude-opus-5", "'openrouter:anthropic/claude-opus-5'"),
    ],
)
def test_a_model_without_its_provider_is_told_with_it(spec: str, meant: str) -> None:
    with pytest.raises(ConfigError, match="unknown provider") as caught:
        resolve_model(spec)
    assert "did you mean" in str(caught.value.hint)
    assert meant in str(caught.value.hint)


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("opnai:gpt-5.2", "did you mean 'openai'"),
        ("my-model", '"openai:my-model"'),
        ("zzz:m", "the providers are: anthropic, openai"),
        ("nope:m", "the providers are: anthropic, openai"),
        ("", "provider:model"),
    ],
)
def test_an_unknown_provider_names_the_nearest(spec: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="unknown provider") as caught:
        resolve_model(spec)
    assert hint in str(caught.value.hint)


def test_the_name_that_alloy_has_for_google_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """CLI-1: `--provider gemini`."""
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    made = resolve_model("gemini:gemini-2.5-flash")
    assert (made.name, made.model) == ("google", "gemini-2.5-flash")
    assert resolve_model("gemini").model == resolve_model("google").model


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


def test_a_script_is_called_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was shown with the whole path, in greetings and in notebooks that were passed on."""
    (tmp_path / "answers.jsonl").write_text('"one"\n"two"\n')
    monkeypatch.chdir(tmp_path)
    agent = alloy.Agent(model="scripted:answers.jsonl")
    assert agent.model == agent.dialogue.label == agent.context_usage().model == "scripted:answers.jsonl"
    assert agent.chat("hi").model == "answers.jsonl"


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


@pytest.mark.parametrize(
    ("given", "words"),
    [(7, "int"), (Scripted, "class Scripted"), (object(), "neither an async stream nor an async complete")],
)
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


def test_plug_ins_are_named_and_take_no_name_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", importlib.metadata.entry_points)
    install_plugin(tmp_path / "site", monkeypatch)
    assert registry.plug_ins()["acme"] == "acme-models 1.2"
    assert "openai" not in registry.plug_ins()
    assert "acme_models" not in sys.modules


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


def test_the_first_vendor_with_a_key_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "test-of-the-choice-1")
    assert choose_model()[0] == "mistral:mistral-large-latest"
    monkeypatch.setenv("GOOGLE_API_KEY", "test-of-the-choice-2")
    assert choose_model() == (
        "google:gemini-3.6-flash",
        "environment variable GOOGLE_API_KEY; google's default model",
    )
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-of-the-choice-3")
    assert choose_model()[0] == "anthropic:claude-sonnet-4-6"


def test_the_default_model_may_be_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "models.json").write_text('{"openai": {"default": "gpt-9"}}')
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-of-the-choice")
    assert choose_model()[0] == "openai:gpt-9"


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A server that answers as Ollama does; what it lists may be changed."""
    listed: dict[str, Any] = {
        "models": [
            {"name": "older:1b", "modified_at": "2026-01-01T00:00:00Z"},
            {"name": "newer:4b", "modified_at": "2026-11-01T00:00:00Z"},
        ]
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(listed).encode()
            self.send_response(200 if self.path == "/api/tags" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("OLLAMA_HOST", f"http://user:hidden-word@127.0.0.1:{server.server_port}")
    yield listed
    server.shutdown()
    server.server_close()


def test_a_running_ollama_goes_before_the_embedded_model(
    ollama: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    local(monkeypatch, installed=True)
    chosen, why = choose_model()
    assert chosen == "ollama:newer:4b"
    assert why.startswith("Ollama runs at 127.0.0.1:")
    assert why.endswith("; its newest model")
    assert "hidden-word" not in why
    assert resolve_model().model == "newer:4b"
    ollama["models"] = []
    assert choose_model()[0] == "local"


def test_a_key_goes_before_a_running_ollama(ollama: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "test-of-the-choice")
    assert choose_model()[0] == "xai:grok-4.3"


def test_ollama_is_not_asked_where_an_earlier_way_leads_to_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(address: str) -> list[str]:
        raise AssertionError("asked")

    monkeypatch.setattr("alloy_nb.providers.ollama.running_models", asked)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-of-the-choice")
    assert choose_model()[0] == "openai:gpt-5.2"


def test_an_address_of_ollama_that_is_none_hides_no_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://host:port")
    local(monkeypatch, installed=True)
    assert choose_model()[0] == "local"
    assert any("OLLAMA_HOST cannot be used" in way.why for way in ways_to_a_model())


def test_a_key_of_ollamas_cloud_is_told_where_no_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"http://127.0.0.1:{nobodys_port()}/api"
    monkeypatch.setitem(VENDORS, "ollama", replace(VENDORS["ollama"], address=address))
    monkeypatch.delenv("OLLAMA_HOST")
    monkeypatch.setenv("OLLAMA_API_KEY", "test-key-of-the-registry")
    (why,) = [way.why for way in ways_to_a_model() if way.name == "Ollama"]
    assert "whose key is there (environment variable OLLAMA_API_KEY), name a model" in why


def test_every_way_says_what_came_of_it() -> None:
    ways = list(ways_to_a_model())
    assert [way.name for way in ways] == ["set_default_model", "ALLOY_MODEL", "a key", "Ollama", "embedded model"]
    assert all(way.model is None and way.why for way in ways)


def test_importing_asks_nobody() -> None:
    """Law 13."""
    code = """
import socket, sys
def refuse(*_, **__): raise AssertionError("a connection was opened")
socket.socket.connect = socket.create_connection = refuse
import alloy_nb, alloy_nb.providers.registry
assert "alloy_nb.providers.ollama" not in sys.modules
"""
    root = Path(registry.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=60)


def test_nothing_to_choose_lists_the_ways_out() -> None:
    with pytest.raises(ConfigError, match="no model") as caught:
        resolve_model()
    hint = str(caught.value.hint)
    keys = [key for vendor in VENDORS.values() if vendor.needs_key for key in vendor.keys]
    for way in (
        *keys,
        "set_default_model",
        "ALLOY_MODEL",
        "alloy login",
        "ollama",
        "alloy local pull",
        "OpenAICompatible",
    ):
        assert way in hint


def test_the_embedded_model_may_be_missing_altogether(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alloy_nb.providers.local", None)
    with pytest.raises(ConfigError, match="no model"):
        resolve_model()


def test_a_default_that_cannot_be_had_is_refused() -> None:
    with pytest.raises(ConfigError):
        set_default_model("opnai:m")
    with pytest.raises(ConfigError, match="no model"):
        choose_model()


def test_a_server_that_knows_no_responses_is_named_in_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chat Completions could be chosen in Python alone."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    responses = resolve_model("openai:llama:8b")
    monkeypatch.setenv("ALLOY_OPENAI_API", "Chat")
    chat = resolve_model("openai:llama:8b")
    assert isinstance(responses, OpenAI)
    assert isinstance(chat, OpenAI)
    assert (responses.wire, chat.wire) == (OpenAI.wires["responses"], OpenAI.wires["chat"])
    monkeypatch.setenv("ALLOY_OPENAI_API", "completions")
    with pytest.raises(ConfigError, match="ALLOY_OPENAI_API is 'completions'") as caught:
        resolve_model("openai:llama:8b")
    assert caught.value.hint == "set it to one of responses, chat"
