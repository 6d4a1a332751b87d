"""Stored keys: who can read them, and what happens where somebody else could."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError
from alloy_nb.providers import credentials
from alloy_nb.providers.credentials import credentials_path, forget_key, from_keyring, read_credentials, store_key
from alloy_nb.providers.secret import Secret

KEY = Secret("canary-0123456789")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An own folder for settings, not made yet; no keyring."""
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: None)
    return tmp_path / "settings"


class FakeKeyring(ModuleType):
    """The functions of `keyring` that are used."""

    def __init__(self, *, priority: float = 5, fails: bool = False, forgets: bool = False) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self._backend = SimpleNamespace(priority=priority, name="fake keyring")
        self.fails = fails
        self._forgets = forgets

    def get_keyring(self) -> Any:
        return self._backend

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        if self.fails:
            raise RuntimeError(f"locked; will not take {value}")
        if not self._forgets:
            self.kept[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        if self.fails:
            raise RuntimeError("locked")
        del self.kept[service, name]


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeKeyring]:
    def install(**how: Any) -> FakeKeyring:
        fake = FakeKeyring(**how)
        monkeypatch.setitem(sys.modules, "keyring", fake)
        monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: object())
        return fake

    return install


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# The file


def test_nothing_stored_is_nothing_read(folder: Path) -> None:
    assert read_credentials() == {}
    assert not folder.exists()


def test_a_stored_key_is_read_back(folder: Path) -> None:
    where = store_key("A_KEY", KEY)
    store_key("B_KEY", Secret("another"))
    store_key("A_KEY", Secret("a newer one"))
    assert where == f"{folder / 'credentials'}, which only you can read"
    assert read_credentials() == {"A_KEY": "a newer one", "B_KEY": "another"}
    assert {path.name for path in folder.iterdir()} == {"credentials", ".lock"}


@posix
def test_only_the_owner_can_read_it(folder: Path) -> None:
    before = os.umask(0)
    try:
        store_key("A_KEY", KEY)
        store_key("A_KEY", KEY)
    finally:
        os.umask(before)
    assert mode(credentials_path()) == 0o600
    assert mode(folder) == 0o700


@posix
def test_at_no_moment_can_others_read_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that is ever opened for writing there is 0600 from its first moment."""
    seen: list[int] = []
    real = os.open

    def watched(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        handle = real(path, flags, mode, **more)
        if "credentials" in str(path) and flags & os.O_CREAT:
            seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return handle

    before = os.umask(0)
    monkeypatch.setattr(os, "open", watched)
    try:
        store_key("A_KEY", KEY)
    finally:
        os.umask(before)
    assert seen == [0o600]


def test_a_write_that_fails_leaves_the_old_file_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_key("A_KEY", KEY)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ConfigError, match="No space left") as caught:
        store_key("B_KEY", Secret("another-canary-1"))
    assert "canary" not in f"{caught.value!r} {caught.value.hint} {caught.value.__context__!r}"
    assert read_credentials() == {"A_KEY": KEY.reveal()}
    assert {path.name for path in folder.iterdir()} == {"credentials", ".lock"}


@posix
@pytest.mark.parametrize("wrong", [0o644, 0o640, 0o604, 0o666, 0o660])
def test_a_file_that_others_may_read_is_refused(wrong: int) -> None:
    store_key("A_KEY", KEY)
    credentials_path().chmod(wrong)
    for use in (read_credentials, lambda: store_key("B_KEY", KEY), lambda: forget_key("A_KEY")):
        with pytest.raises(ConfigError, match=f"mode {wrong:o}") as caught:
            use()
        assert caught.value.hint == f"chmod 600 {credentials_path()}"


@posix
def test_a_link_is_refused_wherever_it_leads(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    target = tmp_path / "elsewhere"
    target.write_text('{"A_KEY": "planted"}')
    target.chmod(0o600)
    credentials_path().symlink_to(target)
    with pytest.raises(ConfigError, match="symbolic link"):
        read_credentials()
    with pytest.raises(ConfigError, match="symbolic link"):
        store_key("B_KEY", KEY)
    assert json.loads(target.read_text()) == {"A_KEY": "planted"}
    target.unlink()
    with pytest.raises(ConfigError, match="symbolic link"):
        read_credentials()


@posix
@pytest.mark.parametrize("make", [lambda path: path.mkdir(mode=0o700), lambda path: os.mkfifo(path, 0o600)])
def test_what_is_no_file_is_refused_and_not_waited_for(make: Any, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    make(credentials_path())
    with pytest.raises(ConfigError, match="is no file"):
        read_credentials()


@posix
def test_a_file_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    store_key("A_KEY", KEY)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1000)
    with pytest.raises(ConfigError, match="another user") as caught:
        read_credentials()
    assert "chmod 600" in str(caught.value.hint)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a file that this user may not read")
def test_a_file_that_cannot_be_read_is_told_and_a_closed_folder_holds_nothing(folder: Path) -> None:
    store_key("A_KEY", KEY)
    credentials_path().chmod(0)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_credentials()
    folder.chmod(0)
    try:
        assert read_credentials() == {}
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    "text", ["{canary", '["canary"]', '{"A_KEY": 3, "B": "canary"}', "canary" * 10, "\xff", "[" * 9999]
)
def test_a_broken_file_is_told_without_a_word_of_it(text: str, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    credentials_path().write_bytes(text.encode("latin-1"))
    credentials_path().chmod(0o600)
    with pytest.raises(ConfigError, match="is broken") as caught:
        read_credentials()
    assert "alloy login" in str(caught.value.hint)
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in f"{error!r}{error.__dict__}"
        error = error.__context__


def test_an_empty_file_holds_nothing(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    credentials_path().touch(0o600)
    assert read_credentials() == {}


@posix
def test_a_folder_that_others_may_write_to_is_refused(folder: Path) -> None:
    """Somebody could put another file there."""
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(ConfigError, match="others may write") as caught:
        store_key("A_KEY", KEY)
    assert caught.value.hint == f"chmod 700 {folder}"


@posix
def test_the_usual_folder_is_closed_and_one_that_was_named_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    store_key("A_KEY", KEY)
    assert mode(folder) == 0o755
    monkeypatch.delenv("ALLOY_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    usual = credentials_path().parent
    usual.mkdir(parents=True)
    usual.chmod(0o755)
    store_key("A_KEY", KEY)
    assert mode(usual) == 0o700


def test_a_place_that_cannot_be_written_is_told(folder: Path) -> None:
    folder.write_text("in the way")
    with pytest.raises(ConfigError, match="cannot write") as caught:
        store_key("A_KEY", KEY)
    assert "ALLOY_CONFIG_DIR" in str(caught.value.hint)


def _store_some(number: int) -> None:
    credentials.find_spec = lambda name: None  # type: ignore[assignment, attr-defined]
    for count in range(5):
        store_key(f"KEY_{number}_{count}", KEY)


@pytest.mark.thorough
@posix
def test_two_logins_at_a_time_lose_no_key() -> None:
    context = get_context("spawn")
    workers = [context.Process(target=_store_some, args=(number,)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(read_credentials()) == 15


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_any_text_is_read_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLOY_CONFIG_DIR", str(tmp_path_factory.mktemp("any")))
        for name, value in keys.items():
            store_key(name, Secret(value))
        assert read_credentials() == keys
        assert all(forget_key(name) for name in keys)
        assert read_credentials() == {}


# The keyring


def test_a_real_keyring_is_preferred_and_the_file_forgets(keyring: Callable[..., FakeKeyring]) -> None:
    store_key("A_KEY", Secret("in the file"))
    fake = keyring()
    assert store_key("A_KEY", KEY) == "the keyring (fake keyring)"
    assert fake.kept == {("alloy-nb", "A_KEY"): KEY.reveal()}
    assert read_credentials() == {}
    assert from_keyring("A_KEY") == KEY.reveal()


@pytest.mark.parametrize("how", [{"priority": 0}, {"priority": 0.5}, {"fails": True}, {"forgets": True}])
def test_a_keyring_that_is_none_leaves_it_to_the_file(how: dict[str, Any], keyring: Callable[..., FakeKeyring]) -> None:
    """One that fails, forgets, or writes plain text."""
    fake = keyring(**how)
    assert "which only you can read" in store_key("A_KEY", KEY)
    assert fake.kept == {}
    assert read_credentials() == {"A_KEY": KEY.reveal()}


def test_a_keyring_that_breaks_is_passed_over(
    keyring: Callable[..., FakeKeyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = keyring()

    def broken(*_: Any) -> None:
        raise RuntimeError("no D-Bus")

    monkeypatch.setattr(fake, "get_keyring", broken)
    monkeypatch.setattr(fake, "get_password", broken)
    assert from_keyring("A_KEY") is None
    assert "which only you can read" in store_key("A_KEY", KEY)


def test_without_a_keyring_there_is_none() -> None:
    assert from_keyring("A_KEY") is None


def test_forgetting_tells_where_it_was(keyring: Callable[..., FakeKeyring], folder: Path) -> None:
    store_key("A_KEY", KEY)
    store_key("B_KEY", KEY)
    fake = keyring()
    fake.kept["alloy-nb", "A_KEY"] = "older"
    assert forget_key("A_KEY") == [str(folder / "credentials"), "the keyring"]
    assert (forget_key("A_KEY"), fake.kept, read_credentials()) == ([], {}, {"B_KEY": KEY.reveal()})


def test_a_keyring_that_keeps_what_it_has_is_told(keyring: Callable[..., FakeKeyring]) -> None:
    fake = keyring()
    store_key("A_KEY", KEY)
    fake.fails = True
    with pytest.raises(ConfigError, match="did not give up A_KEY"):
        forget_key("A_KEY")
