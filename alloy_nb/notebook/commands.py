"""The words with a slash in a cell: the table's, done with the notebook's own conversation."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..commands import Command, commands_of
from ..context.surroundings import home_of, skills_of
from ..errors import ConfigError
from ..setting_commands import budget_words, folder_words
from ..skill_commands import skill_commands
from .cell import say
from .names import UserNames, find_team

if TYPE_CHECKING:
    from ..context.meter import ContextUsage
    from ..context.skills import Skill
    from ..messages import Message
    from ..options import Options
    from ..providers.base import Provider
    from ..session import SessionStore
    from ..usage import Budget, Usage
    from .magics import AlloyMagics

__all__ = ["NotebookCommands"]


class NotebookCommands:
    """The magics as the commands know them: a `NotebookPlace`.

    `options` are those that say which skills there are; `ask` makes the question of a skill and what was typed, `again`
    the last one once more.
    """

    prefix = "%alloy "

    def __init__(
        self, magics: AlloyMagics, options: Options, ask: Callable[[str, Skill], Any], again: Callable[[], Any]
    ) -> None:
        self._magics = magics
        self._options = options
        self._ask = ask
        self._again = again

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

    def provider(self) -> Provider:
        from ..providers.registry import resolve_model

        return resolve_model()

    def set_model(self, name: str) -> None:
        """That of the process: cells that name none are asked of it."""
        from ..providers.registry import prefer_model

        prefer_model(self._magics.model_of(name), "by /model")

    def messages(self) -> Sequence[Message]:
        return self._magics.conversation.messages

    def context_usage(self) -> ContextUsage:
        from ..metering import context_usage

        conversation = self._magics.conversation
        messages = conversation.messages
        return context_usage(
            conversation.options or self._options, messages, conversation.view_of(messages), conversation.gauge
        )

    def tool_names(self) -> Sequence[str]:
        return self._magics.settings.tools or ()

    def set_tools(self, names: Sequence[str]) -> None:
        self._magics.settings.set_tools(names, self._names)

    def approval(self) -> str:
        return self._magics.settings.approval

    def set_approval(self, name: str) -> None:
        self._magics.settings.set_approval(name, self._names)

    def budget(self) -> Budget | None:
        return self._magics.settings.budget

    def set_budget(self, text: str | None) -> None:
        self._magics.settings.set_budget(text, self._names)

    def used(self) -> tuple[Usage, float | None]:
        return self._magics.conversation.used

    def unanswered(self) -> Message | None:
        return self._magics.conversation.unanswered

    def undo(self) -> Sequence[Message]:
        return self._magics.conversation.undo()

    def retry(self) -> Any:
        return self._again()

    def settings(self) -> Mapping[str, str]:
        from ..folders import CONFIG_VARIABLE, DATA_VARIABLE, config_folder, data_folder

        try:
            model = "{} ({})".format(*self.model_and_why())
        except ConfigError as error:  # what else is set is told all the same
            model = f"none: {error.message}"
        by = self._magics.settings.by
        return {
            "model": model,
            "tools": f"{', '.join(self.tool_names()) or 'none'} ({by('tools')})",
            "approval": f"{self.approval()} ({by('approval')})",
            "budget": f"{budget_words(self.budget())} ({by('budget')})",
            "max turns": str(self._options.max_turns),
            **_from_environment(),
            "working directory": str(Path(self._options.working_directory).absolute()),
            "session": self.session or "not stored",
            "data folder": folder_words(data_folder(), DATA_VARIABLE),
            "settings folder": folder_words(config_folder(), CONFIG_VARIABLE),
        }

    @property
    def _names(self) -> UserNames:
        return UserNames(self._magics.shell)

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

        say(stop_runs(run_id, self._names))

    def attach(self, run_id: str) -> None:
        from .going import attach

        attach(self._magics.shell, run_id, self._names)

    def jobs(self) -> None:
        from .jobs import list_jobs

        list_jobs()

    def agents(self) -> None:
        from .agents import agent_lines

        say("\n".join(agent_lines(self._names)) or "No variable holds an agent or a team yet.")

    def team(self, name: str) -> None:
        from .team_display import show_team

        show_team(find_team(name, self._names))


def _from_environment() -> dict[str, str]:
    """What the environment says of how answers are shown and kept."""
    said = {"display": "ALLOY_DISPLAY", "record": "ALLOY_RECORD"}
    return {
        what: f"{os.environ[variable]} (environment variable {variable})"
        for what, variable in said.items()
        if os.environ.get(variable, "").strip()
    }
