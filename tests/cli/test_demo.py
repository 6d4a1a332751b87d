"""`alloy demo`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from alloy_nb.providers.local import is_installed

from .conftest import Said

Alloy = Callable[..., Said]


def test_without_weights_it_says_how_to_get_them(alloy: Alloy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    said = alloy("demo")
    assert (said.code, said.out) == (2, "")
    first, second = said.err.splitlines()
    assert first.startswith("Error: ")
    assert "alloy local pull" in second or "pip install" in second


@pytest.mark.model
@pytest.mark.skipif(not is_installed(), reason="needs the embedded model: alloy local pull")
def test_the_embedded_model_reads_the_file_and_says_the_number(alloy: Alloy) -> None:
    said = alloy("demo")
    assert said.code == 0
    number = re.search(r"The number is (\d{5})", said.err)
    assert number is not None
    assert number[1] in said.out
    assert "› read note.txt" in said.err
    assert "small demo model" in said.err
