"""The set-up with real Pythons of this machine: which is chosen, and those that lack what others have."""

import os
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
from steps import interpreter, variables, venv
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.places import Places

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links to interpreters")

ROOT = Path(__file__).resolve().parents[2]
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
MANAGED = "[externally-managed]\nError=This environment is externally managed\n"


def pyenvs(version):
    """pyenv's Python of this version, or none."""
    return next(iter(sorted(PYENV.glob(f"versions/{version}.*/bin/python{version}"))), None)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Put real Pythons on a PATH of its own: path("3.8", python3="3.10") gives that PATH."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    folder = tmp_path / "bin"
    folder.mkdir()

    def link(*versions, **names):
        for name, version in {**{f"python{version}": version for version in versions}, **names}.items():
            real = pyenvs(version)
            if real is None:
                pytest.skip(f"no Python {version} under pyenv")
            (folder / name).symlink_to(real)
        return str(folder)

    return link


def test_the_newest_supported_one_comes_first(path, tmp_path):
    environ = {"PATH": path("3.8", "3.10", "3.11", "3.12", "3.13")}
    for expected in ("3.13", "3.12", "3.11"):
        found, refused = interpreter.choose(str(tmp_path / "tree"), environ)
        assert (interpreter.dotted(found.version[:2]), refused) == (expected, [])
        (tmp_path / "bin" / f"python{expected}").unlink()
    assert interpreter.choose(str(tmp_path / "tree"), environ)[0] is None


def test_the_one_that_is_named_counts_before_newer_ones_and_a_wrong_one_is_passed_over(path, tmp_path):
    environ = {"PATH": path("3.11", "3.13", "3.10", python3="3.8")}
    named, _ = interpreter.choose(str(tmp_path), environ | {"PYTHON": f"{tmp_path}/bin/python3.11"})
    assert named.version[:2] == (3, 11)
    old, refused = interpreter.choose(str(tmp_path), environ | {"PYTHON": f"{tmp_path}/bin/python3.10"})
    assert old.version[:2] == (3, 13)
    assert "is too old: Python 3.10" in refused[0]
    gone, refused = interpreter.choose(str(tmp_path), environ | {"PYTHON": "/nonexistent/python"})
    assert gone.version[:2] == (3, 13)
    assert refused == ["/nonexistent/python: not found"]


def test_an_old_python3_is_passed_over_for_one_behind_it(path, tmp_path):
    found, refused = interpreter.choose(str(tmp_path), {"PATH": path(python3="3.8", python="3.12")})
    assert found.version[:2] == (3, 12)
    assert "python3: is too old: Python 3.8" in refused[0]


def test_pyenvs_own_shims_that_refuse_are_passed_over_until_one_runs(monkeypatch, tmp_path):
    shims = PYENV / "shims"
    if not (shims / "python3.12").exists():
        pytest.skip("no pyenv here")
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    monkeypatch.delenv("PYENV_VERSION", raising=False)
    monkeypatch.chdir(tmp_path)
    # A shim falls back on what PATH has of its name: what runs these tests may stand behind one.
    monkeypatch.setenv("PATH", f"{shims}{os.pathsep}/usr/bin{os.pathsep}/bin")
    refusing = list(takewhile(lambda name: not runs(shims / name), ("python3.13", "python3.12")))
    if not refusing:
        pytest.skip("pyenv's shims run here")
    found, refused = interpreter.choose(str(tmp_path), {"PATH": str(shims)})
    told = [line for line in refused if "command not found" in line]
    assert [line.partition(":")[0] for line in told] == [str(shims / name) for name in refusing]
    assert found is None or found.version[:2] >= interpreter.OLDEST


def runs(program):
    return subprocess.run([program, "-c", ""], capture_output=True).returncode == 0


def test_a_python_in_a_virtual_environment_stands_for_the_one_that_made_it(tmp_path):
    """Else the environment would go when the user's own goes."""
    subprocess.run([base(), "-m", "venv", "--without-pip", tmp_path / "own"], check=True)
    found, _ = interpreter.probe(str(tmp_path / "own/bin/python"))
    assert not Path(found.executable).is_relative_to(tmp_path)


def base():
    """The Python that the running environment was made with."""
    return getattr(sys, "_base_executable", sys.executable)


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONPLATLIBDIR", "PYTHONINSPECT"])
def test_a_hostile_variable_of_python_reaches_neither_the_start_nor_the_script(name, tmp_path):
    """Modules that shadow the standard library, another library, a prompt at the end."""
    for module in ("json", "os", "sitecustomize", "subprocess", "typing"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('hostile')")
    env = {"PATH": os.environ["PATH"], "PYTHON": base(), "HOME": str(tmp_path), name: str(tmp_path)}
    done = subprocess.run(["sh", ROOT / ".ci/start", "help"], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  versions " in done.stdout


# Pythons that lack something. Each is the real one with a library of links, without what is named.


def cripple(folder, without=(), managed=False):
    """A Python without these packages; `managed` as a distribution's own (PEP 668)."""
    program = Path(os.path.realpath(base()))
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(os.__file__).parent
    (folder / "bin").mkdir(parents=True)
    shutil.copy2(program, folder / "bin" / name)
    own = folder / "lib" / name
    (own / "site-packages").mkdir(parents=True)
    for entry in library.iterdir():
        if entry.name not in {*without, "site-packages", "dist-packages", "EXTERNALLY-MANAGED"}:
            (own / entry.name).symlink_to(entry)
    if "pip" not in without:
        import pip

        debians = folder / "lib/python3/dist-packages"
        debians.mkdir(parents=True)
        for entry in Path(pip.__file__).parents[1].glob("pip*"):
            (own / "site-packages" / entry.name).symlink_to(entry)
            (debians / entry.name).symlink_to(entry)
    if managed:
        (own / "EXTERNALLY-MANAGED").write_text(MANAGED)
    found, why = interpreter.probe(str(folder / "bin" / name))
    if found is None or not Path(found.executable).is_relative_to(folder):
        pytest.skip(f"this Python cannot be copied: {why or found.executable}")
    return found


def run(python, *arguments):
    return subprocess.run([python, "-I", *arguments], capture_output=True, text=True, timeout=120)


def test_the_crippled_ones_are_crippled(tmp_path):
    python = cripple(tmp_path / "a", without=("ensurepip",), managed=True).executable
    assert (
        "No module named ensurepip"
        in run(python, "-m", "venv", tmp_path / "v").stderr + run(python, "-m", "ensurepip").stderr
    )
    assert "externally-managed-environment" in run(python, "-m", "pip", "install", "x").stderr
    bare = cripple(tmp_path / "b", without=("ensurepip", "venv", "pip")).executable
    for module in ("venv", "ensurepip", "pip"):
        assert f"No module named {module}" in run(bare, "-m", module).stderr


@pytest.mark.slow
def test_what_a_distribution_manages_is_no_hindrance_where_it_has_venv(tmp_path):
    python = cripple(tmp_path / "python", managed=True)
    places = made(python, tmp_path)
    assert "virtualenv" not in places.log("environment").read_text()


@pytest.mark.slow  # it needs the package index
@pytest.mark.parametrize("without", [("ensurepip",), ("venv", "ensurepip"), ("venv", "ensurepip", "pip")])
@pytest.mark.parametrize("managed", [False, True])
def test_without_venv_or_ensurepip_virtualenv_makes_the_environment(tmp_path, without, managed):
    """From the user's index; without a pip, pip's own wheel runs in place."""
    places = made(cripple(tmp_path / "python", without, managed), tmp_path)
    assert "trying virtualenv" in places.log("environment").read_text()
    assert (places.build / "bootstrap-pip").exists() is ("pip" in without)


@pytest.mark.slow
def test_the_systems_own_python_makes_the_environment(tmp_path):
    """On Debian it is externally managed, and its venv a package of its own."""
    found = next((interpreter.probe(path)[0] for path in ("/usr/bin/python3", "/usr/local/bin/python3")), None)
    if found is None:
        pytest.skip("no Python of the system that is new enough")
    made(found, tmp_path)


def made(python: Candidate, tmp_path: Path) -> Places:
    """build/venv, made by this Python, with a pip that runs."""
    places = Places(tmp_path / "tree")
    places.make()
    try:
        venv.create(python, places, variables.clean(os.environ, places))
    except Failure as failure:
        if "cannot be reached" in failure.cause:
            pytest.skip(failure.cause)
        raise
    said = run(places.python, "-m", "pip", "--version")
    assert said.returncode == 0
    assert str(places.venv) in said.stdout
    return places
