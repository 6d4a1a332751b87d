import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.weights import store as module

from .gguf_file import write_gguf


def put(store, name="mine"):
    store.mkdir(parents=True, exist_ok=True)
    part = write_gguf(store / f"{name}.gguf.part")
    return module.publish(part, module.path_of(name), sha256=module.digest(part), source="test")


def test_what_was_published_is_listed_with_its_hash(store):
    stored = put(store)
    assert module.list_stored() == [stored]
    assert stored.sha256 == module.digest(stored.path)
    assert not (store / "mine.gguf.part").exists()


def test_a_file_changed_afterwards_is_not_taken_for_verified(store):
    stored = put(store)
    stored.path.write_bytes(b"other")
    assert module.read_stored(stored.path).sha256 is None


@pytest.mark.parametrize("stamp", ["", "[]", "null", '{"size": 1}'])
def test_a_broken_stamp_counts_for_nothing(store, stamp):
    stored = put(store)
    module.stamp_path(stored.path).write_text(stamp)
    assert module.read_stored(stored.path).sha256 is None


def test_a_wrong_size_is_not_present(store, tiny):
    put(store, "tiny")
    assert not module.is_present("tiny")


def test_removing_takes_all_that_belongs_to_it_and_no_neighbour(store):
    put(store)
    put(store, "mine2")
    (store / "mine.gguf.tried").write_text("x")
    (store / "mine.whl.part").write_bytes(b"x")
    assert module.remove("mine") > 4000
    assert sorted(path.name for path in store.iterdir()) == ["mine2.gguf", "mine2.gguf.json"]
    with pytest.raises(ConfigError, match="no weights named"):
        module.remove("mine")


def test_a_spec_is_a_stored_name_or_a_path(store, tmp_path):
    put(store)
    file = write_gguf(tmp_path / "x.gguf")
    assert module.locate("mine") == ("mine", store / "mine.gguf")
    assert module.locate(str(file)) == ("x", file)


def test_missing_weights_name_the_command_that_fetches_them(store):
    with pytest.raises(ConfigError) as caught:
        module.locate(None)
    assert "alloy local pull smollm2" in caught.value.hint


def test_a_missing_path_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no file of weights at"):
        module.locate(str(tmp_path / "none.gguf"))
