"""A step runs again exactly when its inputs have changed, or what it made is gone."""

import json

import pytest
from steps.stamps import Stamp, digest


@pytest.fixture
def stamp(tmp_path):
    return Stamp(tmp_path / "stamps" / "weights")


def test_the_same_inputs_give_the_same_key_and_others_another(tmp_path):
    file = tmp_path / "input"
    file.write_text("a")
    key = digest(["3.11.7", "linux"], file)
    assert digest(["3.11.7", "linux"], file) == key
    assert digest(["3.12.1", "linux"], file) != key
    file.write_text("b")
    assert digest(["3.11.7", "linux"], file) != key


def test_inputs_do_not_run_into_each_other():
    assert digest("ab", "c") != digest("a", "bc")


def test_a_step_that_succeeded_with_this_key_need_not_run(stamp):
    assert not stamp.holds("key")
    stamp.press("key")
    assert stamp.holds("key")
    assert not stamp.holds("other")


def test_a_step_is_due_again_when_what_it_made_is_gone_or_cut_short(stamp, tmp_path):
    made = tmp_path / "weights.gguf"
    made.write_bytes(b"x" * 100)
    stamp.press("key", [made])
    assert stamp.holds("key")
    made.write_bytes(b"x" * 99)
    assert not stamp.holds("key")
    made.unlink()
    assert not stamp.holds("key")


def test_an_interrupted_step_has_no_stamp(stamp):
    stamp.press("key")
    stamp.lift()
    stamp.lift()
    assert not stamp.holds("key")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", json.dumps({"key": "key"})])
def test_a_damaged_stamp_is_no_stamp(stamp, content):
    stamp.path.parent.mkdir()
    stamp.path.write_text(content)
    assert not stamp.holds("key")
