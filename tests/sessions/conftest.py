from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sessions.postgres import Postgres, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server a worker: tests that use it are of the group `postgres`, and so on one."""
    with running() as server:
        yield server
