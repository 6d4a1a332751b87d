"""One conversation in the terminal: the agent behind it, what is asked of it, and what commands do to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from ...agent import Agent
from ...brief import in_brief
from ...commands import Command, commands_of, find_command, no_question
from ...context.skills import Skill
from ...context.surroundings import look_around, skills_of, tell_problems
from ...dialogue import Dialogue
from ...folders import home_folder
from ...messages import Message
from ...options import working_directory
from ...plain import one_line
from ...prompts import to_message
from ...redaction import redact
from ...session import SessionStore
from ...session_commands import told_session
from ...setting_commands import budget_words, folder_words, policy_named, read_budget
from ...sinks import resolve
from ...skill_commands import skill_commands
from ...tools.toolbox import collect_tools
from ...usage import Budget, Usage
from ...waiting import block_on

if TYPE_CHECKING:
    from ...context.meter import ContextUsage
    from ...events import Event
    from ...providers.base import Provider

__all__ = ["Talk"]

_LEAVING = frozenset({"exit", "quit", "bye", "q"})


class Talk:
    """A `TerminalPlace`: the agent is made when it is first needed, since there may be no model before ``/login``.

    `options` are those of `Agent`; `model` in it is a name or None. `view` gives what hears the events of a run and
    writes them; `say` tells the user; `asking` is around each run. `named` are the options that were given on the line,
    of those that have a value without that.
    """

    prefix = ""

    def __init__(
        self,
        options: Mapping[str, Any],
        view: Callable[[], Callable[[Event], None]],
        say: Callable[[str], None],
        asking: Callable[[], AbstractContextManager[None]] = nullcontext,
        named: Collection[str] = (),
    ) -> None:
        self._options = dict(options)
        self._view = view
        self._say = say
        self._asking = asking
        self._agent: Agent | None = None
        self._why = ""
        self._around: tuple[str, ...] = ()
        #: What was asked last, and the conversation before that: where it is the same, nothing came of it.
        self._asked: tuple[str | Message, Sequence[Message]] | None = None
        #: What has set an option: one of the line, or a command.
        self._set_by = {name: f"--{name.replace('_', '-')}" for name in named}
        self.left = False

    def agent(self) -> Agent:
        """Whom the questions are for. Raises what keeps it from being made."""
        if self._agent is None:
            model, self._why = self._choose(self._options.get("model"))
            self._agent = Agent(**{**self._options, "model": model})
        return self._agent

    def _choose(self, name: str | None) -> tuple[Any, str]:
        """The model itself, so that it is the same one from question to question; and why it is this one."""
        from ...providers.registry import choose_model, resolve_model

        directory = self._options["working_directory"]
        if name is not None:
            return resolve_model(name, working_directory=directory), "as you asked"
        chosen, why = choose_model(working_directory=directory)
        return resolve_model(chosen, working_directory=directory), why

    # -- what is typed --------------------------------------------------------------------------------------------

    def take(self, text: str) -> Any:
        """Do what a typed text says: a command, a question, or to leave. What a command returns is to be shown."""
        text = text.strip()
        if not text:
            return None
        if text.lower() in _LEAVING:
            self.leave()
            return None
        if text.lower() == "help":
            self.say("for the commands: /help")
            return None
        found = find_command(text, self.commands)
        if found is None:
            self.ask(text)
            return None
        command, argument = found
        return command.run(self, argument)

    def ask(self, prompt: str | Message) -> None:
        """Ask, in sight of the user; after an interrupt, `settle`. What was said so far is kept."""
        if around := self.told_around():
            self.say(around)
        self._asked = prompt, self.messages()
        with self._asking():
            self.agent().chat(prompt, check=False, display=None, on_event=self._view())

    def settle(self) -> None:
        """After an interrupt: have nothing go on any more, wherever it fell. A stopped run ends within moments."""
        while self._agent is not None and (execution := self._agent.dialogue.current) is not None:
            execution.cancel()
            block_on(execution, check=False, owns=False)

    # -- what commands ask of it ----------------------------------------------------------------------------------

    @property
    def commands(self) -> Sequence[Command]:
        own = commands_of("terminal")
        return (*own, *skill_commands(self.skills()[0], own))

    def skills(self) -> tuple[Sequence[Skill], Sequence[str]]:
        directory = Path(self._options["working_directory"]).expanduser().absolute()
        return skills_of(self._options.get("skills"), directory, home_folder())

    def ask_skill(self, skill: Skill, text: str) -> None:
        prompt = skill.prompt(text)
        where = f" from {one_line(str(skill.path), 400)}" if skill.path else ""
        self.say(f"skill {one_line(skill.name)}: {len(prompt):,} characters{where}")
        self.ask(prompt)

    def told_around(self) -> str:
        """Context files and skills, where they are not those that were told last; else nothing."""
        dialogue: Dialogue = self.agent().dialogue
        options = dialogue.options
        around = look_around(options, working_directory(options), options.model, collect_tools(options.tools))
        tell_problems(around.problems)
        # A person may ask by skills that the model is not shown.
        names = [skill.name for skill in self.skills()[0]]
        told = (*map(str, around.sections), *([f"skills: {', '.join(names)}"] if names else []))
        before, self._around = self._around, told
        if before == self._around:
            return ""
        return f"with {' · '.join(self._around)}" if self._around else "without context files and skills from now on"

    def left_out(self) -> str:
        """What a person asked to be left out."""
        off = not self._options.get("context_discovery") and not self._options.get("skills")
        return "without context files and skills (--no-context)" if off else ""

    def say(self, text: str) -> None:
        self._say(text)

    def model_and_why(self) -> tuple[str, str]:
        return redact(self.agent().model), self._why

    def provider(self) -> Provider:
        from ...providers.registry import resolve_model

        return resolve_model(self.agent().dialogue.options.model, working_directory=self._options["working_directory"])

    def set_model(self, name: str) -> None:
        model, _ = self._choose(name)
        if self._agent is None:
            self._options["model"] = name
            self.agent()
        else:
            self._agent.set_model(model)
        self._why = "by /model"

    def messages(self) -> Sequence[Message]:
        return self._agent.messages if self._agent is not None else ()

    def context_usage(self) -> ContextUsage:
        return self.agent().context_usage()

    def reset(self) -> None:
        self._asked = None
        if self._agent is None:
            return
        if self.session is None or not self._agent.messages:
            self._agent.reset()
            return
        del self._options["session"]
        self._agent = self._like(self._agent)

    def _like(self, before: Agent) -> Agent:
        """Another agent by the same options, as far as commands have changed them."""
        options = before.dialogue.options
        return Agent(**{**self._options, "model": options.model, "tools": options.tools})

    def tool_names(self) -> Sequence[str]:
        return list(collect_tools(self._current("tools")))

    def set_tools(self, names: Sequence[str]) -> None:
        collect_tools(names)
        self._set("tools", list(names))

    def approval(self) -> str:
        return str(self._options["approval"])

    def set_approval(self, name: str) -> None:
        self._set("approval", policy_named(name))

    def budget(self) -> Budget | None:
        budget: Budget | None = self._options.get("budget")
        return budget

    def set_budget(self, text: str | None) -> None:
        self._set("budget", None if text is None else read_budget(text))

    def _set(self, name: str, value: Any) -> None:
        if self._agent is not None:
            dialogue = self._agent.dialogue
            dialogue.take(replace(dialogue.options, **{name: value}))  # unlike `override`, also to None
        self._options[name] = value
        self._set_by[name] = f"/{name}"

    def used(self) -> tuple[Usage, float | None]:
        return (Usage(), 0.0) if self._agent is None else (self._agent.usage, self._agent.cost)

    def undo(self) -> Sequence[Message]:
        unanswered = self.unanswered()
        if unanswered is None:
            return self._take_back()
        self._asked = None
        return (unanswered,)

    def unanswered(self) -> Message | None:
        if self._asked is None or self._asked[1] != self.messages():
            return None
        return to_message(self._asked[0])

    def _take_back(self) -> Sequence[Message]:
        self._asked = None
        return self._agent.undo_turn() if self._agent is not None else ()

    def retry(self) -> None:
        unanswered = self.unanswered()
        if unanswered is not None:
            self._ask_again(unanswered)
            return
        if not self.messages():
            raise no_question()
        dialogue: Dialogue = self.agent().dialogue
        before, view = dialogue.messages, dialogue.view
        taken = self._take_back()
        left = dialogue.messages
        try:
            self._ask_again(taken[0])
        finally:
            if not dialogue.busy and dialogue.messages == left:  # nothing came of it: the answer that was there stays
                dialogue.restore(before, view=view)

    def _ask_again(self, question: Message) -> None:
        self.say(in_brief(question))
        self.ask(question)

    def settings(self) -> Mapping[str, str]:
        from ...folders import CONFIG_VARIABLE, DATA_VARIABLE, config_folder, data_folder

        label, why = self.model_and_why()
        given = {
            "model": f"{label} ({why})",
            "fallback": ", ".join(f"{model.name}:{model.model}" for model in self._options.get("fallback", ())),
            "tools": (", ".join(self.tool_names()) or "none") + self._by("tools"),
            "approval": self.approval() + self._by("approval"),
            "budget": budget_words(self.budget()) + self._by("budget"),
            "system prompt": str(self._options.get("system_prompt") or ""),
            "thinking": "" if (thinking := self._options.get("thinking")) is None else _said(thinking),
            "max turns": str(self._current("max_turns")) + self._by("max_turns"),
            "timeout": f"{timeout:g} s" if (timeout := self._options.get("timeout")) is not None else "",
            "tool choice": str(self._options.get("tool_choice") or ""),
            "stream": "" if self._options.get("stream", True) else "off: an answer is shown when it is whole",
            "context": self.left_out(),
            "working directory": str(Path(self._options["working_directory"]).expanduser().absolute()),
            "session": self.session or "not stored",
            "data folder": folder_words(data_folder(), DATA_VARIABLE),
            "settings folder": folder_words(config_folder(), CONFIG_VARIABLE),
        }
        return {name: value for name, value in given.items() if value}

    def _by(self, name: str) -> str:
        return f" (by {self._set_by[name]})" if name in self._set_by else " (by default)"

    def _current(self, name: str) -> Any:
        dialogue: Dialogue = self.agent().dialogue
        return getattr(dialogue.options, name)

    def leave(self) -> None:
        self.left = True

    # -- stored conversations -------------------------------------------------------------------------------------

    @property
    def session(self) -> str | None:
        """The name under which the conversation is stored."""
        name = self._options.get("session")
        return name if isinstance(name, str) else None

    def store(self) -> SessionStore:
        if "store" not in self._options:
            self._options["store"] = resolve("default_store")()
        store: SessionStore = self._options["store"]
        return store

    def save(self, name: str) -> str:
        before = self.agent()
        after = before.fork(session=name, store=self.store())
        if before.messages:  # else there is nothing to store, whatever was used for what was taken back
            after.dialogue.restore(before.messages, before.usage, before.cost, view=before.dialogue.view)
        self._agent, self._options["session"] = after, name
        return f"alloy --session {quote(name)}"

    def resume(self, name: str) -> None:
        self._asked = None
        before = self._agent
        self._options["session"] = name
        if before is None:
            self.agent()
        else:
            self._agent = self._like(before)

    def rewind(self, questions: int) -> Sequence[Message]:
        self._asked = None
        taken: tuple[Message, ...] = ()
        for _ in range(questions):
            taken = (*self._take_back(), *taken)
        return taken

    def tell_of_session(self) -> None:
        """Where a stored conversation stands; nothing for one that is not stored."""
        if self.session is None:
            return
        for line in told_session(self.session, self.messages()):
            self.say(line)


def _said(thinking: bool | str | int) -> str:
    """As it is typed."""
    return ("on" if thinking else "off") if isinstance(thinking, bool) else str(thinking)
