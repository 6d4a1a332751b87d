"""The words with a slash in a cell: the table's, done with the notebook's own conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..commands import Command, commands_of
from .cell import say

if TYPE_CHECKING:
    from ..messages import Message
    from ..session import SessionStore
    from .magics import AlloyMagics

__all__ = ["NotebookCommands"]


class NotebookCommands:
    """The magics as the commands know them: a `NotebookPlace`."""

    prefix = "%alloy "

    def __init__(self, magics: AlloyMagics) -> None:
        self._magics = magics

    @property
    def commands(self) -> Sequence[Command]:
        return commands_of("notebook")

    def say(self, text: str) -> None:
        say(text)

    def model_and_why(self) -> tuple[str, str]:
        from ..providers.registry import choose_model

        chosen, why = choose_model()
        return chosen if isinstance(chosen, str) else f"{chosen.name}:{chosen.model}", why

    def set_model(self, name: str) -> None:
        """That of the process: cells that name none are asked of it."""
        from ..providers.registry import set_default_model

        set_default_model(self._magics.model_of(name))

    def messages(self) -> Sequence[Message]:
        return self._magics.conversation.messages

    def reset(self) -> None:
        self._magics.start_over()

    def store(self) -> SessionStore:
        from ..sinks import resolve

        store: SessionStore = resolve("default_store")()
        return store

    def stop(self, run_id: str) -> None:
        from .going import stop_runs

        say(stop_runs(run_id))

    def attach(self, run_id: str) -> None:
        from .going import attach

        attach(self._magics.shell, run_id)
