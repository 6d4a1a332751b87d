"""The words with a slash in a cell: the table's, done with the notebook's own conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..commands import Command, commands_of
from ..context.surroundings import home_of, skills_of
from ..skill_commands import skill_commands
from .cell import say

if TYPE_CHECKING:
    from ..context.meter import ContextUsage
    from ..context.skills import Skill
    from ..messages import Message
    from ..options import Options
    from ..session import SessionStore
    from .magics import AlloyMagics

__all__ = ["NotebookCommands"]


class NotebookCommands:
    """The magics as the commands know them: a `NotebookPlace`.

    `options` are those that say which skills there are; `ask` makes the question of a skill and what was typed.
    """

    prefix = "%alloy "

    def __init__(self, magics: AlloyMagics, options: Options, ask: Callable[[str, Skill], Any]) -> None:
        self._magics = magics
        self._options = options
        self._ask = ask

    @property
    def commands(self) -> Sequence[Command]:
        own = commands_of("notebook")
        return (*own, *skill_commands(self.skills()[0], own))

    def skills(self) -> tuple[Sequence[Skill], Sequence[str]]:
        options = self._options
        directory = Path(options.working_directory).expanduser().absolute()
        return skills_of(options.skills, directory, home_of(options))

    def ask_skill(self, skill: Skill, text: str) -> Any:
        return self._ask(text, skill)

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

    def context_usage(self) -> ContextUsage:
        from ..metering import context_usage

        conversation = self._magics.conversation
        messages = conversation.messages
        return context_usage(
            conversation.options or self._options, messages, conversation.view_of(messages), conversation.gauge
        )

    def reset(self) -> None:
        self._magics.start_over()

    def store(self) -> SessionStore:
        from ..sinks import resolve

        store: SessionStore = resolve("default_store")()
        return store

    @property
    def session(self) -> str | None:
        return self._magics.conversation.session

    def save(self, name: str) -> str:
        self._magics.conversation.save(name, self.store())
        return f"{self.prefix}/resume {name}"

    def resume(self, name: str) -> None:
        self._magics.go_on_with(name, self.store())

    def rewind(self, questions: int) -> Sequence[Message]:
        return self._magics.conversation.rewind(questions)

    def stop(self, run_id: str) -> None:
        from .going import stop_runs

        say(stop_runs(run_id))

    def attach(self, run_id: str) -> None:
        from .going import attach

        attach(self._magics.shell, run_id)

    def jobs(self) -> None:
        from .jobs import list_jobs

        list_jobs()

    def team(self, name: str) -> None:
        from .names import UserNames, find_team
        from .team_display import show_team

        show_team(find_team(name, UserNames(self._magics.shell)))
