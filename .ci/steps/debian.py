"""Debian's Chromium by apt: only for root, announced, and never with NO_APT=1."""

import os
import shutil
from collections.abc import Mapping

from . import process
from .failure import Failure
from .places import Places
from .variables import Variables

PACKAGES = ["chromium", "fonts-dejavu-core"]
SECONDS = 600.0


def why_not(environ: Mapping[str, str]) -> str:
    """Why apt is not used; empty when it may be."""
    if environ.get("NO_APT"):
        return "NO_APT is set"
    if shutil.which("apt-get", path=environ.get("PATH")) is None:
        return "no apt-get here"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "not root"
    return ""


def install(places: Places, env: Variables) -> None:
    """apt-get update, then the packages."""
    quiet = env | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        command = ["apt-get", "-q", *arguments]
        code, said = process.run_limited(command, quiet, places.log("browser"), places.root, SECONDS)
        if code != 0:
            lines = [line for line in said.splitlines() if line.startswith("E:")]
            told = lines[-1][3:] if lines else f"exit code {code}" if code is not None else "took too long"
            raise Failure(f"apt-get {arguments[0]}: {told}")
