"""A key that cannot be printed by accident."""

from __future__ import annotations

from alloy_nb.providers.secret import Secret


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("sk-very-secret-value")
    assert "very-secret" not in f"{secret} {secret!r} {secret!s} {[secret]}"
    assert secret.reveal() == "sk-very-secret-value"
    assert secret == Secret("sk-very-secret-value")
    assert secret != "sk-very-secret-value"
    assert len({secret, Secret("sk-very-secret-value"), Secret("another")}) == 2
