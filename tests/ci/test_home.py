"""A home that would break everything, and one that cannot be written: what real programs see of them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from steps import execute, variables

pytestmark = pytest.mark.skipif(os.name == "nt", reason="HOME is for POSIX")

ROOT = Path(__file__).resolve().parents[2]
CRASH = "import os; os._exit(3)\n"
FALSE = {"argv": ["false"], "display_name": "boom", "language": "python"}
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
HOSTILE = {
    ".jupyter/jupyter_config.py": CRASH,
    ".jupyter/jupyter_server_config.py": CRASH,
    ".jupyter/jupyter_lab_config.py": CRASH,
    ".jupyter/jupyter_server_config.json": '{"ServerApp": {"port": "boom"}}',
    ".ipython/profile_default/startup/boom.py": CRASH,
    ".ipython/profile_default/ipython_config.py": CRASH,
    ".ipython/profile_default/ipython_kernel_config.py": CRASH,
    ".config/matplotlib/matplotlibrc": "backend: boom\nfont.size: boom\n",
    ".matplotlib/matplotlibrc": "backend: boom\n",
    ".local/share/jupyter/kernels/python3/kernel.json": json.dumps(FALSE),
    f".local/{SITE}/usercustomize.py": CRASH,
    f".local/{SITE}/boom.pth": "import os; os._exit(3)\n",
}
PATHS = """
import json, matplotlib, IPython.paths, jupyter_core.paths as jupyter
print(json.dumps([
    matplotlib.get_configdir(), matplotlib.get_cachedir(), matplotlib.matplotlib_fname(),
    IPython.paths.get_ipython_dir(),
    *jupyter.jupyter_config_path(), *jupyter.jupyter_path(), jupyter.jupyter_runtime_dir(),
]))
"""


@pytest.fixture
def home(tmp_path):
    """The user's variables, with a home in which everything is wrong."""
    folder = tmp_path / "home"
    for name, text in HOSTILE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    named = {
        "JUPYTER_CONFIG_DIR": ".jupyter", "JUPYTER_PATH": ".local/share/jupyter", "IPYTHONDIR": ".ipython",
        "MPLCONFIGDIR": ".config/matplotlib", "MATPLOTLIBRC": ".matplotlib/matplotlibrc",
    }  # fmt: skip
    return {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "MPLBACKEND": "boom",
        "IPYTHON_BOOM": "1",
        **{name: str(folder / path) for name, path in named.items()},
    }


def run(env, *arguments, cwd=None):
    return subprocess.run(
        [sys.executable, *arguments], env=env, cwd=cwd, capture_output=True, text=True, timeout=90, check=False
    )


COMMANDS = {
    "IPython": ["-m", "IPython", "-c", "print('fine')"],
    "JupyterLab": ["-m", "jupyter", "lab", "--show-config-json"],
    "Matplotlib": ["-c", "import matplotlib.pyplot as p; p.figure(); print(p.rcParams['font.size'])"],
}
# JupyterLab takes seconds to start: not among the quick tests.
PROGRAMS = ["IPython", pytest.param("JupyterLab", marks=pytest.mark.kernel), "Matplotlib"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_the_user_has_set_does_no_harm(program, home, places, tmp_path):
    done = run(variables.clean(home, places), *COMMANDS[program], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "boom" not in done.stdout + done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_us_it_would(program, home, tmp_path):
    """The test above means something."""
    done = run(home, *COMMANDS[program], cwd=tmp_path)
    assert done.returncode != 0


def test_nor_do_packages_below_it_keep_the_set_up_from_starting(home):
    """A usercustomize that fails would look as if no Python ran here."""
    python = getattr(sys, "_base_executable", sys.executable)
    harmed = subprocess.run([python, "-E", "-c", ""], env=home, check=False)
    done = subprocess.run(["sh", ROOT / ".ci/start", "help"], env=home | {"PYTHON": python, "PATH": "/usr/bin:/bin"})
    assert (harmed.returncode, done.returncode) == (3, 0)


def test_nothing_is_looked_for_below_the_users_home(home, places):
    done = run(variables.clean(home, places), "-c", PATHS)
    assert done.returncode == 0, done.stderr
    assert [path for path in json.loads(done.stdout) if path.startswith(home["HOME"])] == []


@pytest.mark.kernel
@pytest.mark.parametrize("writable", [True, False])
def test_the_demos_notebook_runs_in_a_kernel_of_our_own(writable, home, places, tmp_path):
    """As make demo runs it: with a hostile home, and with none."""
    import nbformat

    cell = "import os, matplotlib.pyplot as p\np.plot([1, 2])\nprint(os.environ['HOME'])"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbformat.write(notebook, tmp_path / "in.ipynb")
    environ = home if writable else home | {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/proc/nowhere"}
    env = variables.offline(variables.clean(environ, places), "local")
    files = [str(tmp_path / name) for name in ("in.ipynb", "out.ipynb", "out.html", "progress.jsonl")]
    done = run(env, execute.__file__, *files, str(tmp_path))
    assert done.returncode == 0, done.stderr
    outputs = nbformat.read(tmp_path / "out.ipynb", 4).cells[0].outputs
    assert outputs[-1]["data"]["image/png"]
    told = next(output.text for output in outputs if output.output_type == "stream")
    assert told.strip() == (home["HOME"] if writable else str(places.home))


# A user without rights, for real

CLEAN = """
import json, os, pathlib, sys
sys.path.insert(0, sys.argv[1])
from steps import variables
from steps.places import Places
places = Places(pathlib.Path(sys.argv[2]))
places.make()
env = variables.clean(os.environ, places)
env["PIP_CACHE_DIR"] = str(variables.pip_cache(env))
for name in env:
    if not name.endswith(("HOME", "_DIR", "DIR")):
        continue
    folder = pathlib.Path(env[name])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "probe").touch()
print(json.dumps(env))
"""


@pytest.fixture
def nobody():
    """nobody(program, *arguments, **environ): run as a user without rights, who may write `nobody.tree` alone."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    tree = Path(tempfile.mkdtemp())

    class Nobody:
        def __call__(self, program, *arguments, **environ):
            who = {"user": 65534, "group": 65534, "extra_groups": []}
            env = {"PATH": "/usr/local/bin:/usr/bin:/bin", **environ}
            return subprocess.run([program, *arguments], env=env, cwd=tree, capture_output=True, text=True, **who)

    made = Nobody()
    made.tree = tree
    shutil.copytree(ROOT / ".ci", tree / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    os.chown(tree, 65534, 65534)
    tree.chmod(0o755)
    yield made
    shutil.rmtree(tree)


def python_of(nobody):
    for name in ("python3.13", "python3.12", "python3.11", "python3"):
        for folder in ("/usr/local/bin", "/usr/bin"):
            program = f"{folder}/{name}"
            check = "import sys; sys.exit(sys.version_info < (3, 11))"
            if os.path.exists(program) and nobody(program, "-c", check).returncode == 0:
                return program
    pytest.skip("no Python that anybody may run is new enough")


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/nonexistent"},
        {"HOME": "/root", "XDG_CACHE_HOME": "/root/.cache"},
        {"HOME": "/", "PIP_CACHE_DIR": "/root/pip", "XDG_RUNTIME_DIR": "/run/user/0"},
        {},
    ],
)
def test_a_user_who_may_write_nothing_gets_folders_in_the_tree(nobody, environ):
    done = nobody(python_of(nobody), "-I", "-c", CLEAN, str(nobody.tree / ".ci"), str(nobody.tree), **environ)
    assert done.returncode == 0, done.stderr
    env = json.loads(done.stdout)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PIP_CACHE_DIR"):
        assert env[name].startswith(str(nobody.tree / "build")), name


def test_a_home_that_can_be_written_with_a_cache_that_cannot(nobody):
    home = nobody.tree / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    environ = {"HOME": str(home), "XDG_CACHE_HOME": "/root/.cache"}
    done = nobody(python_of(nobody), "-I", "-c", CLEAN, str(nobody.tree / ".ci"), str(nobody.tree), **environ)
    assert done.returncode == 0, done.stderr
    env = json.loads(done.stdout)
    assert (env["HOME"], env["XDG_CACHE_HOME"]) == (str(home), str(home / ".cache"))


def test_a_tree_that_cannot_be_written_is_told(nobody):
    os.chown(nobody.tree, 0, 0)
    done = nobody("sh", ".ci/start", "check", PYTHON=python_of(nobody))
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["cause", "remedy", "log"]
    assert "cannot write build/" in done.stderr
