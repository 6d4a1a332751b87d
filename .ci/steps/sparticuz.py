"""A Chromium from the npm registry, for machines that reach no other: `@sparticuz/chromium`, unpacked by hand.

The package holds a headless Chromium for Linux on x86-64 as Brotli files, and under al2023/lib the shared libraries
that a bare system lacks.
"""

import platform
import shlex
import sys
import tarfile
from pathlib import Path

from . import process, venv
from .failure import Failure
from .node import Node
from .places import Places
from .variables import Variables

PACKAGE = "@sparticuz/chromium"
LAUNCHER_NAME = "chromium.sh"
# Python's library has no Brotli; Node's has.
UNPACK = """
const fs = require("fs"), path = require("path"), zlib = require("zlib"), {pipeline} = require("stream/promises");
const [from, to] = process.argv.slice(1);
(async () => {
  for (const name of fs.readdirSync(from).filter(name => name.endsWith(".br")))
    await pipeline(fs.createReadStream(path.join(from, name)), zlib.createBrotliDecompress(),
                   fs.createWriteStream(path.join(to, name.slice(0, -3))));
})().catch(error => { console.error("ERROR: " + error.message); process.exit(1); });
"""
# fonts: only where the system has none that Chromium would find.
LAUNCHER = """#!/bin/sh
here={here}
export LD_LIBRARY_PATH="$here/al2023/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_PATH="$here/fonts"
exec "$here/chromium" "$@"
"""


def suits() -> bool:
    """Whether this machine is the one kind that the package is built for."""
    return sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")


def fetch(places: Places, node: Node, env: Variables, log: Path) -> Path:
    """Download and unpack it under build/browser: the program to start."""
    folder = places.browser / "sparticuz"
    venv.remove(folder)
    download = folder / "download"
    download.mkdir(parents=True)
    # npm's own checks the archive's digest; `pack` runs no script and installs no dependency.
    pack: process.Command = [node.program, node.npm, "pack", PACKAGE, "--pack-destination", download]
    process.run_quietly("browser", pack, quiet(node.env(env)), log, folder)
    archive = next(download.glob("*.tgz"), None)
    if archive is None:
        raise Failure(f"browser: npm brought no {PACKAGE}", log=log)
    extract(archive, download)
    unpack: process.Command = [node.program, "-e", UNPACK, download / "package" / "bin", folder]
    process.run_quietly("browser", unpack, node.env(env), log, folder)
    for name, target in (("al2023", "al2023"), ("fonts", "fonts"), ("swiftshader", ".")):
        if (folder / f"{name}.tar").exists():
            extract(folder / f"{name}.tar", folder / target)
            (folder / f"{name}.tar").unlink()
    venv.remove(download)
    return launcher(folder, log)


def quiet(variables: Variables) -> Variables:
    return variables | {"npm_config_update_notifier": "false", "npm_config_fund": "false", "npm_config_audit": "false"}


def extract(archive: Path, folder: Path) -> None:
    """The filter (3.11.4 and later): nothing of an archive may land outside its folder."""
    with tarfile.open(archive) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        tar.extractall(folder)


def launcher(folder: Path, log: Path) -> Path:
    """One path that can be started like any browser."""
    program = folder / "chromium"
    if not program.exists():
        raise Failure(f"browser: {PACKAGE} holds no chromium.br", log=log)
    program.chmod(0o755)
    script = folder / LAUNCHER_NAME
    script.write_text(LAUNCHER.format(here=shlex.quote(str(folder))))
    script.chmod(0o755)
    return script
