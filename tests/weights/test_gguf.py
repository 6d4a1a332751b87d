import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError
from alloy_nb.weights.gguf import read_header

from .gguf_file import gguf_bytes, write_gguf


def test_the_header_tells_window_and_template(tmp_path):
    header = read_header(write_gguf(tmp_path / "m.gguf", context=2048, template="{{ tools }}"))
    assert (header.architecture, header.context_length, header.template) == ("llama", 2048, "{{ tools }}")


def test_a_file_without_window_or_template_says_so(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    header = read_header(path)
    assert header.context_length is None
    assert header.template is None


@given(share=st.floats(0, 0.98))
def test_a_file_cut_short_anywhere_is_an_error_with_a_hint(tmp_path_factory, share):
    whole = gguf_bytes()
    path = tmp_path_factory.mktemp("cut") / "m.gguf"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ConfigError) as caught:
        read_header(path)
    assert caught.value.hint


@given(noise=st.binary(max_size=200))
def test_noise_after_the_magic_is_an_error_and_never_a_hang(tmp_path_factory, noise):
    path = tmp_path_factory.mktemp("noise") / "m.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0" + noise)
    with contextlib.suppress(ConfigError):
        assert read_header(path).least_size <= path.stat().st_size


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<!DOCTYPE html>"])
def test_another_kind_of_file_is_told_as_such(tmp_path, content):
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="no GGUF file"):
        read_header(path)


def test_a_file_that_cannot_be_read_is_an_error_with_a_hint(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        read_header(tmp_path)
