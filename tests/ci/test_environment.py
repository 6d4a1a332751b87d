"""Making the environment, with interpreters that are shell scripts: what is tried, in which order."""

import os
import sys

import pytest
from steps import prepare, venv
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.prepare import Preparation
from steps.terminal import Terminal
from steps.timings import Steps

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for interpreters")

PROJECT = '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "x"\n[tool.ruff]\nline-length = 100\n'
# A Python that can do all: `-m venv DIR` makes a copy of itself, everything else is noted.
ABLE = r"""
echo "$@" >> {calls}
case "$*" in
  *"-m venv"*) {venv} ;;
  *"-m virtualenv"*) ;;
  *"local pull"*) mkdir -p "$ALLOY_DATA_DIR"; echo weights > "$ALLOY_DATA_DIR/m.gguf"; exit 0 ;;
  *) exit 0 ;;
esac
for last; do :; done
mkdir -p "$last/bin" && cp "$0" "$last/bin/python"
"""


@pytest.fixture
def machine(tmp_path, script, places):
    """A tree and a fake Python: machine(venv="exit 1") has one without ensurepip."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    calls = tmp_path / "calls"

    class Machine:
        def __init__(self, venv=":"):
            calls.write_text("")
            body = ABLE.format(calls=calls, venv=venv)
            self.python = Candidate(str(script("python3.13", body)), (3, 13, 0), "linux CPython")

        def prepare(self, weights=True):
            calls.write_text("")
            steps = Steps(Terminal(sys.stdout, {}), "make test (process 1)")
            env = {"PATH": os.environ["PATH"], "ALLOY_DATA_DIR": str(places.data)}
            preparation = Preparation(places, self.python, env, steps)
            preparation.run(weights=weights)
            preparation.lock.release()
            return [line for line in calls.read_text().splitlines() if "--version" not in line]

    return Machine


def test_from_nothing_venv_then_packages_then_weights(machine, places):
    assert machine().prepare() == [
        f"-I -m venv {places.venv}",
        "-m pip install --progress-bar off --editable .[lab,local,dev]",
        "-m alloy_nb local pull smollm2",
    ]


def test_the_second_time_nothing_runs(machine):
    here = machine()
    here.prepare()
    assert here.prepare() == []


def test_settings_of_tools_change_nothing_and_dependencies_do(machine, tmp_path):
    here = machine()
    here.prepare()
    project = tmp_path / "pyproject.toml"
    project.write_text(PROJECT.replace("100", "120"))
    assert here.prepare() == []
    project.write_text(PROJECT.replace('name = "x"', 'name = "x"\ndependencies = ["y"]'))
    assert here.prepare() == ["-m pip install --progress-bar off --editable .[lab,local,dev]"]


def test_another_python_makes_another_environment(machine):
    here = machine()
    here.prepare()
    here.python = here.python._replace(version=(3, 12, 1))
    assert [line.split()[2 if "venv" in line else 1] for line in here.prepare()] == ["venv", "pip"]


def test_an_environment_that_was_moved_or_removed_is_made_again(machine, places):
    here = machine()
    here.prepare()
    places.python.unlink()
    assert len(here.prepare()) == 2


def test_missing_weights_are_fetched_again_and_only_they(machine, places):
    here = machine()
    here.prepare()
    (places.data / "m.gguf").unlink()
    assert here.prepare() == ["-m alloy_nb local pull smollm2"]


def test_check_needs_no_weights(machine):
    assert not any("alloy_nb" in line for line in machine().prepare(weights=False))


def test_without_ensurepip_virtualenv_makes_the_environment(machine, places):
    calls = machine(venv="echo 'ensurepip is not available'; exit 1").prepare(weights=False)
    assert calls[1:3] == [
        f"-s -m pip install --target {places.build / 'bootstrap'} --upgrade virtualenv",
        f"-s -m virtualenv --no-periodic-update {places.venv}",
    ]
    assert "ensurepip is not available" in places.log("environment").read_text()


def test_an_interrupted_installation_is_repeated(machine, monkeypatch):
    here = machine()
    here.prepare()
    monkeypatch.setattr(prepare, "EXTRAS", "more")

    def stopped(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prepare.process, "run_quietly", stopped)
        with pytest.raises(KeyboardInterrupt):
            here.prepare()
    monkeypatch.setattr(prepare, "EXTRAS", "lab,local,dev")
    assert here.prepare() == ["-m pip install --progress-bar off --editable .[lab,local,dev]"]


def test_a_step_that_fails_tells_the_last_error_and_its_log(places):
    command = ["sh", "-c", "echo working; echo 'ERROR: it broke'; exit 3"]
    with pytest.raises(Failure) as caught:
        venv.process.run_quietly("environment", command, dict(os.environ), places.log("x"), places.root)
    assert caught.value.cause == "environment: it broke"
    assert caught.value.log == places.log("x")


def test_packages_are_not_changed_under_an_open_jupyterlab(machine, tmp_path, places):
    here = machine()
    here.prepare()
    reader = prepare.Lock(places.build / "locks" / "environment", "make lab (process 9)")
    assert reader.acquire(shared=True)
    assert here.prepare() == []
    (tmp_path / "pyproject.toml").write_text(PROJECT.replace('"x"', '"z"'))
    with pytest.raises(Failure, match=r"the environment must be changed, but .* is using it"):
        here.prepare()
    reader.release()


def test_a_pyproject_that_cannot_be_read_is_told(machine, tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project")
    with pytest.raises(Failure, match=r"pyproject\.toml cannot be read"):
        machine().prepare()
