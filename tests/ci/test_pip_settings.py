"""pip's settings: the user's index is asked, and nothing leads its packages elsewhere."""

import base64
import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from steps import pip_settings, variables
from steps.failure import Failure

posix = pytest.mark.skipif(os.name == "nt", reason="where pip.conf lies on POSIX")
NOWHERE = {"XDG_CONFIG_DIRS": "/nonexistent"}  # of the machine that runs this, no settings
HOSTILE = """
[global]
target = {evil}
prefix = {evil}
user = true
no-index = true
require-virtualenv = true
require-hashes = true
dry-run = true
no-deps = true
index-url = http://me:p%40ss@{server}/simple
"""


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """Write the user's pip.conf: conf(text) gives the environment of that user."""
    real = pip_settings.files
    kept = lambda environ: [file for file in real(environ, "linux") if str(file) != "/etc/pip.conf"]  # noqa: E731
    monkeypatch.setattr(pip_settings, "files", kept)

    def write(text, place=".config/pip/pip.conf", **environ):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **NOWHERE, **environ}

    return write


@posix
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("[global]\nindex-url = https://mirror/simple\n", {"PIP_INDEX_URL": "https://mirror/simple"}),
        ("[global]\nindex_url=https://a\n[install]\n--Index-URL=https://b\n", {"PIP_INDEX_URL": "https://b"}),
        ("[global]\nextra-index-url =\n  https://a\n  https://b\n", {"PIP_EXTRA_INDEX_URL": "https://a https://b"}),
        ("[global]\ncert=/ca.pem\nproxy=http://p:1\n", {"PIP_CERT": "/ca.pem", "PIP_PROXY": "http://p:1"}),
        ("[global]\ntarget=/x\nuser=1\nno-index=1\nbreak-system-packages=1\n[list]\nformat=json\n", {}),
        ("", {}),
    ],
)
def test_of_a_file_only_where_packages_come_from_is_kept(conf, text, kept):
    assert pip_settings.kept(conf(text)) == kept | {"PIP_CONFIG_FILE": os.devnull}


@posix
def test_the_nearer_setting_counts(conf, tmp_path):
    named = tmp_path / "named.conf"
    conf("[global]\nindex-url=https://machine\n", "etc/pip/pip.conf")
    conf("[global]\nindex-url=https://legacy\n", ".pip/pip.conf")
    environ = conf("[global]\nindex-url=https://user\n") | {"XDG_CONFIG_DIRS": str(tmp_path / "etc")}
    named.write_text("[global]\nindex-url=https://named\n")

    def index(**more):
        return pip_settings.kept(environ | more)["PIP_INDEX_URL"]

    assert index(PIP_CONFIG_FILE=str(named), PIP_INDEX_URL="https://variable") == "https://variable"
    assert index(PIP_CONFIG_FILE=str(named), PIP_INDEX_URL="") == "https://named"
    assert index() == "https://user"
    assert index(XDG_CONFIG_HOME="/nonexistent") == "https://legacy"
    (tmp_path / ".pip" / "pip.conf").unlink()
    assert index(XDG_CONFIG_HOME="/nonexistent") == "https://machine"
    assert "PIP_INDEX_URL" not in pip_settings.kept(environ | {"PIP_CONFIG_FILE": os.devnull})


@posix
@pytest.mark.parametrize("text", ["index-url = in no section\n", "[global\n", "[global]\nno sign\n"])
def test_a_file_that_cannot_be_read_is_told_by_name(conf, text, tmp_path):
    with pytest.raises(Failure, match=r"pip's configuration .*pip\.conf cannot be read"):
        pip_settings.kept(conf(text))
    (tmp_path / ".config/pip/pip.conf").unlink()
    (tmp_path / ".config/pip/pip.conf").mkdir()  # one that is no file is passed over, as by pip
    assert pip_settings.kept({"HOME": str(tmp_path), **NOWHERE}) == pip_settings.NO_FILES


SECRET = "index-url = https://bob:s3cret@index.corp/simple"


@posix
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"\n{SECRET}\n", "line 2: it stands in no [section]"),
        (f"[global\n{SECRET}\n", "line 1: it stands in no [section]"),
        (f"[global]\n{SECRET.replace(' =', '')[:9]} https//bob.s3cret@index.corp\n", "line 2: it is no `name = value`"),
        (f"[global]\n\n{SECRET}\udcff\n", "line 3: it is not UTF-8"),
    ],
)
def test_a_fault_is_told_by_its_line_number_and_not_by_its_text(conf, text, told, tmp_path):
    """It goes into logs of CI, and an index's address may hold a password."""
    environ = conf("")
    file = tmp_path / ".config/pip/pip.conf"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Failure) as caught:
        pip_settings.kept(environ)
    assert str(caught.value) == f"pip's configuration {file} cannot be read: {told}"
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        (
            "darwin",
            {"HOME": "{home}", "XDG_CONFIG_HOME": "/x", "XDG_CONFIG_DIRS": "/y"},
            ["/Library/Application Support/pip/pip.conf", "{home}/.pip/pip.conf", "{home}/.config/pip/pip.conf"],
        ),
        (
            "darwin",
            {"HOME": "{home}/with", "PIP_CONFIG_FILE": "/named"},
            [
                "/Library/Application Support/pip/pip.conf", "{home}/with/.pip/pip.conf",
                "{home}/with/Library/Application Support/pip/pip.conf", "/named",
            ],
        ),
        (
            "linux",
            {"HOME": "{home}/with"},
            [
                "/etc/xdg/pip/pip.conf", "/etc/pip.conf",
                "{home}/with/.pip/pip.conf", "{home}/with/.config/pip/pip.conf",
            ],
        ),
        (
            "linux",
            {"HOME": "{home}", "XDG_CONFIG_DIRS": "/x", "XDG_CONFIG_HOME": "/y"},
            ["/x/pip/pip.conf", "/etc/pip.conf", "{home}/.pip/pip.conf", "/y/pip/pip.conf"],
        ),
        (
            "win32",
            {"HOME": "/unix", "USERPROFILE": "/me", "PROGRAMDATA": "/all", "APPDATA": "/me/roaming"},
            ["/all/pip/pip.ini", "/me/pip/pip.ini", "/me/roaming/pip/pip.ini"],
        ),
        ("linux", {"HOME": "{home}", "PIP_CONFIG_FILE": os.devnull}, []),
    ],
)  # fmt: skip
def test_where_pip_looks_on_each_platform(platform, environ, expected, tmp_path):
    (tmp_path / "with/Library/Application Support/pip").mkdir(parents=True)
    environ = {name: value.format(home=tmp_path) for name, value in environ.items()}
    expected = [Path(file.format(home=tmp_path)) for file in expected]
    assert pip_settings.files(environ, platform) == expected


# A real pip


def make_wheel(folder):
    """tiny 1.0, a wheel with one module."""
    files = {
        "tiny.py": "",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }

    def record(name, text):
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        return f"{name},sha256={digest},{len(text)}\n"

    own = "tiny-1.0.dist-info/RECORD"
    files[own] = "".join(record(*item) for item in files.items()) + f"{own},,\n"
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel.read_bytes()


@pytest.fixture
def index(tmp_path):
    """The user's index, with one package and a password: (address, the requests it saw)."""
    wheel, seen = make_wheel(tmp_path), []

    class Index(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers.get("Authorization")))
            known = "/simple/tiny/" in self.path
            name = "tiny-1.0-py3-none-any.whl"
            body = wheel if self.path.endswith(".whl") else f'<a href="{name}">{name}</a>'.encode() if known else b""
            self.send_response(401 if not seen[-1][1] else 200 if known else 404)
            self.send_header("WWW-Authenticate", "Basic")
            self.send_header("Content-Type", "application/zip" if body is wheel else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def run(env, *arguments):
    done = subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@posix
def test_a_real_pip_asks_the_users_index_and_installs_into_the_environment_whatever_else_is_set(
    conf, index, tmp_path, places
):
    """Its settings, conda's variables and a hostile PYTHONPATH as they may come together."""
    server, seen = index
    evil, shadow = tmp_path / "evil", tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "pip.py").write_text("raise SystemExit('hostile')")
    (shadow / "sitecustomize.py").write_text("raise SystemExit('hostile')")
    environ = conf(HOSTILE.format(evil=evil, server=server)) | {
        "PYTHONPATH": str(shadow), "PYTHONHOME": str(shadow), "PYTHONUSERBASE": str(evil),
        "PIP_TARGET": str(evil), "PIP_ROOT": str(evil), "PIP_NO_INDEX": "1", "PIP_USER": "1", "PIP_DRY_RUN": "1",
        "PIP_REQUIRE_VIRTUALENV": "1", "PIP_PYTHON": "/nonexistent", "PIP_LOG": str(evil / "log"),
        "CONDA_PREFIX": str(evil), "CONDA_DEFAULT_ENV": "base", "VIRTUAL_ENV": str(evil),
        "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9",
    }  # fmt: skip
    env = variables.clean(environ, places)
    run(env, "-m", "venv", "--without-pip", str(tmp_path / "bare"))
    python = tmp_path / "bare/bin/python"
    run(env, "-m", "pip", "--python", str(python), "install", "tiny")
    where = subprocess.run([python, "-c", "import tiny; print(tiny.__file__)"], capture_output=True, text=True)
    assert where.stdout.startswith(str(tmp_path / "bare"))
    assert not evil.exists()
    assert seen[-1][1] == "Basic " + base64.b64encode(b"me:p@ss").decode()


@posix
def test_a_real_pip_would_have_obeyed(conf, index, tmp_path):
    """The test above means something: without us these settings do harm."""
    environ = conf(HOSTILE.format(evil=tmp_path / "evil", server=index[0]))
    done = subprocess.run([sys.executable, "-m", "pip", "install", "tiny"], env=environ, capture_output=True, text=True)
    assert done.returncode != 0
