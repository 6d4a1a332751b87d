"""Logging in: the key is asked for unseen, tried once, stored; and shown nowhere."""

from __future__ import annotations

import getpass
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alloy_nb import login
from alloy_nb.errors import AlloyError, AuthError, Cancelled, ConfigError
from alloy_nb.login import find_vendor, log_in, log_out, refuse_words
from alloy_nb.providers.credentials import credentials_path, read_credentials, store_key
from alloy_nb.providers.keys import find_key
from alloy_nb.providers.secret import Secret
from alloy_nb.redaction import MASK, redact
from tests.providers.conftest import Reply, Service

KEY = "canary0123456789abcdef0123456789"


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing stored, no keyring, and a person at the terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: None)
    monkeypatch.setattr(login, "stdin_available", lambda: True)
    return tmp_path


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What the person types; gives the prompts that were seen."""
    prompts: list[str] = []

    def set_answer(answer: str | BaseException) -> list[str]:
        def ask(prompt: str = "Password: ", stream: Any = None) -> str:
            prompts.append(prompt)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        monkeypatch.setattr(getpass, "getpass", ask)
        return prompts

    set_answer(KEY)
    return set_answer


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service in place of OpenAI's."""
    service = Service()
    service.answers(Reply('{"data": [{"id": "gpt-5.2"}]}', headers={"content-type": "application/json"}))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
    yield service
    service.close()


def said(lines: Iterator[str]) -> str:
    return "\n".join(lines)


def everything(error: BaseException | None) -> str:
    """All that is shown of an error, and of those behind it."""
    shown = "".join(traceback.format_exception(error)) if error is not None else ""
    while error is not None:
        shown += f"{error!r}{getattr(error, 'hint', '')}{getattr(error, 'body', '')}{error.args}"
        error = error.__cause__ or error.__context__
    return shown


def test_a_key_is_asked_for_tried_and_stored(openai: Service, types: Callable[..., list[str]]) -> None:
    prompts = types(f"  '{KEY}'\n")
    lines = said(log_in("openai"))
    assert [(call.method, call.target) for call in openai.received] == [("GET", "/v1/models")]
    assert openai.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert read_credentials() == {"OPENAI_API_KEY": KEY}
    assert find_key(None, ("OPENAI_API_KEY",)).where == f"OPENAI_API_KEY in {credentials_path()}"
    assert prompts == ["API key for openai (it is not shown): "]
    assert lines == f"The key for openai is stored in {credentials_path()}, which only you can read (it works)."


def test_law_14_a_key_that_was_typed_is_shown_nowhere(types: Callable[..., list[str]], openai: Service) -> None:
    """Law 14: not though the service repeats it."""
    openai.answers(Reply(f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}', status=401))
    with pytest.raises(AuthError) as caught:
        said(log_in("openai"))
    assert KEY not in everything(caught.value)
    assert MASK in str(caught.value)
    assert redact(f"x {KEY} y") == f"x {MASK} y"


@pytest.mark.parametrize("force", [False, True])
def test_a_key_that_the_service_refuses_is_not_stored(
    force: bool, openai: Service, types: Callable[..., list[str]]
) -> None:
    openai.answers(Reply('{"error": {"message": "Incorrect API key provided"}}', status=401))
    with pytest.raises(AuthError, match="not good, and was not stored") as caught:
        said(log_in("openai", force=force))
    assert caught.value.status == 401
    assert not credentials_path().exists()


@pytest.mark.parametrize("status", [403, 429, 500])
def test_a_key_that_could_not_be_tried_is_stored_only_by_force(
    status: int, openai: Service, types: Callable[..., list[str]]
) -> None:
    """403: a good key may lack the right to list models."""
    openai.answers(Reply('{"error": {"message": "not now"}}', status=status))
    with pytest.raises(AlloyError, match="could not be tried, and was not stored") as caught:
        said(log_in("openai"))
    assert "--force" in str(caught.value.hint)
    assert not credentials_path().exists()
    assert "untried" in said(log_in("openai", force=True))
    assert read_credentials() == {"OPENAI_API_KEY": KEY}


def test_a_service_that_is_not_reached_is_told(
    types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(AlloyError, match=r"could not be tried.*could not connect"):
        said(log_in("openai"))
    assert not credentials_path().exists()


def test_a_service_that_keeps_silent_is_not_waited_for(
    openai: Service, types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    openai.answers(Reply(end="hang"))
    monkeypatch.setattr(login, "_CHECK_SECONDS", 0.05)
    with pytest.raises(AlloyError, match="did not answer in time"):
        said(log_in("openai"))


def test_a_proxy_that_cannot_work_is_told(types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://host:port")
    with pytest.raises(AlloyError, match=r"could not be tried.*HTTPS_PROXY"):
        said(log_in("anthropic"))


def test_where_anybody_may_list_models_something_else_is_asked(
    types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenRouter's list says nothing of a key."""
    asked: list[str] = []

    async def get_json(self: Any, path: str) -> Any:
        asked.append(path)
        return {"data": {}}

    monkeypatch.setattr("alloy_nb.providers.http.HTTPProvider.get_json", get_json)
    assert "(it works)" in said(log_in("openrouter"))
    assert asked == ["/key"]


@pytest.mark.parametrize("name", ["anthropic", "google", "xai", "deepseek", "mistral"])
def test_every_vendors_key_is_tried_by_its_own_wire(
    name: str, types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[dict[str, str]] = []

    async def get_json(self: Any, path: str) -> Any:
        carried.append(self.auth_headers())
        return {"data": [], "models": []}

    monkeypatch.setattr("alloy_nb.providers.http.HTTPProvider.get_json", get_json)
    said(log_in(name))
    assert [KEY in header for headers in carried for header in (" ".join(headers.values()),)] == [True]
    assert read_credentials() == {find_vendor(name).keys[0]: KEY}


def test_a_service_that_needs_no_key_cannot_try_one(types: Callable[..., list[str]]) -> None:
    assert "answers without one" in said(log_in("ollama"))
    assert read_credentials() == {"OLLAMA_API_KEY": KEY}


def test_a_key_that_goes_before_the_stored_one_is_told(
    openai: Service, types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "another-canary-0123456789")
    lines = said(log_in("openai"))
    assert "not used as long as there is another one: environment variable OPENAI_API_KEY" in lines
    monkeypatch.setenv("OPENAI_API_KEY", "copied with spaces")
    assert "But it is not used: the key from environment variable" in said(log_in("openai"))


# Asking


def test_without_a_person_nothing_is_asked(types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = types(KEY)
    monkeypatch.setattr(login, "stdin_available", lambda: False)
    with pytest.raises(ConfigError, match="nobody can be asked") as caught:
        said(log_in("mistral"))
    assert "MISTRAL_API_KEY" in str(caught.value.hint)
    assert prompts == []


class StdinNotImplementedError(Exception):
    """As ipykernel has it."""


@pytest.mark.parametrize(
    "answer", [EOFError(), StdinNotImplementedError("no stdin"), getpass.GetPassWarning("echo")], ids=type
)
def test_a_prompt_that_fails_is_nobody_there(answer: Exception, types: Callable[..., list[str]]) -> None:
    types(answer)
    with pytest.raises(ConfigError, match="nobody can be asked"):
        said(log_in("openai"))


def test_a_key_that_would_be_seen_while_it_is_typed_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def echoing(prompt: str = "", stream: Any = None) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        raise AssertionError("it was asked for")

    monkeypatch.setattr(getpass, "getpass", echoing)
    with pytest.raises(ConfigError, match="nobody can be asked"):
        said(log_in("openai"))


def test_other_failures_of_the_prompt_are_not_hidden(types: Callable[..., list[str]]) -> None:
    types(OSError("broken"))
    with pytest.raises(OSError, match="broken"):
        said(log_in("openai"))
    assert not credentials_path().exists()


def test_an_interrupt_at_the_prompt_stores_nothing(types: Callable[..., list[str]]) -> None:
    types(KeyboardInterrupt())
    with pytest.raises(Cancelled, match="no key for openai was stored"):
        said(log_in("openai"))
    assert not credentials_path().exists()


@pytest.mark.parametrize("typed", ["", "  ", "''"])
def test_no_key_is_told(typed: str, types: Callable[..., list[str]]) -> None:
    types(typed)
    with pytest.raises(ConfigError, match="no key was given"):
        said(log_in("openai"))


def test_what_cannot_be_a_key_is_told_unseen(types: Callable[..., list[str]]) -> None:
    types("canary words with spaces")
    with pytest.raises(ConfigError, match="characters that no key has") as caught:
        said(log_in("openai"))
    assert "canary" not in f"{caught.value}{caught.value.hint}"


# Names


@pytest.mark.parametrize(
    ("name", "hint"), [("opnai", "did you mean openai?"), ("Anthropic", "did you mean anthropic?")]
)
def test_an_unknown_provider_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=f"`{name}` is no provider that takes a key") as caught:
        find_vendor(name)
    assert hint in str(caught.value.hint)
    assert redact(name) == name


@pytest.mark.parametrize("word", [KEY, "sk-canary", "canaryfromawriterwhoforgotthename"])
def test_what_may_be_a_key_in_the_wrong_place_is_not_repeated(word: str) -> None:
    for call in (find_vendor, lambda word: refuse_words([word], "alloy login")):
        with pytest.raises(ConfigError) as caught:
            call(word)
        assert "canary" not in f"{caught.value}{caught.value.hint}"


def test_a_key_in_the_wrong_place_is_a_secret_from_then_on() -> None:
    with pytest.raises(ConfigError, match="would stay in the history"):
        refuse_words(["--key=canary-9876543210", "anthropic"], "alloy login")
    assert redact("canary-9876543210 of anthropic") == f"{MASK} of anthropic"


# Forgetting


def test_a_stored_key_is_deleted(
    openai: Service, types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(log_in("openai"))
    monkeypatch.setenv("OPENAI_API_KEY", "another-one-0123456789")
    lines = said(log_out("openai"))
    assert lines.splitlines() == [
        f"The key for openai is deleted from {credentials_path()}.",
        "Another one is still found: environment variable OPENAI_API_KEY.",
    ]
    assert read_credentials() == {}
    with pytest.raises(ConfigError, match="no key for openai is stored") as caught:
        said(log_out("openai"))
    assert "environment variable OPENAI_API_KEY" in str(caught.value.hint)


def test_every_name_of_a_key_is_deleted(places: Path) -> None:
    store_key("GOOGLE_API_KEY", Secret(KEY))
    store_key("GEMINI_API_KEY", Secret(KEY))
    said(log_out("google"))
    assert read_credentials() == {}


def test_it_is_made_of_few_imports() -> None:
    """The prompt comes at once: no HTTP library before the key is typed."""
    code = "import sys, alloy_nb.login; assert not {'httpx2', 'pydantic', 'IPython'} & set(sys.modules)"
    root = Path(login.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=60)


def test_an_interrupt_while_the_key_is_tried_stores_nothing(
    openai: Service, types: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(work: Any) -> None:
        work.close()
        raise KeyboardInterrupt

    types(KEY)
    monkeypatch.setattr("alloy_nb.login._wait_for", interrupted)
    with pytest.raises(Cancelled, match="no key for openai was stored"):
        said(log_in("openai"))
    assert not credentials_path().exists()
