"""Commands in a sandbox: bubblewrap shows them a machine on which they can change the working directory only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import ConfigError, ToolError

__all__ = ["Bubblewrap"]

#: Folders that are empty in the sandbox, beside the home folder: others' files, and sockets by which a command could
#: have somebody outside act for it (docker's, the desktop's, an ssh-agent's).
_HIDDEN = ("/tmp", "/var/tmp", "/run")
#: What is needed of a hidden folder.
_NEEDED = ("/run/current-system",)
_SECONDS = 20

_HINT = (
    "bubblewrap needs user namespaces, which this machine or container may forbid; "
    "or run commands elsewhere: Bash(executor=...)"
)


class Bubblewrap:
    """Runs a command in namespaces of its own, with `bwrap` of the package bubblewrap (Linux only).

    The whole file system can be read and none of it written but the working directory; ``/tmp`` and the home folder are
    new, empty and gone after the command, except the working directory and the environment of this Python; ``/run`` is
    empty. There is no network unless `network`. Raises `ConfigError` where bwrap is not installed.
    """

    def __init__(self, *, network: bool = False) -> None:
        self.network = network
        self._tried: set[Path] = set()
        _find_bwrap(ConfigError)

    def wrap(self, command: Sequence[str], directory: Path) -> list[str]:
        """The command that runs `command` in the sandbox; `ToolError` for a directory that would undo it."""
        real = _real(directory)
        hidden = _hidden_folders()
        for folder in hidden:
            if folder.is_relative_to(real):
                raise ToolError(
                    f"Cannot run bash in a sandbox in {directory}: {folder} is hidden there, and lies in it",
                    hint="choose a folder of its own: working_directory=...",
                )
        shown = [path for path in map(_real, (sys.prefix, sys.base_prefix, *_NEEDED)) if _is_under(path, hidden)]
        arguments = [_find_bwrap(ToolError), "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
        arguments += ["--unshare-cgroup-try", "--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev"]
        arguments += ["--proc", "/proc"]
        for folder in hidden:
            arguments += ["--tmpfs", str(folder)]
        if self.network:
            shown.append(_real("/etc/resolv.conf"))
        else:
            arguments.append("--unshare-net")
        for path in shown:
            if not any(folder.is_relative_to(path) for folder in hidden):  # a prefix that is the home folder itself
                arguments += ["--ro-bind-try", str(path), str(path)]
        return [*arguments, "--bind", str(real), str(real), "--chdir", str(real), "--", *command]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """`env` without what names folders that are hidden."""
        return {**{name: value for name, value in env.items() if name != "XDG_RUNTIME_DIR"}, "TMPDIR": "/tmp"}

    def try_out(self, bash: str, directory: Path, env: Mapping[str, str]) -> None:
        """Whether a sandbox can start here; `ToolError` when not. Blocks, the first time in each directory."""
        if directory in self._tried:
            return
        try:
            subprocess.run(
                self.wrap([bash, "-c", "true"], directory),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=env,
                check=True,
                timeout=_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip() or f"exit code {error.returncode}"
            raise ToolError(f"Cannot start the sandbox, and bash is not run without it: {said}", hint=_HINT) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolError(f"Cannot start the sandbox, and bash is not run without it: {error}", hint=_HINT) from error
        self._tried.add(directory)


def _find_bwrap(kind: type[ConfigError] | type[ToolError]) -> str:
    found = shutil.which("bwrap") if sys.platform == "linux" else None
    if found is None:
        raise kind(
            "there is no `bwrap` for a sandbox on this machine",
            hint="on Linux install bubblewrap (`apt-get install bubblewrap`); elsewhere use Bash(executor=...)",
        )
    return found


def _hidden_folders() -> list[Path]:
    """What is empty in the sandbox; one that lies in another comes after it."""
    homes = [os.path.expanduser("~")]
    if sys.platform != "win32":
        import pwd

        try:
            homes.append(pwd.getpwuid(os.getuid()).pw_dir)
        except KeyError:  # a user that nobody knows, in a container
            homes = homes[:1]
    found = {_real(name) for name in (*_HIDDEN, *homes)}
    return sorted(path for path in found if path.is_dir() and path != Path("/"))


def _real(path: str | Path) -> Path:
    return Path(os.path.realpath(path))


def _is_under(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
