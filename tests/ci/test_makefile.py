"""make and continuous integration only call the script."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = [
    "demo",
    "test",
    "check",
    "lab",
    "bench",
    "soak",
    "versions",
    "fuzz",
    "static",
    "dist",
    "binder",
    "binder-url",
    "clean",
    "help",
]
make = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def test_every_recipe_is_one_call_of_the_script():
    recipes = [line.strip() for line in MAKEFILE.splitlines() if line.startswith("\t")]
    assert recipes == ["@sh .ci/start $@"]


def test_nothing_newer_than_make_3_81_is_used():
    assert not re.search(r"\.ONESHELL|\.RECIPEPREFIX|!=|::=|\$\(file |\$\(guile |\.EXTRA_PREREQS|&:", MAKEFILE)


@make
@pytest.mark.parametrize("target", TARGETS)
def test_each_target_is_known_to_make_and_to_the_script(target):
    said = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, env=environ())
    assert said.stdout == f"sh .ci/start {target}\n"
    from steps.command import TARGETS as KNOWN

    assert target in KNOWN


@make
def test_without_a_target_the_targets_are_listed():
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, env=environ())
    assert all(re.search(rf"^  {target} ", said.stdout, re.M) for target in TARGETS), said


def test_an_unknown_target_is_told_with_the_known_ones():
    said = subprocess.run(["sh", ".ci/start", "dmeo"], cwd=ROOT, capture_output=True, text=True, env=environ())
    assert said.returncode == 2
    assert said.stderr.splitlines()[0] == "cause: there is no target 'dmeo'"


def test_continuous_integration_calls_make_test_from_the_root(tmp_path):
    fake = tmp_path / "make"
    fake.write_text('#!/bin/sh\necho "$PWD: make $*"\n')
    fake.chmod(0o755)
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    env = environ() | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    said = subprocess.run(["bash", run], cwd=tmp_path, capture_output=True, text=True, env=env)
    assert said.stdout == f"{ROOT}: make test\n"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no work tree of git")
@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("build/venv/bin/python", True),
        ("alloy_nb/__pycache__/x.pyc", True),
        ("labextension/node_modules/x", True),
        ("notebooks/.ipynb_checkpoints/x.ipynb", True),
        (".env", True),
        (".ci/steps/command.py", False),
        ("labextension/build/x.js", False),
        ("labextension/build.mjs", False),
        ("alloy_nb/notebook/static/widget.js", False),
        ("notebooks/01-quickstart.ipynb", False),
    ],
)
def test_git_ignores_what_is_made_and_nothing_else(path, ignored):
    said = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT)
    assert (said.returncode == 0) is ignored


def environ():
    """Not the variables of a make that may run this test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
