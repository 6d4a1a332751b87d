from __future__ import annotations

from collections.abc import Iterator

import pytest

from .making import Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()
