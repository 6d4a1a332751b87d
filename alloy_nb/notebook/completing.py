"""What Tab offers behind ``%alloy`` and ``%%alloy``: commands, options, what they take; variables in braces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..cli.repl.completing import Offer, model_offers, offers
from ..commands import commands_of
from ..context.skills import find_skills
from ..folders import home_folder
from ..options import RECORDS, THINKING
from ..setting_commands import POLICIES
from ..sinks import DISPLAYS, resolve
from ..skill_commands import skill_commands
from .arguments import FLAGS, Unfinished, unfinished
from .interpolation import is_free
from .names import TYPES, UserNames, words_of

__all__ = ["complete", "register", "unregister"]

#: Other cell magics may stand above ours.
_CELL = re.compile(r"\s*(?:%%(?!alloy\b)[^\n]*\n\s*)*%%alloy(?=\s)([^\n]*)(\n.*)?\Z", re.DOTALL)
_LINE = re.compile(r"\s*(?:[^%=\n]+=\s*)?%alloy(?=\s)(.*)\Z")
_COMMAND = re.compile(r"/(?:[A-Za-z].*)?\Z")
_BRACE = re.compile(r"\{((?:[^\W\d]\w*)?)\Z")
_NOTHING: Mapping[str, Any] = {}

#: Option -> the kind of what it takes, as `words_of` knows it.
_KINDS = {
    "model": "models",
    "fallback": "models",
    "agent": "agents",
    "tools": "tools",
    "out": "variables",
    "output": "types",
    "tool_choice": "tools",
    "budget": "budgets",
    "approval": "policies",
}
_SEVERAL = frozenset({"tools", "fallback"})

#: What a kind of `words_of` says beside the user's names.
Own = Callable[[str], Iterable[str]]


def complete(text: str, names: Mapping[str, Any] = _NOTHING, own: Own | None = None) -> list[Offer] | None:
    """What may come next after `text`, the cell up to the cursor; None where that is not ours to say.

    `names` are the user's; `own` says what there is of a kind, as they and the runs here have it.

    >>> [offer.text for offer in complete("%alloy /rese")], complete("print(")
    (['/reset'], None)
    """
    own = own or partial(words_of, names)
    cell = _CELL.match(text)
    if cell is not None and cell[2] is not None:
        return _of_question(cell[2].lstrip(), names, own)
    line = cell or _LINE.match(text.rpartition("\n")[2])
    if line is None:
        return None
    last = unfinished(line[1])
    if last.option:
        return _of_flags(last.text)
    if last.key:
        return _of_value(last, own)
    if not last.text:
        commands = [] if cell else _of_command("/", own)
        return [*(Offer(offer.text, 0, offer.help) for offer in commands), *_of_flags("")]
    return [] if cell is not None else _of_question(last.text, names, own)


def _of_question(text: str, names: Mapping[str, Any], own: Own) -> list[Offer] | None:
    """A command; in a question the names of variables behind an open brace, and nothing else."""
    if _COMMAND.match(text):
        return _of_command(text, own)
    brace = _BRACE.search(text)
    if brace is None or not is_free(text, brace.start()):
        return None
    typed = brace[1]
    known = words_of(names, "variables")
    return [Offer(name, len(typed)) for name in known if name.startswith(typed)] or None


def _of_command(text: str, own: Own) -> list[Offer]:
    directory, table = Path.cwd(), commands_of("notebook")
    commands = (*table, *skill_commands(find_skills(directory, home_folder())[0], table))
    return offers(text, commands, directory, lambda: resolve("default_store")(), own)


def _of_flags(typed: str) -> list[Offer]:
    named = [(name, flag.help) for flag in FLAGS for name in flag.names]
    return [Offer(name, len(typed), help) for name, help in named if name.startswith(typed)]


def _of_value(last: Unfinished, own: Own) -> list[Offer]:
    typed = re.split(r",\s*", last.text)[-1] if last.key in _SEVERAL else last.text
    kind = _KINDS.get(last.key, "")
    if kind == "models":
        return model_offers(typed, Path.cwd(), own(kind))
    words = dict.fromkeys([*_words(last.key), *own(kind)])
    return [Offer(word, len(typed)) for word in words if word.startswith(typed)]


def _words(key: str) -> Iterable[str]:
    from ..tools.builtin import BUILTIN_TOOLS

    return {
        "tools": (*BUILTIN_TOOLS, "none"),
        "tool_choice": ("auto", "required", "none", *BUILTIN_TOOLS),
        "output": TYPES,
        "approval": tuple(POLICIES),
        "thinking": ("on", "off", *THINKING),
        "display": (*DISPLAYS, "none"),
        "record": RECORDS,
    }.get(key, ())


# How IPython asks


class _Silence(list[Any]):
    """No completion, which counts as one: only who has something to offer can have the other matchers be silent."""

    def __len__(self) -> int:
        return 1


def register(shell: Any) -> None:
    """Have IPython ask us first, and on our lines nobody else; twice is once."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier=__name__, priority=1000)  # type: ignore[untyped-decorator]
    def matcher(context: Any) -> dict[str, Any]:
        lines = context.full_text.split("\n")[: context.cursor_line + 1]
        text = "\n".join([*lines[:-1], lines[-1][: context.cursor_position]])
        found = complete(text, UserNames(shell), partial(_own_words, shell))
        if found is None:
            return {"completions": [], "suppress": False}
        replaced = found[0].replaces if found else 0
        return {
            "completions": [SimpleCompletion(offer.text, type=_type(offer)) for offer in found] or _Silence(),
            "matched_fragment": text[len(text) - replaced :],
            "suppress": True,
            "ordered": True,
        }

    unregister(shell)
    shell.Completer.custom_matchers.append(matcher)


def unregister(shell: Any) -> None:
    matchers = shell.Completer.custom_matchers
    # By name: after a reload it is another function.
    matchers[:] = [matcher for matcher in matchers if getattr(matcher, "matcher_identifier", "") != __name__]


def _own_words(shell: Any, kind: str) -> Iterable[str]:
    from .going import run_words

    names = UserNames(shell)
    return run_words(shell, kind, names) if kind in ("going", "runs") else words_of(names, kind)


def _type(offer: Offer) -> str:
    return {"/": "command", "-": "option"}.get(offer.text[:1], "value")
