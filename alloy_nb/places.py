"""The front ends, as the words with a slash know them; see `commands`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .commands import Command
    from .context.meter import ContextUsage
    from .context.skills import Skill
    from .messages import Message
    from .providers.base import Provider
    from .session import SessionStore
    from .usage import Budget, Usage

__all__ = ["NotebookPlace", "Place", "TerminalPlace"]


class Place(Protocol):
    """A front end, as commands know it."""

    @property
    def commands(self) -> Sequence[Command]:
        """Those that it has."""

    def say(self, text: str) -> None:
        """Tell the user."""

    def model_and_why(self) -> tuple[str, str]:
        """The model that answers, and why it is this one."""

    def provider(self) -> Provider:
        """The model that answers itself. Raises what keeps it from being had."""

    def set_model(self, name: str) -> None:
        """Have another one answer from now on."""

    def messages(self) -> Sequence[Message]:
        """The conversation."""

    def context_usage(self) -> ContextUsage:
        """What fills the window of the model that answers."""

    def reset(self) -> None:
        """Begin another one; that which is stored stays so."""

    def store(self) -> SessionStore:
        """Where conversations are kept."""

    @property
    def session(self) -> str | None:
        """The name under which this one is stored."""

    def save(self, name: str) -> str:
        """Store it under a name that is free, from now on as it grows; how it is gone on with another day."""

    def resume(self, name: str) -> None:
        """Go on with the one that is stored under a name."""

    def unanswered(self) -> Message | None:
        """The question that was asked last, where nothing came of it: it is not in the conversation."""

    def rewind(self, questions: int) -> Sequence[Message]:
        """Take back so many questions, with all that came of them; what was taken. One unanswered is forgotten."""

    def skills(self) -> tuple[Sequence[Skill], Sequence[str]]:
        """Those that may be asked for by name, and what is wrong with others."""

    def ask_skill(self, skill: Skill, text: str) -> Any:
        """Put its text as a question, filled with `text`."""

    def tool_names(self) -> Sequence[str]:
        """The tools that may be used."""

    def set_tools(self, names: Sequence[str]) -> None:
        """Have those used from now on."""

    def approval(self) -> str:
        """The policy, or the name of what decides."""

    def set_approval(self, name: str) -> None:
        """Have calls decided on by it from now on."""

    def budget(self) -> Budget | None:
        """What may be spent from when it was set."""

    def set_budget(self, text: str | None) -> None:
        """Have no more spent from now on; None takes it away."""

    def settings(self) -> Mapping[str, str]:
        """What is set and where from, by what it is."""

    def used(self) -> tuple[Usage, float | None]:
        """Tokens and dollars of the conversation, also of what was taken back."""

    def undo(self) -> Sequence[Message]:
        """Take the last question back, with all that came of it; what was taken."""

    def retry(self) -> Any:
        """Ask the last question again, in place of what came of it; `no_question` is raised where there is none."""

    #: How a command is written here, before its slash.
    prefix: str


class NotebookPlace(Place, Protocol):
    """The magics."""

    def stop(self, run_id: str) -> None: ...

    def attach(self, run_id: str) -> None: ...

    def jobs(self) -> None: ...

    def agents(self) -> None: ...

    def team(self, name: str) -> None: ...


class TerminalPlace(Place, Protocol):
    """The conversation in the terminal."""

    def leave(self) -> None: ...
