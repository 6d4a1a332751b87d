"""Opening exactly the file that was decided about."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloy_nb.errors import ToolError
from alloy_nb.tools import opening
from alloy_nb.tools.opening import PathChanged, hold, remove_empty


@pytest.fixture(params=["held", "straight"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in: with folders that are held, and in the way of a system that cannot hold them."""
    if request.param == "straight":
        monkeypatch.setattr(opening, "_CAN_HOLD", False)
    return Path(os.path.realpath(tmp_path))


def read(path: Path) -> bytes:
    with hold(path) as held, held.open() as file:
        return file.read()


def write(path: Path, data: bytes, *, make: bool = False) -> None:
    with hold(path, make=make) as held:
        held.replace(data, held.status())


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_file_is_read_replaced_and_removed(root: Path) -> None:
    write(root / "a/b/c.txt", b"one", make=True)
    write(root / "a/b/c.txt", b"two")
    assert read(root / "a/b/c.txt") == b"two"
    with hold(root / "a/b/c.txt") as held:
        status = held.status()
        assert status is not None
        held.remove(status)
    assert os.listdir(root / "a/b") == []


def test_a_link_in_the_files_place_is_an_error(root: Path) -> None:
    """Resolved before, it would have led on: so it came later."""
    (root / "outside").write_text("secret")
    (root / "a.txt").symlink_to(root / "outside")
    with pytest.raises(PathChanged, match=r"a\.txt has changed since it was allowed; try again"):
        read(root / "a.txt")
    with pytest.raises(PathChanged):
        write(root / "a.txt", b"x")
    assert (root / "outside").read_text() == "secret"
    assert sorted(os.listdir(root)) == ["a.txt", "outside"]


def test_a_link_in_a_folders_place_is_an_error_and_nothing_is_made_behind_it(root: Path) -> None:
    (root / "outside").mkdir()
    (root / "sub").symlink_to(root / "outside")
    for path in (root / "sub/a.txt", root / "sub/deep/a.txt"):
        with pytest.raises(PathChanged, match="has changed since it was allowed"):
            write(path, b"x", make=True)
        with pytest.raises((PathChanged, FileNotFoundError)):
            read(path)
    assert os.listdir(root / "outside") == []


def test_a_folder_swapped_for_a_link_while_it_is_held_is_still_the_same_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "sub").mkdir()
    (root / "outside").mkdir()
    (root / "outside/a.txt").write_text("secret")
    with hold(root / "sub/a.txt") as held:
        (root / "sub").rename(root / "moved")
        (root / "sub").symlink_to(root / "outside")
        if opening._CAN_HOLD:
            held.replace(b"mine", held.status())
            assert (root / "moved/a.txt").read_bytes() == b"mine"
        else:
            with pytest.raises(PathChanged):
                held.replace(b"mine", held.status())
            with pytest.raises(PathChanged):
                held.open()
    assert (root / "outside/a.txt").read_text() == "secret"
    assert os.listdir(root / "outside") == ["a.txt"]


def test_what_is_no_file_is_not_opened_and_does_not_hang(root: Path) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    with pytest.raises(IsADirectoryError):
        read(root / "folder")
    with pytest.raises(OSError, match="no regular file"):
        read(root / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        write(root / "pipe", b"x")
    with pytest.raises(FileNotFoundError):
        read(root / "missing")
    with pytest.raises(FileNotFoundError):
        read(root / "missing/a.txt")
    with pytest.raises(NotADirectoryError):
        read(Path(os.path.realpath(__file__)) / "a.txt")


def test_the_root_itself_is_a_folder(root: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read(Path("/"))
    with pytest.raises(OSError, match="no regular file"):
        write(Path("/"), b"x")


def test_a_pipe_that_comes_between_looking_and_opening_does_not_hang(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.txt").write_text("x")
    real_open = os.open

    def swap(path: str, flags: int, *rest: int, **more: int | None) -> int:
        if str(path).endswith("a.txt"):
            (root / "a.txt").unlink()
            os.mkfifo(root / "a.txt")
        return real_open(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(OSError, match="no regular file"):
        read(root / "a.txt")


def test_a_change_at_the_same_moment_is_not_overwritten(root: Path) -> None:
    (root / "a.txt").write_text("one")
    with hold(root / "a.txt") as held:
        status = held.status()
        (root / "a.txt").write_text("somebody else's")
        with pytest.raises(PathChanged, match="changed by somebody else at the same moment"):
            held.replace(b"mine", status)
        assert status is not None
        with pytest.raises(PathChanged):
            held.remove(status)
    with hold(root / "b.txt") as held:
        (root / "b.txt").write_text("somebody else's")
        with pytest.raises(PathChanged):
            held.replace(b"mine", None)
    assert {name: (root / name).read_text() for name in os.listdir(root)} == {
        "a.txt": "somebody else's",
        "b.txt": "somebody else's",
    }


def test_a_hard_link_elsewhere_keeps_what_it_had(root: Path) -> None:
    """The name is replaced, not what other names of the file lead to."""
    (root / "outside.txt").write_text("theirs")
    os.link(root / "outside.txt", root / "a.txt")
    write(root / "a.txt", b"mine")
    assert (root / "outside.txt").read_text() == "theirs"
    assert (root / "a.txt").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_mode_and_owner_stay(root: Path) -> None:
    (root / "a.txt").write_text("one")
    os.chown(root / "a.txt", 12345, 54321)
    (root / "a.txt").chmod(0o4750)
    write(root / "a.txt", b"two")
    status = (root / "a.txt").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 54321, 0o4750)


def test_what_replaces_a_private_file_is_private_from_its_first_byte(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.txt").write_text("one")
    (root / "a.txt").chmod(0o600)
    modes = []
    take_over = opening._take_over

    def look(descriptor: int, before: os.stat_result) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        take_over(descriptor, before)

    monkeypatch.setattr(opening, "_take_over", look)
    write(root / "a.txt", b"two")
    assert modes == [0o600]


def test_folders_that_were_made_go_again_when_writing_fails(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "kept").mkdir()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(root / "kept/a/b/c.txt", b"x", make=True)
    assert os.listdir(root / "kept") == []


def test_a_folder_that_cannot_be_made_is_said_and_those_above_it_go(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_mkdir = os.mkdir

    def full(path: str, *rest: int, **more: int | None) -> None:
        if str(path).endswith("b"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real_mkdir(path, *rest, **more)

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(ToolError, match=r"^Cannot create directory: .*a/b: No space left on device"):
        write(root / "a/b/c.txt", b"x", make=True)
    assert os.listdir(root) == []


def test_names_as_long_as_the_system_takes_can_be_written(root: Path) -> None:
    write(root / ("n" * 255), b"x")
    assert read(root / ("n" * 255)) == b"x"
    with pytest.raises(OSError, match="File name too long"):
        write(root / ("n" * 256), b"x")


def test_a_path_that_is_too_long_to_be_said_is_not_made(root: Path) -> None:
    with pytest.raises(OSError, match="File name too long"):
        write(root / ("d/" * 3000 + "x"), b"x", make=True)
    assert not (root / "d").exists()


def test_only_empty_folders_are_removed(root: Path) -> None:
    for name in ("a/b/c", "d", "outside"):
        (root / name).mkdir(parents=True)
    (root / "d/file").write_text("x")
    (root / "link").symlink_to(root / "outside")
    remove_empty([root / "a", root / "a/b", root / "a/b/c", root / "d", root / "link", root / "missing"])
    assert sorted(os.listdir(root)) == ["d", "link", "outside"]


def test_a_folder_need_not_be_readable_to_be_gone_through(tmp_path: Path) -> None:
    """As for any program: the names in it must be known, no more."""
    if os.geteuid() == 0:
        assert opening._FOLDER & os.O_PATH  # root may read everything, so only the way of asking can be looked at
        return
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed/a.txt").write_text("x")
    (tmp_path / "closed").chmod(0o311)
    assert read(Path(os.path.realpath(tmp_path)) / "closed/a.txt") == b"x"


def test_no_descriptor_is_left_open(root: Path) -> None:
    (root / "link").symlink_to(root)
    os.mkfifo(root / "pipe")
    before = open_descriptors()
    for path in (root / "a/b.txt", root / "link/x", root / "pipe", root / "missing/y", root):
        for action in (read, lambda path: write(path, b"x", make=True)):
            try:
                action(path)
            except (OSError, ToolError):
                continue
    assert open_descriptors() == before


@pytest.fixture
def swapping(tmp_path: Path) -> Iterator[Path]:
    """A folder `sub` that another thread swaps for a link to `outside`, and back, all the time."""
    root = Path(os.path.realpath(tmp_path))
    for name, content in (("sub", "inside"), ("outside", "secret")):
        (root / name).mkdir()
        (root / name / "a.txt").write_text(content)
    over = threading.Event()

    def swap() -> None:
        os.symlink(root / "outside", root / "link")
        while not over.is_set():
            os.rename(root / "sub", root / "aside")
            os.rename(root / "link", root / "sub")
            os.rename(root / "sub", root / "link")
            os.rename(root / "aside", root / "sub")

    thread = threading.Thread(target=swap)
    thread.start()
    yield root
    over.set()
    thread.join()


def race_folders(root: Path, times: int) -> None:
    through = 0
    for number in range(times):
        try:
            assert read(root / "sub/a.txt") == b"inside"
            write(root / "sub/new.txt", b"%d" % number)
            through += 1
        except (PathChanged, FileNotFoundError):
            continue
    assert os.listdir(root / "outside") == ["a.txt"]
    assert (root / "outside/a.txt").read_text() == "secret"
    assert through < times  # else nothing was tried


def test_a_folder_that_is_swapped_all_the_time_never_leads_out(swapping: Path) -> None:
    race_folders(swapping, 1000)


@pytest.mark.slow
def test_a_folder_that_is_swapped_for_long_never_leads_out(swapping: Path) -> None:
    race_folders(swapping, 100_000)
