from __future__ import annotations

import pytest

import alloy_nb as alloy
from alloy_nb.options import make_options


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("modle", "model"), ("tool", "tools"), ("max_turn", "max_turns"), ("system", "system_prompt")],
)
def test_an_unknown_option_names_the_nearest_known_one(wrong: str, right: str) -> None:
    """RUN-w3: unknown options were silently ignored."""
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.run("hi", **{wrong: 1})
    assert caught.value.message == f"unknown option `{wrong}`"
    assert right in (caught.value.hint or "")


def test_an_option_like_nothing_lists_what_there_is() -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        make_options({"zzzzzz": 1})
    assert "max_turns" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "options",
    [
        {"max_turns": -1},
        {"max_turns": "3"},
        {"timeout": -1},
        {"tool_timeout": "soon"},
        {"approval": "maybe"},
        {"on_event": 5},
        {"tools": "read"},
        {"messages": ["hi"]},
        {"stop_sequences": "END"},
        {"extra_body": 3},
        {"extra_body": "x"},
        {"thinking": -5},
        {"thinking": 1.5},
        {"thinking": []},
    ],
)
def test_a_wrong_value_is_said_before_anything_runs(options: dict) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        make_options(options)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("given", "word"),
    [("2000", "thinking=2000"), ("hihg", "'high'"), ("High", "'high'"), ("zzz", "medium"), (-5, "a number of tokens")],
)
def test_a_wrong_thinking_names_what_is_right(given: object, word: str) -> None:
    """Each wire made its own of it: some sent it, some turned thinking off."""
    with pytest.raises(alloy.ConfigError, match="thinking is") as caught:
        make_options({"thinking": given})
    assert word in (caught.value.hint or "")


@pytest.mark.parametrize("given", [None, True, False, 0, 2000, "none", "minimal", "low", "medium", "high", "max"])
def test_every_way_to_say_thinking_is_taken(given: object) -> None:
    assert make_options({"thinking": given}).thinking == given


def test_request_id_is_another_word_for_run_id() -> None:
    assert make_options({"request_id": "r1"}).run_id == "r1"


def test_a_working_directory_that_is_none_is_a_config_error(tmp_path) -> None:
    with pytest.raises(alloy.ConfigError, match="is no folder"):
        alloy.run("hi", model=alloy.Scripted([{"text": "x"}]), working_directory=tmp_path / "none")
