"""What of the user's environment variables reaches a child process."""

import os

import pytest
from steps import variables

KEYS = [
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "OPENROUTER_API_KEY",
    "XAI_API_KEY",
    "DEEPSEEK_API_KEY",
    "MISTRAL_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_AUTH_TOKEN",
    "OLLAMA_HOST",
    "SOMEBODY_ELSES_API_KEY",
]
HOSTILE = [
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "PYTHONOPTIMIZE",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_NO_INDEX",
    "PIP_BREAK_SYSTEM_PACKAGES",
    "PIP_USER",
    "PIP_REQUIRE_VIRTUALENV",
    "CONDA_PYTHON_EXE",
    "_CE_CONDA",
    "MATPLOTLIBRC",
    "NODE_OPTIONS",
    "BASH_ENV",
    "JUPYTER_PATH",
    "JUPYTER_TOKEN",
    "IPYTHONDIR_OF_OLD",
    "PYTEST_ADDOPTS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "ALLOY_MODEL",
    "MAKEFLAGS",
]
OWN = {
    "PIP_INDEX_URL": "https://mirror/simple",
    "PIP_EXTRA_INDEX_URL": "https://other/simple",
    "PIP_FIND_LINKS": "/wheels",
    "PIP_CERT": "/ca.pem",
    "PIP_TRUSTED_HOST": "mirror",
    "HTTPS_PROXY": "http://proxy:3128",
    "http_proxy": "http://proxy:3128",
    "SSL_CERT_FILE": "/ca.pem",
    "REQUESTS_CA_BUNDLE": "/ca.pem",
    "LANG": "de_DE.UTF-8",
    "CI": "true",
    "ALLOY_CHROMIUM": "/opt/chromium",
}


@pytest.fixture
def user(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return {"HOME": str(home), "USERPROFILE": str(home), "PATH": "/bin"}


@pytest.mark.parametrize("name", KEYS)
def test_no_key_and_no_address_of_a_provider_is_passed_on(name, user, places):
    assert name not in variables.clean(user | {name: "x"}, places)


@pytest.mark.parametrize("name", KEYS)
def test_in_the_users_own_jupyterlab_the_keys_stay(name, user, places):
    assert variables.clean(user | {name: "x"}, places, keep_keys=True)[name] == "x"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_variables_are_gone(name, user, places):
    assert name not in variables.clean(user | {name: "x"}, places)


@pytest.mark.parametrize("name", OWN)
def test_the_users_index_proxy_and_certificates_are_kept(name, user, places):
    assert variables.clean(user | OWN, places)[name] == OWN[name]


@pytest.mark.parametrize("spelling", ["NO_PROXY", "no_proxy"])
def test_this_machine_is_never_reached_through_a_proxy(spelling, user, places):
    cleaned = variables.clean(user | {spelling: "corp.example,localhost"}, places)
    for name in ("NO_PROXY", "no_proxy"):
        assert cleaned[name] == "corp.example,localhost,127.0.0.1,::1"


def test_settings_of_jupyter_ipython_and_matplotlib_are_our_own(user, places):
    cleaned = variables.clean(user | {"JUPYTER_CONFIG_DIR": "/mine", "MPLCONFIGDIR": "/mine"}, places)
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        assert cleaned[name].startswith(str(places.build))
    if os.name == "posix":
        assert os.stat(cleaned["JUPYTER_RUNTIME_DIR"]).st_mode & 0o777 == 0o700


def test_a_home_that_can_be_written_is_left_alone_with_its_cache_of_pip(user, places):
    cleaned = variables.clean(user, places)
    assert cleaned["HOME"] == user["HOME"]
    assert "PIP_CACHE_DIR" not in cleaned
    assert "XDG_CACHE_HOME" not in cleaned


@pytest.mark.skipif(os.name == "nt", reason="HOME is for POSIX")
@pytest.mark.parametrize("home", ["/nonexistent", "", None])
def test_without_a_home_everything_goes_under_build(home, places):
    environ = {"PATH": "/bin"} if home is None else {"PATH": "/bin", "HOME": home}
    cleaned = variables.clean(environ, places)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        assert cleaned[name].startswith(str(places.build)), name


def test_a_cache_that_cannot_be_written_is_replaced(user, places, monkeypatch):
    monkeypatch.setattr(variables, "writable", lambda folder: "locked" not in str(folder))
    cleaned = variables.clean(user | {"PIP_CACHE_DIR": "/locked"}, places)
    assert cleaned["PIP_CACHE_DIR"].startswith(str(places.build))


def test_programs_of_the_environment_come_first_as_if_it_were_activated(user, places):
    cleaned = variables.clean(user | {"VIRTUAL_ENV": "/mine"}, places)
    assert cleaned["PATH"].split(os.pathsep) == [str(places.python.parent), "/bin"]
    assert cleaned["VIRTUAL_ENV"] == str(places.venv)


def test_demo_and_tests_name_their_model_and_read_no_env_file(user, places):
    env = variables.offline(variables.clean(user, places), "local", ALLOY_EVENTS="/e")
    assert (env["ALLOY_MODEL"], env["ALLOY_DOTENV"], env["ALLOY_EVENTS"]) == ("local", "0", "/e")
    assert "null" in env["PYTHON_KEYRING_BACKEND"]
