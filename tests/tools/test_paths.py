"""Rules about paths: what is inside, what is secret, what is offered."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.errors import ToolError
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.paths import (
    changed_since_seen,
    check_allowed,
    is_allowed,
    is_inside,
    is_secret,
    lock_of,
    looks_binary,
    note_seen,
    place_of,
    risk_of,
    text_files,
    to_path,
)


def test_relative_paths_start_in_the_working_directory(tmp_path: Path) -> None:
    """TOOL-6: absolute as is, relative joined, `..` taken out."""
    ctx = ToolContext(tmp_path)
    assert to_path("a.txt", ctx) == tmp_path / "a.txt"
    assert to_path("x/../y/a.txt", ctx) == tmp_path / "y/a.txt"
    assert to_path("/etc/hosts", ctx) == Path("/etc/hosts")
    assert to_path("~/a.txt", ctx) == Path.home() / "a.txt"


def test_only_a_tilde_at_the_very_start_means_a_home(tmp_path: Path) -> None:
    ctx = ToolContext(tmp_path)
    assert to_path("./~", ctx) == tmp_path / "~"
    assert to_path("./~nobody-of-this-name", ctx) == tmp_path / "~nobody-of-this-name"
    assert to_path("a/~/b", ctx) == tmp_path / "a/~/b"


@pytest.mark.parametrize("value", [None, 3, "", "a\0b", "~nobody-of-this-name/x", "half \ud800"])
def test_what_cannot_be_a_path_is_said_so(value: object, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="is no path of a file"):
        to_path(value, ToolContext(tmp_path))


def test_a_folder_with_the_same_beginning_is_outside(tmp_path: Path) -> None:
    """TOOL-w1: not a bare prefix of the string."""
    (tmp_path / "proj").mkdir()
    assert is_inside(tmp_path / "proj/a.txt", tmp_path / "proj")
    assert is_inside(tmp_path / "proj", tmp_path / "proj")
    assert not is_inside(tmp_path / "proj-evil/a.txt", tmp_path / "proj")


def test_a_link_that_leads_out_is_outside(tmp_path: Path) -> None:
    """TOOL-w1: symlinks are followed, of the file and of a folder above it."""
    project, other = tmp_path / "project", tmp_path / "other"
    project.mkdir()
    other.mkdir()
    (other / "a.txt").write_text("x")
    (project / "link").symlink_to(other)
    (project / "file").symlink_to(other / "a.txt")
    ctx = ToolContext(project)
    assert risk_of(project / "link/a.txt", ctx) == "is outside the working directory"
    assert risk_of(project / "link/new.txt", ctx) == "is outside the working directory"
    assert risk_of(project / "file", ctx) == "is outside the working directory"


def test_a_working_directory_that_is_a_link_holds_its_files(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert risk_of(tmp_path / "link/a.txt", ToolContext(tmp_path / "link")) is None
    assert risk_of(tmp_path / "real/a.txt", ToolContext(tmp_path / "link")) is None


@pytest.mark.parametrize(
    "name",
    [
        ".env", ".env.local", ".ENV", "prod.env", "server.pem", "tls.KEY", "id_rsa", "id_ed25519", "id_mine", ".netrc",
        ".pgpass", ".npmrc", ".pypirc", "cert.p12", "pass.kdbx", "credentials", "credentials.json", "secrets.toml",
        ".aws/config", ".ssh/known_hosts", ".config/gcloud/x.json", ".git-credentials",
    ],
)  # fmt: skip
def test_files_that_hold_secrets_are_known_by_name(name: str, tmp_path: Path) -> None:
    assert is_secret(tmp_path / name)
    assert risk_of(tmp_path / name, ToolContext(tmp_path)) == "may hold secrets"


@pytest.mark.parametrize(
    "name", ["a.py", "environment.yml", "keyboard.txt", "README.md", "src/proc/x.py", "env", "idle"]
)
def test_plain_files_are_no_secrets(name: str, tmp_path: Path) -> None:
    assert risk_of(tmp_path / name, ToolContext(tmp_path)) is None


def test_a_harmless_name_that_links_to_a_secret_is_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=1")
    (tmp_path / "notes.txt").symlink_to(tmp_path / ".env")
    assert risk_of(tmp_path / "notes.txt", ToolContext(tmp_path)) == "may hold secrets"


@pytest.mark.parametrize(
    "name",
    [
        ".ENV", ".env.", ".env ", ".env::$DATA", "\uff0eenv", ".e\u200cnv", "ID_RSA", "tls.\u212aey", "tls.key:x",
        ".\u017f\u017fh/config", ".SSH/config", "a: secret.txt", "notes: password",
    ],
)  # fmt: skip
def test_a_secret_is_one_in_every_way_that_some_file_system_takes_its_name(name: str, tmp_path: Path) -> None:
    """Case, forms of letters, invisible characters, dots and blanks at the end, streams of Windows."""
    assert is_secret(tmp_path / name)


@pytest.mark.parametrize("way", ["/proc/self/root{}", "/proc/self/cwd/../..{}", "/proc/thread-self/root{}"])
def test_ways_through_proc_lead_where_they_lead(way: str, tmp_path: Path) -> None:
    """Not inside by being nameless: what is opened is the real path, and it is asked about."""
    (tmp_path / "project").mkdir()
    (tmp_path / "a.txt").write_text("x")
    place = place_of(way.format(tmp_path / "a.txt"), ToolContext(tmp_path / "project"))
    assert place.risk == "is outside the working directory"
    if ".." not in way:
        assert place.real == Path(os.path.realpath(tmp_path / "a.txt"))


def test_an_open_descriptor_leads_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "a.txt").write_text("x")
    with (tmp_path / "a.txt").open() as file:
        for folder in ("/dev/fd", "/proc/self/fd"):
            place = place_of(f"{folder}/{file.fileno()}", ToolContext(tmp_path / "project"))
            assert place.real == Path(os.path.realpath(tmp_path / "a.txt"))
            assert place.risk == "is outside the working directory"


def test_what_is_told_of_a_place_is_told_of_no_other(tmp_path: Path) -> None:
    """One path that leads to different places, or to one that is judged differently: different questions."""
    project = Path(os.path.realpath(tmp_path)) / "project"
    project.mkdir()
    told = {}
    for target in ("a.txt", "b.txt", ".env", ".env.local", "../a.txt", "../.env", "../project2/a.txt"):
        (project / "link").symlink_to(project / target)
        told[target] = place_of("link", ToolContext(project)).told
        (project / "link").unlink()
    told["itself"] = place_of("link", ToolContext(project)).told
    assert len(set(told.values())) == len(told)
    assert told["itself"] == ""
    assert told["a.txt"] == f", which leads to `{project}/a.txt`"
    assert told[".env"] == f", which may hold secrets: it leads to `{project}/.env`"


def test_a_working_directory_that_is_a_link_is_not_told_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("a.txt", str(tmp_path / "link/a.txt"), os.path.realpath(tmp_path / "real/a.txt")):
        assert place_of(name, ToolContext(tmp_path / "link")).told == ""


def test_a_link_in_a_circle_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(ToolError, match="is a link that leads in a circle"):
        place_of("a/x", ToolContext(tmp_path))


def test_allowed_paths_hold_the_tools_in(tmp_path: Path) -> None:
    """TOOL-7, TOOL-w1, OAI-w3: whole names are compared, links followed on both sides; `..` does not lead out."""
    (tmp_path / "proj/sub").mkdir(parents=True)
    (tmp_path / "proj-evil").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "proj")
    (tmp_path / "proj/out").symlink_to(tmp_path / "proj-evil")
    ctx = ToolContext(tmp_path / "proj", {"allowed_paths": [str(tmp_path / "alias"), tmp_path / "data"]})
    for name in ("a.txt", "sub/new/a.txt", ".", str(tmp_path / "data/x"), "../alias/a.txt"):
        assert is_allowed(to_path(name, ctx), ctx)
        check_allowed(to_path(name, ctx), ctx)
    for name in ("../proj-evil/a.txt", "out/a.txt", "sub/../../a.txt", "/", str(tmp_path / "data2/x")):
        path = to_path(name, ctx)
        with pytest.raises(ToolError) as caught:
            check_allowed(path, ctx)
        assert str(caught.value) == f"Path {path} is outside allowed directories"


def test_forms_of_allowed_paths(tmp_path: Path) -> None:
    """Relative ones start in the working directory; a single one is no list of letters; none at all admits nothing."""
    inside, outside = tmp_path / "src/a.py", tmp_path / "a.py"
    for allowed, expected in (
        (["src"], (True, False)), ("src", (True, False)), (tmp_path / "src", (True, False)), ([], (False, False)),
        (None, (True, True)), (("src", "a.py"), (True, True)), (["~"], (False, False)), (["/"], (True, True)),
    ):  # fmt: skip
        ctx = ToolContext(tmp_path, {"allowed_paths": allowed})
        assert (is_allowed(inside, ctx), is_allowed(outside, ctx)) == expected


def test_the_environment_of_processes_is_a_secret_even_below_the_root() -> None:
    assert risk_of(Path("/proc/self/environ"), ToolContext(Path("/"))) == "may hold secrets"


def test_all_ways_to_a_file_share_one_lock(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("")
    (tmp_path / "link").symlink_to(file)
    assert lock_of(file) is (lock := lock_of(tmp_path / "link"))
    assert lock_of(tmp_path / "b.txt") is not lock
    assert isinstance(lock, type(threading.Lock()))


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_where_case_does_not_count_names_share_a_lock(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert lock_of(tmp_path / "Größe.txt") is (lock := lock_of(tmp_path / "GRÖSSE.TXT"))
    assert lock is lock_of(tmp_path / "gro\u0308sse.txt")


def test_a_file_changed_behind_the_models_back_is_noticed(tmp_path: Path) -> None:
    """WR-w1: the stale-file check; a file that was never seen is not stale."""
    file, ctx = tmp_path / "a.txt", ToolContext(tmp_path)
    file.write_text("one")
    assert not changed_since_seen(file, ctx)
    note_seen(file, ctx)
    assert not changed_since_seen(file, ctx)
    file.write_text("longer")
    assert changed_since_seen(file, ctx)


@settings(deadline=None)
@given(st.text())
def test_text_in_utf8_does_not_look_binary(text: str) -> None:
    text = "".join(character for character in text if character.isprintable())
    assert not looks_binary(text.encode())


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n\0", b"%PDF-1.7\n", b"\x1f\x8b\x08", bytes(range(1, 9)) * 9])
def test_binary_starts_are_known(start: bytes) -> None:
    assert looks_binary(start)


def test_text_files_offers_visible_harmless_text_only(tmp_path: Path) -> None:
    for name in ("b.py", "a.txt", "sub/deep/c.md", ".hidden", ".git/config", ".env", "node_modules/x.js", "id_rsa"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "pipe")
    assert text_files(tmp_path) == ["a.txt", "b.py", "sub/deep/c.md"]


def test_text_files_is_bounded_and_prefers_shallow_files(tmp_path: Path) -> None:
    (tmp_path / "aa").mkdir()
    for number in range(30):
        (tmp_path / f"aa/{number:02}.txt").write_text("")
    for number in range(5):
        (tmp_path / f"z{number}.txt").write_text("")
    offered = text_files(tmp_path, limit=8)
    assert len(offered) == 8
    assert set(offered) >= {f"z{number}.txt" for number in range(5)}
    assert len(text_files(tmp_path, entries=10)) <= 10


def test_text_files_of_nothing(tmp_path: Path) -> None:
    assert text_files(tmp_path) == []
    assert text_files(tmp_path / "missing") == []
