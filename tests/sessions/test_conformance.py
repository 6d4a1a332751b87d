"""Every store of ours keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

import alloy_nb as alloy
from alloy_nb.testing.conformance import StoreConformance
from tests.sessions.postgres import Postgres

pytestmark = pytest.mark.thorough


class TestMemoryStore(StoreConformance):
    shared = False

    def make(self) -> alloy.SessionStore:
        return alloy.MemoryStore()


class _InFolder(StoreConformance):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path


class TestSQLiteStore(_InFolder):
    def make(self) -> alloy.SessionStore:
        return alloy.SQLiteStore(self.folder / "sessions.sqlite")


@pytest.mark.thorough
class TestSQLStoreOnSQLite(_InFolder):
    def make(self) -> alloy.SessionStore:
        return alloy.SQLStore(f"sqlite:///{self.folder}/sessions.sqlite")


@pytest.mark.thorough
class TestSQLStoreOnPostgreSQL(StoreConformance):
    @pytest.fixture(autouse=True)
    def _server(self, postgres: Postgres) -> None:
        self.server = postgres

    def make(self) -> alloy.SessionStore:
        return alloy.SQLStore(self.server.database())


class TestBareStore(StoreConformance):
    """A third party's that has the four methods, and nothing else."""

    shared = False

    def make(self) -> alloy.SessionStore:
        return Bare()


class Bare:
    def __init__(self) -> None:
        self._inner = alloy.MemoryStore()
        self.append, self.read, self.delete = self._inner.append, self._inner.read, self._inner.delete

    def list(self) -> list[object]:
        from alloy_nb.session import SessionInfo

        return [SessionInfo(i.id, i.created_at, i.updated_at, i.records) for i in self._inner.list()]
