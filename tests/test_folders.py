"""Where the user's settings are looked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alloy_nb.folders import config_folder, data_folder


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ALLOY_CONFIG_DIR", "ALLOY_DATA_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))


def test_the_users_own_choice_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_CONFIG_DIR", "~/mine")
    assert config_folder() == tmp_path / "mine"


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".config/alloy_nb"),
        ("darwin", "Library/Application Support/alloy_nb"),
        ("win32", "AppData/Local/alloy_nb"),
    ],
)
def test_each_platform_has_its_place(
    platform: str, folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert config_folder() == tmp_path / folder


@pytest.mark.parametrize(("value", "kept"), [("/somewhere", True), ("relative", False), ("", False)])
def test_xdg_is_heard_where_it_is_absolute(
    value: str, kept: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", value)
    assert config_folder() == (Path(value) if kept else tmp_path / ".config") / "alloy_nb"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_data_lies_where_platformdirs_has_it(platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    place = {"linux": ".local/share", "darwin": "Library/Application Support", "win32": "AppData/Local"}[platform]
    assert data_folder() == tmp_path / place / "alloy_nb"
    monkeypatch.setenv("ALLOY_DATA_DIR", "~/mine")
    assert data_folder() == tmp_path / "mine"


def test_looking_creates_nothing(tmp_path: Path) -> None:
    assert not config_folder().exists()
    assert list(tmp_path.iterdir()) == []
