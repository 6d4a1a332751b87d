from __future__ import annotations

from collections.abc import Iterator

import pytest

from .models import FREE


@pytest.fixture(autouse=True)
def freed() -> Iterator[None]:
    """What a test had hanging comes back when it is over."""
    FREE.clear()
    yield
    FREE.set()
