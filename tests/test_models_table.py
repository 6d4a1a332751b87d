"""The table of models: what we ship is sound, what a user writes goes over it or is told where it is wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError
from alloy_nb.models_table import _problems, our_table, read_table, user_table_path

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def own_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Write:
    """Writes the user's own table; without a call there is none."""
    monkeypatch.delenv("ALLOY_MODELS", raising=False)
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path))

    def write(text: str) -> Path:
        path = tmp_path / "models.json"
        path.write_text(text, "utf-8")
        return path

    return write


def ours() -> Any:
    return json.loads(files("alloy_nb").joinpath("models.json").read_text("utf-8"))


def test_what_we_ship_is_sound() -> None:
    assert list(_problems(ours())) == []


def test_every_fact_of_ours_says_since_when_and_from_where() -> None:
    for section in ours().values():
        assert section["default"] in section["models"]
        for name, entry in section["models"].items():
            assert date.fromisoformat(entry["date"]), name
            assert entry["source"], name


def test_without_a_file_there_are_ours() -> None:
    assert read_table() == our_table()


def test_facts_are_merged_field_by_field_and_null_takes_one_away(own_table: Write) -> None:
    own_table(
        json.dumps({"anthropic": {"models": {"claude-opus-5": {"window": None, "prices": {"input": 1, "output": 2}}}}})
    )
    entry = read_table()["anthropic"].models["claude-opus-5"]
    assert entry["window"] is None
    assert entry["prices"] == {"input": 1, "output": 2}
    assert entry["max_output"] == our_table()["anthropic"].models["claude-opus-5"]["max_output"]
    assert our_table()["anthropic"].models["claude-opus-5"]["window"] == 1_000_000


def test_a_provider_of_the_users_own(own_table: Write) -> None:
    own_table('{"acme": {"models": {"m": 1000}}}')
    assert read_table()["acme"].models["m"] == {"window": 1000}
    assert read_table()["acme"].default is None


def test_a_changed_file_is_read_again(own_table: Write) -> None:
    own_table('{"acme": {"default": "a"}}')
    assert read_table()["acme"].default == "a"
    own_table('{"acme": {"default": "another"}}')
    assert read_table()["acme"].default == "another"


def test_a_file_named_by_the_variable_comes_first(
    own_table: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_table('{"acme": {"default": "a"}}')
    other = tmp_path / "other.json"
    other.write_text('\ufeff{"acme": {"default": "b"}}', "utf-8")
    monkeypatch.setenv("ALLOY_MODELS", str(other))
    assert user_table_path() == other
    assert read_table()["acme"].default == "b"


def test_a_file_named_by_the_variable_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_MODELS", str(tmp_path / "no.json"))
    with pytest.raises(ConfigError, match=r"ALLOY_MODELS names .*no\.json") as caught:
        read_table()
    assert "unset ALLOY_MODELS" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        ('{\n "openai": {,\n}', 2, "Expecting", "JSON"),
        ("", 1, "Expecting", "JSON"),
        ("[]", 1, "no object", '"openai"'),
        ('{"openai": {}, \n"xai": 7}', 2, "'xai' is no object", "default"),
        ('{"openai": {\n"defualt": "x"}}', 2, "unknown field 'defualt'", "'default'"),
        ('{"openai": {\n\n"default": 3}}', 3, "no name", "NAME"),
        ('{"openai": {\n"models": []}}', 2, "no object", "models"),
        ('{"openai": {"models": {\n"m": []}}}', 2, "'m' is no object", "window"),
        ('{"openai": {"models": {"m": {\n\n"windw": 3}}}}', 3, "unknown field 'windw'", "'window'"),
        ('{"openai": {"models": {"m": {}, "n": {\n"window": "big"}}}}', 2, "window is 'big'", "tokens"),
        ('{"openai": {"models": {"m": {\n"window": true}}}}', 2, "window is True", "tokens"),
        ('{"openai": {"models": {"m": {\n"max_output": 0}}}}', 2, "max_output is 0", "tokens"),
        ('{"openai": {"models": {"m": -1}}}', 1, "window is -1", "tokens"),
        ('{"openai": {"models": {"m": {\n"caps": ["fly"]}}}}', 2, "caps is", "images"),
        ('{"openai": {"models": {"m": {\n"note": 1}}}}', 2, "note is 1", "text"),
        ('{"openai": {"models": {"m": {\n"prices": 3}}}}', 2, "prices holds 3", "million"),
        ('{"openai": {"models": {"m": {\n"prices": [null]}}}}', 2, "prices holds None", "million"),
        ('{"openai": {"models": {"m": {"prices": {\n"input": 3}}}}}', 1, "output is None", "needed"),
        ('{"openai": {"models": {"m": {"prices": {\n"input": -3, "output": 1}}}}}', 2, "input is -3", "needed"),
        ('{"openai": {"models": {"m": {"prices": {"input": 3,\n"output": NaN}}}}}', 2, "output is nan", "needed"),
        ('{"o": {"models": {"m": {"prices": {"input": 1, "output": 1,\n"above": "x"}}}}}', 2, "above is 'x'", "tokens"),
        (
            '{"o": {"models": {"m": {"prices": {"input": 1, "output": 1,\n"since": "soon"}}}}}',
            2,
            "since is 'soon'",
            "day",
        ),
    ],
)
def test_a_broken_file_is_told_by_its_line(text: str, line: int, said: str, hint: str, own_table: Write) -> None:
    """CFG-w3: nothing was checked."""
    path = own_table(text)
    with pytest.raises(ConfigError) as caught:
        read_table()
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert said in str(caught.value)
    assert hint in str(caught.value.hint)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a file that this user may not read")
def test_a_file_that_cannot_be_read_is_told(own_table: Write) -> None:
    own_table("{}").chmod(0)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_table()


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "models.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_table()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["window", "max_output", "caps", "prices", "note", "default", "models", "input", "output"])


@given(st.dictionaries(st.text(max_size=5), st.dictionaries(fields, json_values, max_size=3), max_size=3) | json_values)
def test_whatever_is_written_there_is_taken_or_told(data: Any) -> None:
    assert all(isinstance(problem, str) and hint for _, problem, hint in _problems(data))
