"""What a test here leaves behind is its own affair."""

from __future__ import annotations

import pytest

from alloy_nb import redaction


@pytest.fixture(autouse=True)
def _no_known_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arbitrary secrets would blank out words of the tests that come after."""
    monkeypatch.setattr(redaction, "_known", ())
