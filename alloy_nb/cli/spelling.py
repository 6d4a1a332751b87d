"""What errors say in Python's words, in those of the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["FLAGS", "hint_on_a_line", "message_on_a_line", "on_a_line"]

#: Option of a run -> how it is given on a line. What is not here cannot be given there.
FLAGS: Mapping[str, str] = {
    "model": "--model",
    "fallback": "--fallback",
    "thinking": "--thinking",
    "tools": "--tools",
    "tool_choice": "--tool-choice",
    "system_prompt": "--system",
    "max_turns": "--max-turns",
    "timeout": "--timeout",
    "budget": "--budget",
    "temperature": "--temperature",
    "working_directory": "--dir",
    "session": "--session",
    "approval": "--approval",
}

#: What is said otherwise, or not at all, since only Python can do it.
_INSTEAD: Mapping[str, str] = {
    r"limit tokens instead, Budget\(tokens=\.\.\.\), or put": "put",
    r"Budget\(usd=\.\.\.\)": "--budget DOLLARS",
    r"tools=\[\.\.\.\] in Python, -t NAMES on a line": "-t NAMES",
    r"raise `request_timeout`, or try": "try again, or",
    r"^it takes: .*": "leave it out, or choose another model",
    r"; for your own, give the function itself": "",
    r"thinking=False": "--thinking off",
    r"leave out thinking\b": "leave out --thinking",
    r"in Python by a new Agent\(session=\.\.\.\), or alloy.*": "`alloy -p` does when it asks again",
    r"name (a|another) file.*: store=alloy\.SQLiteStore\(path\)": "name another folder: ALLOY_DATA_DIR",
    r"sessions\.search\('foxes'\)": "alloy sessions search foxes",
}

_NAME = "|".join(FLAGS)
_QUOTED = re.compile(rf"`({_NAME})`")
# What stands in parentheses is an example in Python, which no flag goes into.
_GIVEN = re.compile(rf"""(?<!\()\b({_NAME})=(["']?)([\w.:-]+)\2""")
#: A word of Python by its looks, wherever it stands but there, in a path or a name.
_UNDERSCORED = re.compile(rf"(?<![\w/\\'(])({'|'.join(name for name in FLAGS if '_' in name)})(?![\w/\\'])")
# A message may quote what was typed: only in these places the name is that of an option.
_FIRST = re.compile(rf"^({_NAME})(?= is | names | /)")
_LACKING = re.compile(rf"(?<= takes no )(`?)({_NAME})\1(?= |$)")


def on_a_line(kind: str, message: str, hint: str) -> tuple[str, str]:
    """Both of an error; `kind` is the name of its class. What a service or a tool says stays as it is.

    >>> on_a_line("OverloadedError", "model is busy", "raise `timeout`")
    ('model is busy', 'raise --timeout')
    """
    return message_on_a_line(message) if kind == "ConfigError" else message, hint_on_a_line(hint)


def message_on_a_line(message: str) -> str:
    """What is wrong with an option.

    >>> message_on_a_line("local takes no `thinking`")
    'local takes no --thinking'
    """
    return _LACKING.sub(lambda match: FLAGS[match[2]], _FIRST.sub(_flag, message))


def hint_on_a_line(hint: str) -> str:
    """What to do.

    >>> hint_on_a_line("raise `timeout`, or set tool_choice='auto'")
    'raise --timeout, or set --tool-choice auto'
    """
    for pattern, words in _INSTEAD.items():
        hint = re.sub(pattern, words, hint)
    hint = _GIVEN.sub(lambda match: f"{FLAGS[match[1]]} {match[3]}", hint)
    return _UNDERSCORED.sub(_flag, _QUOTED.sub(_flag, hint))


def _flag(match: re.Match[str]) -> str:
    return FLAGS[match[1]]
