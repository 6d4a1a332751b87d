"""Commands in bubblewrap's sandbox: what they see, what they cannot do, and that they end."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import alloy_nb as alloy
from alloy_nb.messages import ToolResult
from alloy_nb.tools.bash import Bash
from alloy_nb.tools.bubblewrap import Bubblewrap
from alloy_nb.tools.context import ToolContext

pytestmark = pytest.mark.thorough


def _why_not() -> str | None:
    """Why no sandbox can start here; None when one can."""
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    probe = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-pid", "--unshare-net"]
    done = subprocess.run([*probe, "true"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"bubblewrap cannot start here: {done.stderr.strip()}"


_REASON = _why_not()
needs_bwrap = pytest.mark.skipif(_REASON is not None, reason=_REASON or "")

#: Milliseconds; far more than any command here takes, far less than a hang.
ENOUGH = 30_000
#: Timeouts to try until the command got as far as it should: a busy machine may need the longer ones.
PATIENCE = (500, 3000, 30_000)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a key in it."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".ssh").mkdir()
    (folder / ".ssh" / "id_rsa").write_text("the key")
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that is in no hidden one."""
    for root in ("/srv", "/opt", "/var/lib", "/mnt"):
        folder = Path(root) / f"alloy-test-{uuid4().hex[:8]}"
        try:
            folder.mkdir()
        except OSError:
            continue
        yield folder
        shutil.rmtree(folder)
        return
    pytest.skip("no folder can be made outside the home folder and /tmp")


def bash(directory: Path, command: str, timeout: int = ENOUGH, **options: Any) -> ToolResult:
    tool = Bash(sandbox="bubblewrap", **options)
    return asyncio.run(tool.execute(tool.validate({"command": command, "timeout": timeout}), ToolContext(directory)))


def processes_that_say(word: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or word.encode() not in (entry / "environ").read_bytes():
                continue
            if (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] not in b"ZX":
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


# -- without it ------------------------------------------------------------------------------------


def test_where_it_is_not_installed_nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(alloy.ConfigError, match="no `bwrap`") as caught:
        alloy.Bash(sandbox="bubblewrap")
    assert "install bubblewrap" in str(caught.value.hint)


@pytest.mark.parametrize("options", [{"sandbox": "docker"}, {"network": False}, {"network": True}])
def test_what_would_quietly_be_no_sandbox_is_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        Bash(**options)
    assert caught.value.hint


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `bwrap` that cannot start anything, as where user namespaces are forbidden."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
def test_where_it_cannot_start_nothing_runs(broken: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with pytest.raises(alloy.ToolError, match="not run without it: bwrap: No permissions to create") as caught:
        bash(folder, "touch ran")
    assert "user namespaces" in str(caught.value.hint)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
def test_where_it_is_gone_meanwhile_nothing_runs(broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Bash(sandbox="bubblewrap")
    (broken / "bwrap").unlink()
    (broken / "bash").symlink_to(str(shutil.which("bash")))
    monkeypatch.setenv("PATH", str(broken))
    with pytest.raises(alloy.ToolError, match="no `bwrap`"):
        asyncio.run(tool.execute({"command": "true"}, ToolContext(tmp_path)))


# -- what a command sees and can do ----------------------------------------------------------------


@needs_bwrap
def test_it_is_bash_in_the_working_directory(tmp_path: Path) -> None:
    result = bash(tmp_path, "pwd -P; echo kept > file; echo err >&2; exit 3")
    assert result.text == f"{tmp_path.resolve()}\nerr\n\nexit code: 3"
    assert (tmp_path / "file").read_text() == "kept\n"
    assert bash(tmp_path, "kill -9 $$").data["exit_code"] == 137


@needs_bwrap
def test_nothing_else_can_be_written(tmp_path: Path, outside: Path) -> None:
    (outside / "file").write_text("as it was")
    (tmp_path.parent / "sibling").write_text("as it was")
    places = [outside / "file", outside / "new", "/etc/alloy-test", "/usr/alloy-test", "/alloy-test", "/dev/alloy/x"]
    for place in places:
        assert bash(tmp_path, f"echo changed > {place}").data["exit_code"] != 0
    assert bash(tmp_path, f"cat {outside}/file").text == "as it was\nexit code: 0"
    assert (outside / "file").read_text() == "as it was"
    assert not (outside / "new").exists()


@needs_bwrap
def test_the_home_folder_and_tmp_are_empty_and_private(tmp_path: Path, home: Path) -> None:
    new = f"/tmp/alloy-{uuid4().hex}"
    text = bash(tmp_path, f"cat {home}/.ssh/id_rsa; ls -A ~ /run; echo x > ~/new && echo y > {new} && ls -A ~").text
    assert "the key" not in text
    assert "No such file or directory" in text
    assert text.endswith("\nnew\n\nexit code: 0")
    assert sorted(path.name for path in home.iterdir()) == [".ssh"]
    assert not Path(new).exists()
    assert bash(tmp_path, f"ls -A ~; [ -e {new} ] || echo gone; echo $TMPDIR").text == "gone\n/tmp\n\nexit code: 0"


@needs_bwrap
def test_a_working_directory_in_the_home_folder_is_there_alone(home: Path) -> None:
    project = home / "project"
    project.mkdir()
    (home / "other").mkdir()
    assert bash(project, "ls -A ~; echo x > here; pwd -P").text == f"project\n{project.resolve()}\n\nexit code: 0"
    assert (project / "here").exists()


@needs_bwrap
def test_a_working_directory_by_a_link_is_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert bash(tmp_path / "link", "touch here; pwd -P").text == f"{(tmp_path / 'real').resolve()}\n\nexit code: 0"
    assert (tmp_path / "real" / "here").exists()


@needs_bwrap
@pytest.mark.parametrize("place", ["~", "/", "/tmp", "above the home folder"])
def test_a_working_directory_that_would_show_all_is_refused(home: Path, place: str) -> None:
    directory = home.parent if place == "above the home folder" else Path(place).expanduser()
    with pytest.raises(alloy.ToolError, match="is hidden there, and lies in it") as caught:
        bash(directory, "true")
    assert "working_directory" in str(caught.value.hint)


@needs_bwrap
def test_a_run_cannot_put_another_executor_in_its_place(tmp_path: Path) -> None:
    ctx = ToolContext(tmp_path, context={"bash_executor": lambda *_: ("outside", 0)})
    tool = Bash(sandbox="bubblewrap")
    assert asyncio.run(tool.execute({"command": "echo inside"}, ctx)).text == "inside\n\nexit code: 0"


@needs_bwrap
def test_it_sees_its_own_processes_only_and_has_no_rights(tmp_path: Path) -> None:
    command = f"[ -e /proc/{os.getpid()} ] || ls -d /proc/[0-9]* | wc -l; grep CapEff /proc/self/status"
    seen, rights, *_ = bash(tmp_path, command).text.splitlines()
    assert int(seen) < 10
    assert rights.split()[1].strip("0") == ""
    assert bash(tmp_path, "kill -9 -1; mount -t tmpfs none /etc; umount ~").data["exit_code"] != 0
    assert bash(tmp_path, "mount -o remount,rw / && touch /alloy-test").data["exit_code"] != 0


@needs_bwrap
def test_there_is_no_network_unless_it_is_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo reached"
        assert bash(tmp_path, command).data["exit_code"] != 0
        assert bash(tmp_path, command, network=True).text == "reached\n\nexit code: 0"
    assert "no network" in Bash(sandbox="bubblewrap").description
    assert "no network" not in Bash(sandbox="bubblewrap", network=True).description
    assert "sandbox" not in Bash().description


@needs_bwrap
def test_names_are_found_with_a_network(tmp_path: Path) -> None:
    """Where the file of name servers lies in a hidden folder, it is there all the same."""
    if not Path("/etc/resolv.conf").is_file():
        pytest.skip("no /etc/resolv.conf on this machine")
    assert bash(tmp_path, "test -r /etc/resolv.conf", network=True).data["exit_code"] == 0


@needs_bwrap
def test_this_python_is_there_though_it_lies_in_a_hidden_folder(tmp_path: Path) -> None:
    assert bash(tmp_path, f"{sys.executable} -c 'print(6 * 7)'").text == "42\n\nexit code: 0"


@needs_bwrap
def test_keys_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "hide-me")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    text = bash(tmp_path, "env", env={"GIVEN_TOKEN": "on purpose"}).text
    assert "hide-me" not in text
    assert "XDG_RUNTIME_DIR" not in text
    assert "GIVEN_TOKEN=on purpose" in text


@needs_bwrap
def test_sockets_of_the_machine_are_out_of_reach(tmp_path: Path) -> None:
    """By docker's socket a command could do anything."""
    place = Path("/run") / f"alloy-{uuid4().hex[:8]}.sock"
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.bind(str(place))
        except OSError as error:
            pytest.skip(f"no socket can be made in /run ({error.strerror})")
        try:
            assert bash(tmp_path, f"[ -e {place} ] && echo there || echo hidden").text == "hidden\n\nexit code: 0"
        finally:
            place.unlink()


# -- the end ---------------------------------------------------------------------------------------

FOR_EVER = {
    "plain": "touch begun; exec sleep 1000",
    "deaf": "trap '' TERM; touch begun; while :; do sleep 1; done",
    "a daemon": "setsid bash -c 'trap \"\" TERM HUP; touch begun; while :; do sleep 1; done' & sleep 1000",
    "without its environment": "env -i setsid bash -c 'touch begun; sleep 1000; true' & sleep 1000",
}


@needs_bwrap
@pytest.mark.parametrize("kind", FOR_EVER)
def test_nothing_outlives_a_timeout(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first process of its namespace all are gone, also one that nothing tells us is ours."""
    word = uuid4().hex
    monkeypatch.setenv("ALLOY_TEST_WORD", word)
    command = FOR_EVER[kind].replace("sleep 1000", f"sleep 1000.{int(word[:6], 16)}")
    for timeout in PATIENCE:
        result = bash(tmp_path, command, timeout=timeout)
        if (tmp_path / "begun").exists():
            break
    assert (tmp_path / "begun").exists()
    assert result.text.startswith("Command timed out")
    assert processes_that_say(word) == []
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"sleep 1000.{int(word[:6], 16)}" not in listed


@needs_bwrap
def test_what_is_left_in_the_background_ends_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    word = uuid4().hex
    monkeypatch.setenv("ALLOY_TEST_WORD", word)
    assert bash(tmp_path, "sleep 1000 & setsid sleep 1000 & echo said").text == "said\n\nexit code: 0"
    assert processes_that_say(word) == []


@needs_bwrap
def test_nothing_outlives_a_cancelled_call_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = uuid4().hex
    monkeypatch.setenv("ALLOY_TEST_WORD", word)

    async def cancel_it() -> None:
        call = Bash(sandbox="bubblewrap").execute({"command": FOR_EVER["deaf"]}, ToolContext(tmp_path))
        task = asyncio.create_task(call)
        while not (tmp_path / "begun").exists():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    bash(tmp_path, "true")
    descriptors, threads = len(os.listdir("/dev/fd")), threading.active_count()
    asyncio.run(cancel_it())
    assert processes_that_say(word) == []
    end = time.monotonic() + 30
    while len(os.listdir("/dev/fd")) > descriptors or threading.active_count() > threads:
        assert time.monotonic() < end
        time.sleep(0.01)


@needs_bwrap
def test_a_run_may_use_it(tmp_path: Path) -> None:
    lines = [{"tool_calls": [{"name": "bash", "input": {"command": "touch /etc/x || echo contained"}}]}, {"text": "ok"}]
    tool = alloy.Bash(sandbox="bubblewrap")
    result = alloy.run("x", model=alloy.Scripted(lines), tools=[tool], approval="auto", working_directory=tmp_path)
    assert result.messages[2].tool_results[0].text.endswith("contained\n\nexit code: 0")


@needs_bwrap
def test_a_home_of_the_whole_machine_hides_nothing_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/")
    assert bash(tmp_path, "echo well").text == "well\n\nexit code: 0"
    assert "/" not in Bubblewrap().wrap(["true"], tmp_path)[-8:]
