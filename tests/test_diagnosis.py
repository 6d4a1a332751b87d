"""`doctor`: what it finds, and what it never shows."""

from __future__ import annotations

import dataclasses
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import alloy_nb as alloy
from alloy_nb import __version__, diagnosis
from alloy_nb.diagnosis import Diagnosis, doctor
from alloy_nb.providers.credentials import credentials_path, store_key
from alloy_nb.providers.secret import Secret

ROOT = Path(alloy.__file__).parents[1]
KEY = "sk-canary0123456789abcdef"


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing set, nothing stored, no Ollama."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setattr("alloy_nb.providers.ollama.running_models", lambda address: [])
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    known = diagnosis._version
    monkeypatch.setattr("alloy_nb.diagnosis._version", lambda name: None if name == "xllamacpp" else known(name))
    monkeypatch.setattr("alloy_nb.providers.local.is_installed", lambda: False)


def put_weights(folder: Path) -> None:
    """A file of the right size, as a sparse one: nothing here reads it."""
    from alloy_nb.weights.catalogue import CATALOGUE

    (folder / "models").mkdir(parents=True)
    with (folder / "models" / "smollm2.gguf").open("wb") as file:
        file.truncate(CATALOGUE["smollm2"].size)


def test_it_tells_versions_without_importing_what_they_are_of() -> None:
    code = """
import sys, alloy_nb
found = alloy_nb.doctor()
assert dict(found.packages)["IPython"]
heavy = {"IPython", "jupyterlab", "ipywidgets", "anywidget", "xllamacpp", "httpx2"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
    found = doctor()
    assert (found.alloy_nb, found.python) == (__version__, platform.python_version())


def test_without_any_model_it_says_what_to_do_first() -> None:
    found = doctor()
    assert (found.ok, found.model, found.misconfigured) == (False, None, False)
    assert found.next == "alloy local pull smollm2"


@pytest.mark.usefixtures("without_engine")
def test_without_an_engine_the_way_to_one_comes_first() -> None:
    found = doctor()
    assert found.local.engine is None
    assert "pip install xllamacpp" in found.next
    assert "not installed" in str(found)


def test_a_key_chooses_the_model_and_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = doctor()
    assert found.ok
    assert found.model is not None
    assert found.model.startswith("openai:")
    assert "OPENAI_API_KEY" in found.why
    assert found.sends_to == "api.openai.com"
    assert [(key.variable, key.problem) for key in found.keys] == [("OPENAI_API_KEY", None)]


@pytest.mark.parametrize(
    ("variable", "value"), [("HTTPS_PROXY", "http://host:port"), ("SSL_CERT_FILE", "/nowhere/ca.pem")]
)
def test_a_setting_of_the_network_that_cannot_work_is_told(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(variable, value)
    found = doctor()
    assert (found.ok, found.misconfigured) == (False, True)
    assert variable in found.why
    assert f"unset {variable}" in found.next or f"correct {variable}" in found.next
    # A model on this machine is asked all the same.
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    assert doctor().ok


def test_a_key_in_dotenv_is_told_by_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY}\n")
    monkeypatch.delenv("ALLOY_DOTENV")
    found = doctor()
    assert found.keys[0].where.endswith(".env")
    assert found.ok


def test_every_vendors_key_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """PRV: all eight are spoken."""
    for variable in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.setenv(variable, KEY)
    found = doctor()
    assert [(key.variable, key.problem) for key in found.keys] == [
        ("ANTHROPIC_API_KEY", None),
        ("GEMINI_API_KEY", None),
        ("MISTRAL_API_KEY", None),
    ]
    assert found.model == "anthropic:claude-sonnet-4-6"


def test_a_stored_key_is_told_by_its_file() -> None:
    store_key("XAI_API_KEY", Secret(KEY))
    found = doctor()
    assert found.keys[0].where == f"XAI_API_KEY in {credentials_path()}"
    assert found.model == "xai:grok-4.3"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_stored_keys_that_others_may_read_are_told_once_and_first() -> None:
    store_key("XAI_API_KEY", Secret(KEY))
    credentials_path().chmod(0o644)
    found = doctor()
    assert (found.ok, found.misconfigured, found.next) == (False, True, f"chmod 600 {credentials_path()}")
    (key,) = found.keys
    assert "others may read it" in str(key.problem)


def test_a_broken_table_of_models_is_the_next_thing_to_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where a model is named, which would not need it."""
    monkeypatch.setenv("ALLOY_MODEL", "openai:gpt-5.2")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "models.json").write_text('{\n"openai": 3}')
    found = doctor()
    assert (found.ok, found.misconfigured) == (False, True)
    assert "models.json, line 2" in found.why


def test_the_order_of_the_choice_is_told_as_far_as_it_was_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["set_default_model", "ALLOY_MODEL", "a key", "Ollama", "embedded model"]
    found = doctor()
    assert [name for name, _ in found.tried] == names
    assert "4. Ollama: none with a model runs at" in str(found)
    monkeypatch.setattr("alloy_nb.providers.ollama.running_models", lambda address: ["newest:1b"])
    found = doctor()
    assert [name for name, _ in found.tried] == names[:4]
    assert found.model == "ollama:newest:1b"
    assert "its newest model" in found.why
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert [name for name, _ in doctor().tried] == names[:3]
    assert doctor().to_dict()["tried"][0] == ["set_default_model", "not set"]


@pytest.mark.parametrize("value", [KEY, f"{KEY} {KEY}", f"{KEY}é"], ids=["right", "with a space", "not ASCII"])
def test_law_14_no_character_of_a_key_is_shown(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 14: nor of one that is malformed, nor of one pasted into the wrong variable."""
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("ALLOY_MODEL", f"openai:{KEY}")
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://user:{KEY}@localhost:8000/v1")
    found = doctor()
    shown = f"{found!r}{found}{found._repr_markdown_()}{found.to_dict()}{dataclasses.astuple(found)}"
    assert "canary" not in shown


def test_a_key_that_is_none_is_the_next_thing_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "copied with spaces")
    found = doctor()
    assert (found.ok, found.misconfigured) == (False, True)
    assert "copy the key again" in found.next


@pytest.mark.parametrize("model", ["opnai:gpt-5.2", "openai:gpt-5.2", "scripted:nowhere.jsonl", "local"])
def test_a_model_that_cannot_work_is_the_next_thing_to_mend(
    model: str, monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    monkeypatch.setenv("ALLOY_MODEL", model)
    found = doctor()
    assert (found.ok, found.misconfigured) == (False, True)
    assert found.next == found.hint


def test_a_model_set_in_this_process_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_MODEL", "openai:gpt-5.2")
    alloy.set_default_model(alloy.Scripted(["hi"]))
    try:
        found = doctor()
    finally:
        alloy.set_default_model(None)
    assert found.model == "scripted:script"
    assert "set_default_model" in found.why


def test_weights_that_are_stored_are_listed_with_their_size(data_folder: Path) -> None:
    put_weights(data_folder)
    found = doctor()
    assert [(weights.name, weights.size) for weights in found.local.weights] == [("smollm2", 98_362_432)]
    assert "smollm2 (98 MB)" in str(found)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that this user may not write to")
def test_a_data_folder_that_cannot_be_written_is_said(data_folder: Path) -> None:
    data_folder.mkdir(mode=0o500)
    assert not doctor().data_folder_writable


def test_a_file_in_the_place_of_the_data_folder_is_said(data_folder: Path) -> None:
    data_folder.write_text("in the way")
    found = doctor()
    assert not found.data_folder_writable
    assert "(cannot be written)" in str(found)
    assert found.local.engine is None or found.next.startswith("set ALLOY_DATA_DIR")


def test_looking_creates_nothing(data_folder: Path) -> None:
    doctor()
    assert not data_folder.exists()
    assert not credentials_path().parent.exists()


@pytest.fixture
def made() -> Callable[..., Diagnosis]:
    found = doctor()
    return lambda **changes: dataclasses.replace(found, **changes)


def test_a_demo_model_shows_its_notice_and_the_ways_to_a_better_one(made: Callable[..., Diagnosis]) -> None:
    found = made(model="local", notice="small demo model: answers are often wrong")
    assert "small demo model: answers are often wrong" in str(found)
    for way in ("OPENAI_API_KEY", "OpenAICompatible", "OPENAI_BASE_URL", "alloy local pull hf:"):
        assert way in str(found)
    assert "alloy demo" in found.next
    assert "OpenAICompatible" not in str(made(model="openai:gpt-5.2"))


def test_it_shows_itself_line_by_line_and_as_a_table(made: Callable[..., Diagnosis]) -> None:
    found = made(model="openai:a|b`<img src=x onerror=alert(1)>", why="line one\nline two\x1b[2J")
    assert repr(found) == str(found)
    assert str(found).splitlines()[-1].startswith("next: ")
    assert "line one line two" in str(found)
    assert "\x1b" not in str(found)
    table = found._repr_markdown_()
    assert "in a cell: `!" in table
    assert "in a cell" not in str(found)
    assert "| model | `openai:a\\|b'<img src=x onerror=alert(1)>`<br>" in table


def test_the_command_that_it_gives_for_a_cell_can_be_typed(
    made: Callable[..., Diagnosis], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell took the first word of a path with a blank for the command."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(sys, "executable", "/opt/my env/python")
    assert made()._repr_markdown_().endswith('in a cell: `!"/opt/my env/python" -m alloy_nb …`')
    monkeypatch.setattr(sys, "executable", "/opt/python")
    assert made()._repr_markdown_().endswith("in a cell: `!/opt/python -m alloy_nb …`")


def test_a_diagnosis_is_a_value() -> None:
    assert doctor() == doctor()
    with pytest.raises(dataclasses.FrozenInstanceError):
        doctor().model = "another"  # type: ignore[misc]


def test_it_lists_context_files_and_skills(tmp_path: Path) -> None:
    assert doctor().context == ()
    assert "no context files, no skills" in str(doctor())
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "tidy.md").write_text("Sweep.")
    (skills / "bad.md").write_bytes(b"\xff")
    (tmp_path / "AGENTS.md").write_text("Use tabs.")
    assert doctor().context == (
        "AGENTS.md: 9 characters",
        f"skill tidy: {skills / 'tidy.md'}",
        ".alloy/skills/bad.md was not read: it is not in UTF-8",
    )
    assert "AGENTS.md: 9 characters" in str(doctor())
