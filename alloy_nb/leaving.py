"""What is used in a `with` block, and is done with when that is left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from .tools.workers import call_in_thread

__all__ = ["Leaving"]


class Leaving(ABC):
    """A context manager, sync and async: both call `_exit`, which may block and may be called again."""

    @abstractmethod
    def _exit(self) -> None:
        """Be done with it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._exit()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await call_in_thread(self._exit, f"{type(self).__name__.lower()}-exit").future
