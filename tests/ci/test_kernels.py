"""The kernels' environments, with a Python that only notes what it is asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from steps.behind import LINK
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.kernels import KERNELS, Kernels

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for interpreters")

# `-m venv --without-pip DIR` makes a copy of itself; asked for its site-packages, it tells a folder of its own.
ABLE = r"""
echo "$@" >> {calls}
case "$*" in
  *"-m venv"*) for last; do :; done; mkdir -p "$last/bin" "$last/site" && cp "$0" "$last/bin/python" ;;
  *sysconfig*) here=${{0%/bin/*}}; mkdir -p $here/site; echo $here/site ;;
  *pip*) {pip} ;;
esac
"""


@pytest.fixture
def kernels(tmp_path, places, script):
    """kernels(): a preparation of them; kernels(pip="exit 1"): one whose pip fails."""

    def make(environment="key", pip=":"):
        (tmp_path / "calls").write_text("")
        body = ABLE.format(calls=tmp_path / "calls", pip=pip)
        places.python.parent.mkdir(parents=True, exist_ok=True)
        script("python", body, "build/venv/bin")
        base = Candidate(str(script("python3.13", body)), (3, 13, 0), "linux CPython")
        return Kernels(places, base, {"PATH": os.environ["PATH"]}, environment)

    return make


def calls(tmp_path, word):
    return [line for line in (tmp_path / "calls").read_text().splitlines() if word in line]


def test_each_has_its_own_ipykernel_and_the_environment_behind_it(kernels, places, tmp_path):
    kernels().make()
    for name, wanted in KERNELS.items():
        folder = places.kernels / name
        assert [line for line in calls(tmp_path, "install") if line.endswith(wanted)] == [
            f"-m pip --python {folder}/bin/python install --progress-bar off --upgrade {wanted}"
        ]
        link = (folder / "site" / LINK).read_text()
        assert link == f"import site; site.addsitedir('{places.venv}/site')\n"


def test_each_is_registered_for_jupyter(kernels, places):
    made = kernels()
    made.make()
    specs = sorted((made.jupyter / "kernels").glob("*/kernel.json"))
    assert [spec.parent.name for spec in specs] == sorted(KERNELS)
    argv = json.loads(specs[0].read_text())["argv"]
    assert argv == [
        f"{places.kernels}/alloy-6.31/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"
    ]  # fmt: skip


def test_they_are_made_once_and_again_for_another_environment_or_when_one_is_gone(kernels, places):
    made = kernels()
    assert not made.is_fresh()
    made.make()
    assert kernels().is_fresh()
    assert not kernels(environment="other packages").is_fresh()
    (made.jupyter / "kernels" / "alloy-7.3" / "kernel.json").unlink()
    assert not kernels().is_fresh()


def test_an_installation_that_fails_leaves_no_stamp(kernels):
    with pytest.raises(Failure, match="kernels: no such version"):
        kernels(pip="echo 'ERROR: no such version'; exit 1").make()
    assert not kernels().is_fresh()


# The real ones, where make test has made them

MADE = Path(__file__).resolve().parents[2] / "build/kernels/jupyter"


@pytest.fixture
def made():
    """The kernelspecs of one Jupyter, by name, as its own command lists them."""
    folder = os.environ.get("JUPYTER_PATH", "").partition(os.pathsep)[0] or str(MADE)
    if not (Path(folder) / "kernels" / "alloy-newest").is_dir():
        pytest.skip("make test makes the kernels")
    command = [sys.executable, "-m", "jupyter", "kernelspec", "list", "--json"]
    said = subprocess.run(command, env={**os.environ, "JUPYTER_PATH": folder}, capture_output=True, text=True)
    specs = json.loads(said.stdout)["kernelspecs"]
    return {name: spec["spec"]["argv"][0] for name, spec in specs.items() if name in KERNELS}


@pytest.mark.kernel
def test_the_three_are_kernels_of_one_jupyter_and_what_they_are_called(made):
    versions = {}
    for name, python in made.items():
        code = "import alloy_nb, ipykernel; print(ipykernel.__version__)"
        versions[name] = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert set(versions) == set(KERNELS)
    assert versions["alloy-6.31"].startswith("6.31.")
    assert versions["alloy-7.3"].startswith("7.3.")
    newest = [int(part) for part in versions["alloy-newest"].split(".")[:2]]
    assert newest[0] == 7
    assert newest >= [7, 3]


@pytest.mark.kernel
@pytest.mark.parametrize("name", KERNELS)
def test_each_runs_a_cell_with_its_own_ipykernel_and_the_checkouts_package(name, made):
    from jupyter_client.manager import start_new_kernel

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JUPYTER_PATH", os.environ.get("JUPYTER_PATH") or str(MADE))
        manager, client = start_new_kernel(kernel_name=name, startup_timeout=60)
    try:
        said = []
        code = "import ipykernel, alloy_nb; print(ipykernel.__file__, alloy_nb.__file__)"
        client.execute_interactive(code, output_hook=lambda message: said.append(message), timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    text = "".join(message["content"]["text"] for message in said if message["msg_type"] == "stream")
    of_kernel, of_package = text.split()
    # The newest is the environment's own where that has it already.
    assert f"/{name}/" in of_kernel or (name == "alloy-newest" and "/build/venv/" in of_kernel)
    assert Path(of_package).parents[1] == MADE.parents[2]
