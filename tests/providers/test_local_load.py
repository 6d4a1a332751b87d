import json
import subprocess
from types import SimpleNamespace

import pytest

from alloy_nb.errors import ProviderError
from alloy_nb.providers import local_load
from alloy_nb.providers.local_load import Settings
from tests.weights.gguf_file import write_gguf


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Weights in the store, not tried yet by this process."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(local_load, "_survived", set())
    (tmp_path / "models").mkdir()
    return Settings(str(write_gguf(tmp_path / "models" / "m.gguf")), 512, 1)


@pytest.fixture
def children(monkeypatch):
    """Replaces child processes: set `code` and `said`; `commands` are what was to be run."""
    child = SimpleNamespace(code=0, said=b"", commands=[])

    def run(command, **options):
        child.commands.append(command)
        return subprocess.CompletedProcess(command, child.code, b"", child.said)

    monkeypatch.setattr(local_load.subprocess, "run", run)
    return child


def try_again(settings, monkeypatch):
    """As a new process would."""
    monkeypatch.setattr(local_load, "_survived", set())
    local_load._try_in_child(settings)


@pytest.mark.parametrize(
    ("code", "word"),
    [(-4, "AVX2"), (0xC000001D, "AVX2"), (-9, "too little memory"), (-11, "exit code -11")],
)
def test_a_child_that_crashes_is_an_error_with_a_hint_and_is_not_remembered(settings, children, code, word):
    children.code = code
    for _ in range(2):
        with pytest.raises(ProviderError, match=word) as caught:
            local_load._try_in_child(settings)
        assert "alloy doctor" in caught.value.hint
    assert len(children.commands) == 2


def test_what_llama_cpp_says_is_handed_on(settings, children):
    children.code, children.said = 3, b"noise\nno such architecture\n"
    with pytest.raises(ProviderError, match="no such architecture"):
        local_load._try_in_child(settings)


def test_a_success_is_remembered_for_other_processes(settings, children, monkeypatch):
    for _ in range(3):
        try_again(settings, monkeypatch)
    assert len(children.commands) == 1


@pytest.mark.parametrize("changed", ["_library_version", "_processor"])
def test_another_library_or_processor_is_tried_anew(settings, children, monkeypatch, changed):
    try_again(settings, monkeypatch)
    monkeypatch.setattr(local_load, changed, lambda: "another")
    try_again(settings, monkeypatch)
    assert len(children.commands) == 2


def test_other_weights_under_the_same_name_are_tried_anew(settings, children, monkeypatch, tmp_path):
    try_again(settings, monkeypatch)
    write_gguf(tmp_path / "models" / "m.gguf", payload=8192)
    try_again(settings, monkeypatch)
    assert len(children.commands) == 2


def test_where_no_stamp_can_be_written_it_is_tried_once_a_process(settings, children, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "file"))
    local_load._try_in_child(settings)
    local_load._try_in_child(settings)
    assert len(children.commands) == 1


def test_where_there_are_no_child_processes_it_goes_on_without(settings, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError("sandbox")

    monkeypatch.setattr(local_load.subprocess, "run", refuse)
    local_load._try_in_child(settings)


def test_the_child_searches_where_the_parent_does(settings, children, monkeypatch):
    monkeypatch.setattr(local_load.sys, "path", ["/somewhere"])
    local_load._try_in_child(settings)
    assert json.loads(children.commands[0][-1]) == ["/somewhere"]


def test_weights_that_only_look_right_are_refused_by_the_child(settings):
    pytest.importorskip("xllamacpp", reason="needs the extra [local]")
    with pytest.raises(ProviderError, match="cannot load") as caught:
        local_load.load(settings)
    assert caught.value.hint
