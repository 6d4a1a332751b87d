"""The environment variables of every child: the user's network kept, surprises dropped."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from . import pip_settings
from .places import Places, writable

Variables = dict[str, str]

# Keys, and addresses that would send requests elsewhere. A demo or a test must never be
# able to reach a real provider.
PROVIDERS = (
    "ANTHROPIC_", "OPENAI_", "GEMINI_", "GOOGLE_API", "GOOGLE_GENAI", "GOOGLE_GEMINI",
    "OPENROUTER_", "XAI_", "DEEPSEEK_", "MISTRAL_", "OLLAMA_",
)  # fmt: skip
SECRET = re.compile(r"_(API_KEYS?|BASE_URL|API_BASE)$")

# What changes how Python, Jupyter and the tools behave. ALLOY_: set below, by us.
SURPRISING = (
    "PYTHON", "__PYVENV", "VIRTUAL_ENV", "VIRTUALENV_", "CONDA", "_CONDA", "_CE_",
    "JUPYTER", "IPYTHON", "JPY_", "MPL", "MATPLOTLIB", "PYTEST_", "PY_COLORS", "MYPY",
    "RUFF_", "COVERAGE_", "HYPOTHESIS_", "OTEL_", "ALLOY_",
    "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX",
    "NODE_OPTIONS", "NODE_PATH", "BASH_ENV",
)  # fmt: skip
HARMLESS = {
    "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONFAULTHANDLER", "ALLOY_CHROMIUM",
}  # fmt: skip

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def clean(environ: Mapping[str, str], places: Places, *, keep_keys: bool = False) -> Variables:
    """The variables for any child process; `keep_keys` leaves the providers' alone."""
    kept = {name: value for name, value in environ.items() if is_kept(name) and (keep_keys or not is_provider(name))}
    kept |= pip_settings.kept(environ)
    kept |= without_proxy(kept)
    kept |= home(kept, places)
    kept |= private_folders(places)
    kept |= {
        # As in an activated environment: a notebook's `!pip` and a tool's `python` are its own.
        "PATH": os.pathsep.join([str(places.python.parent), kept.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": str(places.venv),
        "PYTHONNOUSERSITE": "1",
        "PIP_NO_INPUT": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "ALLOY_DATA_DIR": str(places.data),
    }
    if kept.get("PIP_RETRIES") == "0":
        kept["PIP_RETRIES"] = "1"  # without a retry pip never says why it reached nothing
    return kept


def is_kept(name: str) -> bool:
    upper = name.upper()
    if upper in HARMLESS:
        return True
    return not upper.startswith((*SURPRISING, "PIP_"))


def is_provider(name: str) -> bool:
    upper = name.upper()
    return upper.startswith(PROVIDERS) or SECRET.search(upper) is not None


def without_proxy(variables: Variables) -> Variables:
    """NO_PROXY with this machine in it, in both spellings: programs differ in which they read."""
    present = variables.get("NO_PROXY") or variables.get("no_proxy") or ""
    hosts = [host.strip() for host in present.split(",") if host.strip()]
    value = ",".join(hosts + [host for host in LOOPBACK if host not in hosts])
    return {"NO_PROXY": value, "no_proxy": value}


XDG = {
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}


def home(variables: Variables, places: Places) -> Variables:
    """A home folder that can be written: the user's own, else one under build/."""
    own = variables.get("USERPROFILE" if os.name == "nt" else "HOME")
    usable = bool(own) and os.path.isdir(own or "") and writable(own)
    changed: Variables = {}
    if not usable:
        places.home.mkdir(parents=True, exist_ok=True)
        changed["USERPROFILE" if os.name == "nt" else "HOME"] = str(places.home)
    for name, folder in XDG.items():
        if not usable or (name in variables and not writable(variables[name])):
            changed[name] = str((places.home if not usable else Path(own or "")) / folder)
    runtime = variables.get("XDG_RUNTIME_DIR")
    if runtime and not writable(runtime):
        changed["XDG_RUNTIME_DIR"] = str(private(places.jupyter / "xdg"))
    if not writable(pip_cache(variables | changed)):
        changed["PIP_CACHE_DIR"] = str(places.cache / "pip")
    return changed


def pip_cache(variables: Variables) -> Path:
    """Where pip would keep its downloads."""
    if variables.get("PIP_CACHE_DIR"):
        return Path(variables["PIP_CACHE_DIR"])
    if os.name == "nt":
        return Path(variables.get("LOCALAPPDATA", "")) / "pip" / "Cache"
    return Path(variables.get("XDG_CACHE_HOME") or Path(variables["HOME"]) / ".cache") / "pip"


def private_folders(places: Places) -> Variables:
    """Jupyter, IPython and Matplotlib of our own: the user's settings change what they do."""
    base = places.jupyter
    return {
        "JUPYTER_CONFIG_DIR": str(private(base / "config")),
        "JUPYTER_DATA_DIR": str(private(base / "data")),
        "JUPYTER_RUNTIME_DIR": str(private(base / "runtime")),
        "JUPYTERLAB_SETTINGS_DIR": str(private(base / "settings")),
        "JUPYTERLAB_WORKSPACES_DIR": str(private(base / "workspaces")),
        "IPYTHONDIR": str(private(base / "ipython")),
        "MPLCONFIGDIR": str(private(base / "matplotlib")),
    }


def private(folder: Path) -> Path:
    """A folder for this user only: connection files hold keys."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def offline(variables: Variables, model: str, **extra: str) -> Variables:
    """For the demo and the tests: this model and no other way to find one.

    An empty ALLOY_MODEL means "not set": tests say which model they use themselves, and one
    that asks for the default must see a machine on which nothing is configured.
    """
    return variables | {
        "ALLOY_MODEL": model,
        "ALLOY_DOTENV": "0",  # the library then reads no .env file
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    } | extra  # fmt: skip
