"""What docstrings in Google, NumPy and Sphinx style say of a function and its parameters."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Docstring", "read_docstring"]


@dataclass(frozen=True, slots=True)
class Docstring:
    """What a docstring says to a model: the text before its first section, and a text a parameter."""

    summary: str
    parameters: Mapping[str, str]


_GOOGLE = re.compile(
    r"(Args|Arguments|Params|Parameters|Keyword Args|Keyword Arguments|Other Parameters|Returns?|Yields?|Raises"
    r"|Examples?|Attributes|See Also|References|Todo|Warns):"
)
_NUMPY = re.compile(
    r"Parameters|Other Parameters|Returns|Yields|Receives|Raises|Warns|Warnings|See Also|Notes|References|Examples?"
    r"|Attributes|Methods"
)
_ARGUMENTS = frozenset(
    {"Args", "Arguments", "Params", "Parameters", "Keyword Args", "Keyword Arguments", "Other Parameters"}
)
_SPHINX = re.compile(r":(\w+)(?: +[^:]*?)?:(?: |$)")
_SPHINX_PARAMETER = re.compile(r":(?:param|parameter|arg|argument|key|keyword) (?:[^:]* )?\*{0,2}(\w+):\s*(.*)")
_GOOGLE_PARAMETER = re.compile(r"\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:\s*(.*)")
_NUMPY_PARAMETER = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")


def read_docstring(text: str) -> Docstring:
    """Read a docstring in Google, NumPy or Sphinx style.

    >>> read_docstring("Search.\\n\\nArgs:\\n    query: What to find.").parameters
    {'query': 'What to find.'}
    """
    lines = inspect.cleandoc(text).splitlines()
    starts = [number for number in range(len(lines)) if _section_at(lines, number) is not None]
    summary = "\n".join(lines[: starts[0]] if starts else lines).strip()
    parameters: dict[str, str] = {}
    for start, end in itertools.pairwise([*starts, len(lines)]):
        style, title = _section_at(lines, start) or ("", "")
        if style == "sphinx":
            parameters.update(_read_sphinx(lines[start:end]))
        elif title in _ARGUMENTS and style == "google":
            parameters.update(_read_entries(lines[start + 1 : end], _GOOGLE_PARAMETER))
        elif title in _ARGUMENTS:
            parameters.update(_read_entries(lines[start + 2 : end], _NUMPY_PARAMETER))
    return Docstring(summary, parameters)


def _section_at(lines: Sequence[str], number: int) -> tuple[str, str] | None:
    """Style and title of the section that begins in this line."""
    line = lines[number].rstrip()
    following = lines[number + 1].strip() if number + 1 < len(lines) else ""
    if _NUMPY.fullmatch(line) and len(following) >= 3 and not following.strip("-="):
        return "numpy", line
    if _GOOGLE.fullmatch(line):
        return "google", line[:-1]
    if _SPHINX.match(line):
        return "sphinx", ""
    return None


def _read_sphinx(lines: Sequence[str]) -> dict[str, str]:
    first = _SPHINX_PARAMETER.match(lines[0])
    if first is None:
        return {}
    return {first[1]: _joined([first[2], *lines[1:]])}


def _read_entries(lines: Sequence[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """Entries at the least indentation, each with the deeper lines below it."""
    depth = min((_depth(line) for line in lines if line.strip()), default=0)
    texts: dict[str, list[str]] = {}
    names: list[str] = []
    for line in lines:
        match = pattern.match(line.strip()) if line.strip() and _depth(line) == depth else None
        if match is None:
            for name in names:
                texts[name].append(line)
            continue
        names = [name.strip(" *") for name in match[1].split(",")]
        texts.update({name: [match[2] if pattern is _GOOGLE_PARAMETER else ""] for name in names})
    return {name: _joined(text) for name, text in texts.items() if _joined(text)}


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())
