"""`alloy models`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alloy_nb.models import known_models
from alloy_nb.providers.vendors import VENDORS
from tests.plugin import install_plugin
from tests.providers.conftest import Reply, Service

from .conftest import Said

Alloy = Callable[..., Said]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the user's settings, empty."""
    monkeypatch.delenv("ALLOY_MODELS", raising=False)
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: None)
    (tmp_path / "settings").mkdir()
    return tmp_path / "settings"


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service in place of OpenAI's, and its key."""
    service = Service()
    body = '{"data": [{"id": "gpt-5.2-2025-12-11"}, {"id": "a\\u001b[31mmodel"}]}'
    service.answers(Reply(body, headers={"content-type": "application/json"}))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary0123456789abcdef")
    yield service
    service.close()


def test_every_known_model_is_in_the_table(alloy: Alloy) -> None:
    said = alloy("models")
    assert (said.code, said.err) == (0, "")
    for name in VENDORS:
        assert f"{name} (" in said.out
    for info in known_models():
        assert info.name in said.out


def test_a_line_tells_limits_prices_and_what_it_can_do(alloy: Alloy) -> None:
    lines = [" ".join(line.split()) for line in alloy("models", "openai").out.splitlines()]
    assert lines[0] == "openai (no key)"
    assert lines[1] == "model window output in cached written out can"
    assert "* gpt-5.2 400k 128k 1.75 0.175 14 images tools thinking structured" in lines
    assert "gpt-5.4 1.05M 128k 2.5+ 0.25+ 15+ images pdf tools thinking structured" in lines
    assert "gpt-6.2-astra" in lines  # of which nothing else is known


def test_the_place_of_the_key_is_told_never_the_key(alloy: Alloy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "canary-0123456789")
    said = alloy("models", "xai")
    assert said.out.startswith("xai (environment variable XAI_API_KEY)\n")
    assert "canary" not in said.out
    assert alloy("models", "ollama").out.startswith("ollama (needs no key)\n  none is known; --live")


def test_a_key_that_is_none_hides_no_table(alloy: Alloy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "copied with spaces")
    said = alloy("models", "xai")
    assert said.code == 0
    assert said.out.startswith("xai (the key from environment variable XAI_API_KEY holds characters that no key has)")
    assert "grok-4.3" in said.out
    assert alloy("models", "xai", "--live").code == 2


def test_json_holds_the_same_facts(alloy: Alloy) -> None:
    (section,) = json.loads(alloy("models", "anthropic", "--json").out)
    assert (section["provider"], section["default"], section["key"]) == ("anthropic", "claude-sonnet-4-6", None)
    (model,) = [model for model in section["models"] if model["default"]]
    assert model == {
        "name": "claude-sonnet-4-6",
        "default": True,
        "known": True,
        "window": 1_000_000,
        "max_output": 128_000,
        "caps": ["images", "pdf", "tools", "thinking", "structured"],
        "prices": {"input": 3, "cached_input": 0.3, "cache_write": 3.75, "output": 15},
        "dearer_when_long": False,
        "note": None,
    }
    assert [section["provider"] for section in json.loads(alloy("models", "--json").out)] == list(VENDORS)


def test_the_users_own_models_are_shown(alloy: Alloy, settings: Path) -> None:
    (settings / "models.json").write_text('{"acme": {"models": {"m\\u001b[2J": {"note": "x\\u202ey"}}}}')
    said = alloy("models", "acme")
    assert said.out.startswith("acme (from your models.json)\n")
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out


def test_a_broken_table_is_told_by_file_and_line(alloy: Alloy, settings: Path) -> None:
    (settings / "models.json").write_text('{\n"openai": 3}')
    said = alloy("models")
    assert (said.code, said.out) == (2, "")
    assert f"{settings / 'models.json'}, line 2:" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["opnai"], "did you mean `openai`?"),
        (["zzz"], "the providers are anthropic, openai"),
        (["local"], "alloy local list"),
        (["openai", "--lives"], "did you mean `--live`?"),
        (["openai", "gpt"], "unknown argument `gpt`"),
        (["--live"], "alloy login"),
    ],
)
def test_nonsense_gets_a_hint(words: list[str], message: str, alloy: Alloy) -> None:
    said = alloy("models", *words)
    assert (said.code, said.out) == (2, "")
    assert message in said.err


# Asking the service


def test_a_service_is_asked_what_it_offers(alloy: Alloy, openai: Service) -> None:
    said = alloy("models", "openai", "--live")
    assert (said.code, said.err) == (0, "")
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[2:4] == ["amodel", "gpt-5.2-2025-12-11 400k 128k 1.75 0.175 14 images tools thinking structured"]
    assert "\x1b" not in said.out
    assert openai.received[0].target == "/v1/models"


def test_without_a_name_every_service_with_a_key_is_asked(
    alloy: Alloy, openai: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails hides no other."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-0123456789")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1/v1")
    said = alloy("models", "--live", "--json")
    assert said.code == 1
    assert "could not connect" in said.err
    assert [section["provider"] for section in json.loads(said.out)] == ["openai"]


def test_several_tables_are_printed_one_after_the_other(alloy: Alloy, openai: Service) -> None:
    said = alloy("models", "--live")
    assert said.code == 0
    assert said.out.startswith("openai (environment variable OPENAI_API_KEY)")


def test_a_refused_key_is_told(alloy: Alloy, openai: Service) -> None:
    openai.answers(Reply('{"error": {"message": "Incorrect API key"}}', status=401))
    said = alloy("models", "openai", "--live")
    assert (said.code, said.out) == (1, "")
    assert "Incorrect API key" in said.err


def test_a_missing_key_is_told(alloy: Alloy) -> None:
    said = alloy("models", "mistral", "--live")
    assert (said.code, said.out) == (2, "")
    assert "alloy login mistral" in said.err


def test_a_provider_that_tells_no_models_is_told(alloy: Alloy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_nb.providers.registry.resolve_model", lambda name: object())
    said = alloy("models", "openai", "--live")
    assert said.code == 2
    assert "does not tell its models" in said.err


# Plug-ins


def test_a_plug_in_is_named_with_its_package(alloy: Alloy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin(tmp_path / "site", monkeypatch)
    assert alloy("models", "acme") == Said(
        0, "acme (a plug-in, from acme-models 1.2)\n  none is known; --live asks the service\n\n", ""
    )
    told = {section["provider"]: section["plug_in"] for section in json.loads(alloy("models", "--json").out)}
    assert told == {**dict.fromkeys(VENDORS), "acme": "acme-models 1.2"}
    assert "did you mean `acme`?" in alloy("models", "amce").err


def test_a_plug_in_is_asked_what_it_offers(alloy: Alloy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin(tmp_path / "site", monkeypatch)
    said = alloy("models", "acme", "--live")
    assert (said.code, said.err) == (0, "")
    assert said.out.partition("\n\n")[0].split()[-2:] == ["acme-large", "acme-small"]
    assert alloy("-p", "hi", "-m", "acme:acme-small").out == "acme-small says hello\n"
