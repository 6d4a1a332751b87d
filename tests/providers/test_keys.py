"""Where keys come from, in which order, and that they stay out of sight."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.providers.credentials import store_key
from alloy_nb.providers.keys import FoundKey, Secret, find_key, read_dotenv, register_dotenv
from alloy_nb.providers.openai_compatible import OpenAICompatible
from alloy_nb.redaction import MASK, redact

VARIABLES = ("FIRST_TEST_KEY", "SECOND_TEST_KEY")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory; nothing stored, no keyring."""
    monkeypatch.setenv("ALLOY_DOTENV", "1")
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: None)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def keyring_of(monkeypatch: pytest.MonkeyPatch, get_password: Any) -> None:
    module = ModuleType("keyring")
    module.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: object())


def test_the_order_is_argument_environment_dotenv_stored(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CFG-w3: Alloy's library read keys from nowhere."""
    store_key("SECOND_TEST_KEY", Secret("from-alloy-login"))
    keyring_of(monkeypatch, lambda service, name: "from-the-keyring" if service == "alloy-nb" else None)
    stored = places / "settings" / "credentials"
    found = find_key(None, VARIABLES, working_directory=places)
    assert found == ("from-alloy-login", f"SECOND_TEST_KEY in {stored}")
    stored.unlink()
    found = find_key(None, VARIABLES, working_directory=places)
    assert found == ("from-the-keyring", "FIRST_TEST_KEY in the keyring")
    (places / ".env").write_text("SECOND_TEST_KEY=from-the-file\n")
    value, where = find_key(None, VARIABLES, working_directory=places)
    assert (value, where) == ("from-the-file", f"SECOND_TEST_KEY in {places / '.env'}")
    monkeypatch.setenv("SECOND_TEST_KEY", " from-the-environment\n")
    value, where = find_key(None, VARIABLES, working_directory=places)
    assert (value, where) == ("from-the-environment", "environment variable SECOND_TEST_KEY")
    assert find_key("from-the-call", VARIABLES, working_directory=places).value == "from-the-call"
    assert find_key(Secret("from-a-secret"), VARIABLES).value == "from-a-secret"


def test_the_first_variable_goes_before_the_second(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_TEST_KEY", "the-second-one")
    monkeypatch.setenv("FIRST_TEST_KEY", "the-first-one")
    assert find_key(None, VARIABLES, working_directory=places).value == "the-first-one"


def test_nothing_found_is_none(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_TEST_KEY", "   ")
    assert find_key(None, VARIABLES, working_directory=places) == (None, None)
    assert find_key("", VARIABLES, working_directory=places) == (None, None)


def test_dotenv_can_be_turned_off(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (places / ".env").write_text("FIRST_TEST_KEY=from-the-file\n")
    monkeypatch.setenv("ALLOY_DOTENV", "0")
    assert find_key(None, VARIABLES, working_directory=places).value is None


def test_what_is_found_is_known_as_a_secret(places: Path) -> None:
    (places / ".env").write_text("FIRST_TEST_KEY=quite-ordinary-words\n")
    find_key(None, VARIABLES, working_directory=places)
    assert redact("the key is quite-ordinary-words!") == f"the key is {MASK}!"


@pytest.mark.parametrize("left", ["'{}'", '"{}"', "{}\n", " {} ", "' {}\n'\r\n"])
def test_what_a_shell_left_around_a_key_is_taken_away(places: Path, monkeypatch: pytest.MonkeyPatch, left: str) -> None:
    """A key in quotes was sent with them, and refused."""
    given = left.format("sk-canary-in-quotes")
    monkeypatch.setenv(VARIABLES[0], given)
    assert find_key(None, VARIABLES).value == "sk-canary-in-quotes"
    assert find_key(given, VARIABLES).value == "sk-canary-in-quotes"
    provider = OpenAICompatible("m", base_url="http://x.test", api_key=given)
    assert provider.auth_headers() == {"authorization": "Bearer sk-canary-in-quotes"}


@pytest.mark.parametrize("quotes", ["''", '""', "' '", "\n"])
def test_quotes_around_nothing_are_no_key(places: Path, monkeypatch: pytest.MonkeyPatch, quotes: str) -> None:
    monkeypatch.setenv(VARIABLES[0], quotes)
    assert find_key(None, VARIABLES).value is None


@pytest.mark.parametrize("key", ["two words", "smart\u201cquotes\u201d", "line\nbreak"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigError, match="api_key argument") as caught:
        find_key(key, VARIABLES)
    assert key not in f"{caught.value} {caught.value.hint} {caught.value.args}"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("  export A = spaced  ", "spaced"),
        ("A='single $x \\n'", "single $x \\n"),
        ('A="double \\"q\\" \\n\\\\ x"', 'double "q" \n\\ x'),
        ("A=value # a comment", "value"),
        ("A=va#lue", "va#lue"),
        ("A=# all comment", ""),
        ('A="quoted # no comment" # comment', "quoted # no comment"),
        ("A=", ""),
        ("A='unclosed", "'unclosed"),
        ("A=x=y", "x=y"),
    ],
)
def test_a_line_of_dotenv(tmp_path: Path, line: str, value: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbf# comment\r\nnonsense\r\n" + line.encode() + b"\r\nB=b\r\n")
    assert read_dotenv(path) == {"A": value, "B": "b"}


def test_a_dotenv_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / "missing") == {}
    assert read_dotenv(tmp_path) == {}
    (tmp_path / "binary").write_bytes(b"A=\xff\xfe")
    assert read_dotenv(tmp_path / "binary") == {}
    (tmp_path / "huge").write_bytes(b"A=1\n" * 300_000)
    assert read_dotenv(tmp_path / "huge") == {}


def test_a_broken_keyring_is_passed_over(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(service: str, name: str) -> str:
        raise RuntimeError("the keyring is locked")

    keyring_of(monkeypatch, locked)
    assert find_key(None, VARIABLES, working_directory=places) == (None, None)
    keyring_of(monkeypatch, lambda service, name: None)
    assert find_key(None, VARIABLES, working_directory=places) == (None, None)


def test_a_found_key_does_not_show_itself() -> None:
    found = FoundKey("sk-very-secret-value", "somewhere")
    assert repr(found) == "FoundKey(value='[redacted]', where='somewhere')"
    assert repr(FoundKey(None, None)) == "FoundKey(value=None, where=None)"


def test_stored_keys_that_others_may_read_are_told_where_one_is_needed(places: Path) -> None:
    store_key("FIRST_TEST_KEY", Secret("from-alloy-login"))
    (places / "settings" / "credentials").chmod(0o644)
    with pytest.raises(ConfigError, match="others may read it") as caught:
        find_key(None, VARIABLES, working_directory=places)
    assert "chmod 600" in str(caught.value.hint)
    assert find_key("from-the-call", VARIABLES).value == "from-the-call"
    register_dotenv(places)  # no run ends for a file that it does not need


def test_a_tool_that_reads_the_stored_keys_hands_them_to_nobody(places: Path) -> None:
    store_key("FIRST_TEST_KEY", Secret("ordinary-words-in-a-file"))
    register_dotenv(places)
    assert redact("it says ordinary-words-in-a-file") == f"it says {MASK}"
