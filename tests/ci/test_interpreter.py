"""Which Python is chosen, and what is said when none suits."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from steps import interpreter

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for interpreters")
BROKEN = "echo 'pyenv: python3.13: command not found' >&2; exit 127"
OLD = """echo '{"executable": "/old", "version": [3, 9, 18], "platform": "linux CPython"}'"""
REAL = f'exec {sys.executable} "$@"'


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch):
    """Only what a test puts on PATH counts."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")


def choose(tmp_path, **environ):
    return interpreter.choose(str(tmp_path), {"PATH": str(tmp_path / "bin"), **environ})


@posix
def test_a_shim_that_fails_is_passed_over(tmp_path, script):
    script("python3.13", BROKEN)
    script("python3", REAL)
    found, refused = choose(tmp_path)
    assert found.version == sys.version_info[:3]
    assert refused == [f"{tmp_path}/bin/python3.13: fails: pyenv: python3.13: command not found"]


@posix
def test_behind_a_broken_shim_the_next_folder_of_path_is_tried(tmp_path, script):
    script("python3", BROKEN, "shims")
    script("python3", REAL)
    found, refused = choose(tmp_path, PATH=f"{tmp_path}/shims{os.pathsep}{tmp_path}/bin")
    assert found is not None
    assert len(refused) == 1


@posix
def test_an_old_python_and_a_program_that_is_no_python_are_passed_over(tmp_path, script):
    script("python3.13", OLD)
    script("python3.12", "echo hello")
    script("python", REAL)
    found, refused = choose(tmp_path)
    assert found is not None
    assert ["is too old: Python 3.9.18" in refused[0], "is no Python" in refused[1]] == [True, True]


@posix
def test_the_python_that_the_user_names_comes_first(tmp_path, script):
    script("python3.13", BROKEN)
    mine = script("mine", REAL, "own")
    found, refused = choose(tmp_path, PYTHON=str(mine))
    assert found is not None
    assert refused == []


@posix
def test_a_shim_that_hangs_is_passed_over(script):
    found, why = interpreter.probe(str(script("python3", "exec sleep 60")), timeout=0.3)
    assert found is None
    assert why.startswith("does not run")


@posix
def test_the_existing_environment_keeps_its_python_when_path_changes(tmp_path, script):
    script("python3.13", BROKEN)
    (tmp_path / "build" / "venv").mkdir(parents=True)
    script("python", REAL, "build/venv/bin")
    found, refused = choose(tmp_path)
    assert found is not None
    assert refused == []


def test_with_no_python_at_all_cause_remedy_and_log_are_told(tmp_path, capsys):
    found, refused = choose(tmp_path)
    assert found is None
    interpreter.explain_none(str(tmp_path), refused)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["cause", "remedy", "log"]
    assert "3.11" in lines[0]
    assert Path(lines[2].removeprefix("log: ")).read_text() == "/nonexistent/python: not found\n"


@pytest.mark.parametrize("name", ["make.py", "steps/__init__.py", "steps/interpreter.py"])
def test_what_starts_on_any_python_has_the_syntax_of_3_6(name):
    ast.parse((ROOT / ".ci" / name).read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("minor", [6, 7, 8, 9, 10])
def test_a_real_old_python_starts_and_says_what_is_missing(minor, tmp_path):
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    old = next(iter(sorted(versions.glob(f"3.{minor}.*/bin/python3"))), None)
    if old is None:
        pytest.skip(f"no Python 3.{minor} under pyenv")
    tree = tmp_path / "tree"
    for name in ("make.py", "steps/__init__.py", "steps/interpreter.py"):
        copy = tree / ".ci" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / ".ci" / name).read_text())
    done = subprocess.run(
        [old, tree / ".ci" / "make.py", "demo"],
        env={"PATH": str(tmp_path / "empty")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("cause: no Python 3.11 or newer was found")
    assert f"is too old: Python 3.{minor}" in done.stderr


@posix
def test_hostile_python_variables_do_not_reach_the_start(tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('hostile')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path)}
    done = subprocess.run(["sh", ROOT / ".ci" / "start", "help"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout


@posix
def test_the_shell_start_looks_behind_a_broken_shim(tmp_path, script):
    script("python3", BROKEN, "shims")
    script("python3", f'exec {os.path.realpath(sys.base_prefix)}/bin/python3 "$@"')
    env = {"PATH": f"{tmp_path}/shims:{tmp_path}/bin:/usr/bin:/bin"}
    done = subprocess.run(["sh", ROOT / ".ci" / "start", "help"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
