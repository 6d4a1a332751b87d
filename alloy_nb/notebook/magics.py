"""``%alloy`` and ``%%alloy``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from ..commands import find_command, no_question
from ..context.surroundings import Surroundings, look_around
from ..errors import AlloyError, ConfigError
from ..options import Options, working_directory
from ..prompts import to_message
from ..redaction import redact_line, register_environment
from .arguments import Arguments, admit, notes_on, parse_line, usage
from .cell import cell_id, say
from .commands import NotebookCommands
from .conversation import AgentConversation, Conversation, Exchange, OwnConversation
from .interpolation import interpolate
from .names import UserNames, find_agent, find_approval, find_budget, find_model, find_tool, find_type
from .preview import list_insertions
from .settings import Settings

if TYPE_CHECKING:
    from ..context.skills import Skill
    from ..messages import Message
    from ..session import SessionStore
    from .question import Question

__all__ = ["AlloyMagics"]

#: Options whose value is a name to look up.
_FINDERS = (
    ("model", find_model),
    ("output", find_type),
    ("approval", find_approval),
    ("budget", find_budget),
)
_BRIEF = 80


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question that is ready to be put, within which conversation, and the variable its result goes into."""

    question: Question
    conversation: OwnConversation | AgentConversation
    out: str | None


@magics_class
class AlloyMagics(Magics):  # type: ignore[misc]
    """The notebook's own agent: one conversation a kernel, from cell to cell."""

    def __init__(self, shell: Any, conversation: Conversation | None = None, settings: Settings | None = None) -> None:
        super().__init__(shell)
        self.conversation = conversation or Conversation()
        self.settings = settings or Settings()

    @needs_local_scope  # type: ignore[untyped-decorator]
    @no_var_expand  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def alloy(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Ask a model, and watch it work; ``%alloy --help`` tells the options."""
        asked = self._read(line, cell, UserNames(self.shell, local_ns))
        if not isinstance(asked, _Asked):
            return asked
        with self._keeping(asked):
            return asked.question.put()

    async def aalloy(self, line: str, cell: str | None) -> Any:
        """The same, awaited: what `awaiting` rewrites a cell to."""
        asked = self._read(line, cell, UserNames(self.shell))
        if not isinstance(asked, _Asked):
            return asked
        with self._keeping(asked):
            return await asked.question.aput()

    def _read(self, line: str, cell: str | None, names: UserNames) -> Any:
        """What is asked; where no model has to be asked, it is done here, and what it returns is returned."""
        arguments = parse_line(line, prompt_follows=cell is None)
        if arguments.help:
            say(usage())
            return None
        prompt = arguments.prompt if cell is None else cell.strip("\n")
        ask, again = partial(self._ask, arguments, names), partial(self._ask_again, arguments, names)
        place = NotebookCommands(self, self._around_options(arguments, names), ask, again)
        found = find_command(prompt, place.commands)
        if found is not None:
            command, argument = found
            admit(command, arguments)
            return command.run(place, argument)
        if not prompt.strip():
            raise ConfigError("there is no question", hint="write it below %%alloy, or after %alloy; `%alloy --help`")
        return ask(prompt)

    def _ask(self, arguments: Arguments, names: Mapping[str, Any], prompt: str, skill: Skill | None = None) -> Any:
        """The question, or with ``--show`` what it would be; with a skill, its text about what was typed."""
        register_environment(os.environ)
        text, inserted = interpolate(prompt, names)
        inputs = [*list_insertions(inserted), *map(redact_line, notes_on(arguments))]
        if skill is not None:
            text = skill.prompt(text)
            inputs.insert(0, f"skill {skill.name}: {len(text):,} characters")
        if arguments.agent is None and not (arguments.fresh or arguments.show):
            # Before its options are looked at: a mistake in them is mended by `/tools NAMES`, say, and then `/retry`.
            self.conversation.note_asked(Exchange(*cell_id(self.shell), (to_message(text),), arguments))
        return self._asked(text, inputs, arguments, names)

    def _ask_again(self, arguments: Arguments, names: Mapping[str, Any]) -> Any:
        """The last question, as it was sent; options as on its own line, but for those that are given now."""
        register_environment(os.environ)
        again = self.conversation.last()
        question = again.question if again is not None else None
        if again is None or question is None:
            raise no_question()
        if again.line is not None:
            options = {**again.line.options, **arguments.options}
            no_context = again.line.no_context or arguments.no_context
            out = arguments.out or again.line.out
            arguments = replace(arguments, options=options, no_context=no_context, out=out)
        inputs = [f"the last question again: {redact_line(question.text, _BRIEF)}"]
        return self._asked(question, inputs, arguments, names, None if arguments.fresh else again)

    def _asked(
        self,
        text: str | Message,
        inputs: list[str],
        arguments: Arguments,
        names: Mapping[str, Any],
        again: Exchange | None = None,
    ) -> _Asked | None:
        """What is to be put; None when it was only shown."""
        options = self._options(arguments, names)
        if arguments.show:
            self._show(text if isinstance(text, str) else text.text, inputs, options, arguments, names, again)
            return None
        from .question import Question

        conversation = self._conversation(arguments, names, again)
        return _Asked(Question(self.shell, text, inputs, options, conversation), conversation, arguments.out)

    def _around_options(self, arguments: Arguments, names: Mapping[str, Any]) -> Options:
        """Options as far as they say what is found around: an agent has its own, the notebook's looks at all."""
        if arguments.agent is None:
            return Options().override(**_context(not arguments.no_context))
        own = find_agent(arguments.agent, names).dialogue.options
        return own.override(**_context(False)) if arguments.no_context else own

    def _conversation(
        self, arguments: Arguments, names: Mapping[str, Any], again: Exchange | None
    ) -> OwnConversation | AgentConversation:
        """Whose conversation the question belongs to: the notebook's own, a new one, an agent's, a fork of it."""
        if arguments.agent is None:
            return OwnConversation(Conversation() if arguments.fresh else self.conversation, arguments, again)
        agent = find_agent(arguments.agent, names)
        if arguments.fresh:
            agent.reset()
        return AgentConversation(agent.dialogue)

    # -- what the line says -------------------------------------------------------------------------------------------

    def _options(self, arguments: Arguments, names: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the run, with names turned into what they mean; of the notebook's own what was set, too."""
        options = dict(arguments.options)
        for key, find in _FINDERS:
            if key in options:
                options[key] = find(options[key], names)
        if "tools" in options:
            tools = options["tools"] if options["tools"] != ("none",) else ()
            options["tools"] = [find_tool(name, names) for name in tools]
        if "fallback" in options:
            options["fallback"] = [find_model(name, names) for name in options["fallback"]]
        if arguments.agent is None or arguments.no_context:
            options.update(_context(not arguments.no_context))
        if arguments.agent is None:
            options = {**self.settings.options(names, but=options), **options}
        return options

    def model_of(self, name: str) -> Any:
        """What `name` means as a model: a variable that holds a provider, else the name."""
        return find_model(name, UserNames(self.shell))

    # -- asking -------------------------------------------------------------------------------------------------------

    def start_over(self) -> None:
        """Forget the conversation, what was allowed in it, and its scratchpad; one that is stored stays so."""
        self.conversation = Conversation()

    def go_on_with(self, session: str, store: SessionStore) -> None:
        """Have cells go on with a conversation that is stored."""
        self.conversation = Conversation.resumed(session, store)

    @contextmanager
    def _keeping(self, asked: _Asked) -> Iterator[None]:
        """However it ends: the conversation goes on from here, and `-o` has what there is."""
        try:
            yield
        finally:
            if asked.question.kept and isinstance(asked.conversation, OwnConversation):
                self.conversation = asked.conversation.conversation
            if asked.out and asked.question.result is not None:
                self.shell.user_ns[asked.out] = asked.question.result

    def _show(
        self,
        text: str,
        inputs: Sequence[str],
        given: dict[str, Any],
        arguments: Arguments,
        names: Mapping[str, Any],
        again: Exchange | None,
    ) -> None:
        from .preview import preview

        history: tuple[Message, ...] = ()
        view, gauge = None, self.conversation.gauge
        if arguments.agent is not None:
            agent = find_agent(arguments.agent, names)
            said = agent.dialogue.options
            its = {"model": said.model, "tools": list(said.tools), "system_prompt": said.system_prompt}
            given = {**{name: value for name, value in its.items() if value}, **given}
            gauge = agent.dialogue.gauge
            if not arguments.fresh:
                history, view = agent.messages, agent.dialogue.view
        elif not arguments.fresh:
            own = OwnConversation(self.conversation, arguments, again)
            history = own.before(*cell_id(self.shell))
            view = self.conversation.view_of(history)
        around, label = self._around_of(given, self._around_options(arguments, names))
        say(preview(text, inputs, given, history, around, view=view, factor=gauge.factor(label)))

    def _around_of(self, given: Mapping[str, Any], options: Options) -> tuple[Surroundings, str]:
        """What a run would find, and the label of the model that it would ask; without one, as if it were large."""
        from ..providers.registry import resolve_model
        from ..tools.toolbox import collect_tools

        directory = working_directory(options)
        try:
            provider = resolve_model(given.get("model"), working_directory=directory)
        except AlloyError:
            provider = None
        label = "" if provider is None else f"{provider.name}:{provider.model}"
        return look_around(options, directory, provider, collect_tools(given.get("tools") or ())), label


def _context(wanted: bool) -> dict[str, bool]:
    return {"context_discovery": wanted, "skills": wanted}
