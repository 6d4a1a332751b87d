"""The build steps are no part of the package: their folder is put on the path here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ci"))

from steps.places import Places  # noqa: E402 - only importable now

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before tests are selected by their marks
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("setup")


@pytest.fixture
def places(tmp_path):
    """An empty tree of its own."""
    made = Places(tmp_path)
    made.make()
    return made


@pytest.fixture
def script(tmp_path):
    """Make an executable shell script: script(name, body)."""

    def make(name, body, folder="bin"):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def make_target():
    """make_target("dist"): that target in this tree, for real, as a child of nobody's make."""

    def run(target):
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        return subprocess.run(["sh", ".ci/start", target], cwd=ROOT, capture_output=True, text=True, env=environ)

    return run
