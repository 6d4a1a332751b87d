"""Putting variables into a prompt: ``{name}``, ``{name.attr}``, ``{name[0]}``, and nothing else.

Prompts hold JSON, LaTeX, sets and code. So a brace means something only where `name` is bound in the namespace, what
stands before it leaves no doubt, and the place is neither code nor mathematics. Everything else stays as typed.
"""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..articles import a_kind
from ..errors import ConfigError
from .cards import describe

__all__ = ["Insertion", "interpolate", "is_free", "look_up"]

_NUMBER = r"-?\d+"
_SUBSCRIPT = rf"""\[(?:{_NUMBER}|(?:{_NUMBER})?:(?:{_NUMBER})?|"[^"\\\n]*"|'[^'\\\n]*'|[^\W\d]\w*)\]"""
_EXPRESSION = rf"[^\W\d]\w*(?:\.[^\W\d]\w*|{_SUBSCRIPT})*"
_PLACEHOLDER = re.compile(rf"\{{(?P<expression>{_EXPRESSION})\}}")
# `{df.a.mean()}`, `{total / 2}`, `{x!r}`, `{price:.2f}`: what an f-string would have taken. Not `{a, b}`, `{a: 1}`
# and `{x | x > 0}`, which are sets and JSON, nor a statement of a language with braces. Atomic groups, so that no text
# takes long.
_OPERATION = r"[ ]?(?:[-+*/%@]|//|\*\*)[ ]?[\w(][^{}\n;]*"
_FORMAT = r"![rsa]|:(?=[^{}\n]*[.,%])[<>^=]?[-+#0]*\d*,?(?:\.\d+)?[bcdeEfFgGnosxX%]"
_EVALUATED = re.compile(
    rf"\{{(?P<expression>(?>{_EXPRESSION})(?>\[(?!\])[^{{}}\n;]*|\([^{{}}\n;]*|{_OPERATION}|{_FORMAT}))\}}",
)
_STEP = re.compile(rf"\.(?P<attribute>\w+)|(?P<subscript>{_SUBSCRIPT})")

# What is code or mathematics, in the order in which one hides the others. A dollar that stands before a number of
# money ("from $5 to $9") opens nothing: it needs its partner, and the partner stands at the end of what it closes.
_PROTECTED = re.compile(
    r"""
      (?P<fence> ^[ \t>]* (?P<mark> `{3,} (?=[^`\n]*$) | ~{3,} ) .*? (?: ^[ \t>]* (?P=mark) [`~]* [ \t]* $ | \Z ) )
    | (?P<escaped> \\[`$] )
    | (?P<code> (?<!`) (?P<ticks> `+ ) (?!`) (?: (?!\n[ \t]*\n) . )+? (?<!`) (?P=ticks) (?!`) )
    | (?P<display> \$\$ | \\\[ | \\\( )
    | (?P<environment> \\begin\{ (?P<kind> \w+\*? ) \} )
    | (?P<inline> \$ (?![\s$]) (?: (?!\n[ \t]*\n) [^$] )*? (?<![\s\\]) \$ (?![\d$]) )
    | (?P<spaced> \$ [ ] [^$\n]+ [ ] \$ )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
# Of displays and environments only the opener is above: an opener whose closer never comes must not be searched for it.
_DISPLAYS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}
_CLOSER = re.compile(r"(?=(\$\$|\\[\])]|\\end\{\w+\*?\}))")
# `\frac{a}{b}`, `x_{n}`, `{{a}}`, `${HOME}`, `f{x}`; the last one is the optional argument of `\sqrt[3]{x}`.
_NEVER_AFTER = re.compile(r"[\w\\}_^${]\Z|\\[A-Za-z]+\*?\[[^\[\]{}\n]*\]\Z")
_LONGEST_LEAD = 80
#: Shorter names are near to too many; two letters may still have changed places.
_SHORTEST_MISSPELT = 4
_SHORTEST_SWAPPED = 2


@dataclass(frozen=True, slots=True)
class Insertion:
    """What went into a prompt: the expression, the kind of its value, and how many characters it became.

    `card` is true where a description stands for the value, instead of the value itself. With `meant`, nothing went
    in: the expression names no variable, and was left as typed; it is the one that is called almost so, empty where
    none is. With `typed`, nothing went in either: a variable's name begins
    the braces, but what follows would have to be evaluated.
    """

    expression: str
    kind: str
    size: int
    card: bool = False
    meant: str | None = None
    typed: bool = False


def interpolate(text: str, namespace: Mapping[str, Any]) -> tuple[str, tuple[Insertion, ...]]:
    r"""`text` with values put in, and what went in. Raises `ConfigError` when a lookup fails.

    ``\{name}`` stands for ``{name}`` itself.

    >>> interpolate('{n} of {"n": 1}, $x_{n}$, `{n}`, \\{n}', {"n": 3})[0]
    '3 of {"n": 1}, $x_{n}$, `{n}`, {n}'
    """
    pieces: list[str] = []
    inserted: list[Insertion] = []
    place = 0
    for start, end in _open_ranges(text):
        for match in _PLACEHOLDER.finditer(text, start, end):
            expression = match["expression"]
            brace = match.start()
            if _root(expression) not in namespace:
                meant = _meant(expression, namespace) if is_free(text, brace) else None
                if meant is not None:
                    inserted.append(Insertion(expression, "", 0, meant=meant))
                continue
            if is_free(text, brace):
                value, insertion = _render(expression, namespace)
                inserted.append(insertion)
                pieces += text[place:brace], value
            elif text[brace - 1] == "\\" and is_free(text, brace - 1):
                pieces += text[place : brace - 1], match[0]
            else:
                continue
            place = match.end()
        inserted += _as_typed(text, start, end, namespace)
    pieces.append(text[place:])
    return "".join(pieces), tuple(inserted)


def _as_typed(text: str, start: int, end: int, namespace: Mapping[str, Any]) -> list[Insertion]:
    """Braces that look as if a value was wanted, and hold more than names, attributes and subscripts."""
    found = []
    for match in _EVALUATED.finditer(text, start, end):
        expression = match["expression"]
        closed = all(expression.count(opening) == expression.count(closing) for opening, closing in ("()", "[]"))
        if closed and _root(expression) in namespace and is_free(text, match.start()):
            found.append(Insertion(expression, "", 0, typed=True))
    return found


def look_up(expression: str, namespace: Mapping[str, Any]) -> Any:
    """The value of ``name.attr[0]["key"]``, step by step; nothing is evaluated, and no method is called.

    Raises `ConfigError` naming the step that failed.
    """
    name = _root(expression)
    try:
        value = namespace[name]
    except KeyError:
        raise ConfigError(f"`{name}` is not defined", hint="run the cell that defines it") from None
    place = len(name)
    for step in _STEP.finditer(expression, place):
        try:
            value = _take(value, step, namespace)
        except ConfigError:
            raise
        except Exception as error:  # whatever somebody's attribute or container raises
            raise ConfigError(
                f"{{{expression}}}: `{expression[: step.start()]}` ({a_kind(value)}) has no "
                f"`{step[0]}` ({type(error).__name__})",
                hint=f"correct it, or write \\{{{expression}}} for the words themselves",
            ) from error
    return value


def _take(value: Any, step: re.Match[str], namespace: Mapping[str, Any]) -> Any:
    if step["attribute"]:
        return getattr(value, step["attribute"])
    inside = step["subscript"][1:-1]
    if inside[0] in "\"'":
        return value[inside[1:-1]]
    if re.fullmatch(_NUMBER, inside):
        return value[int(inside)]
    if ":" in inside:
        first, last = (int(end) if end else None for end in inside.split(":"))
        return value[first:last]
    return value[look_up(inside, namespace)]


def _meant(expression: str, namespace: Mapping[str, Any]) -> str | None:
    """The variable that the name is perhaps a misspelling of; "" for `{df}` and `{answer.text}` without one.

    None for what is more likely no name of anything: `{n}`, `{if}`.
    """
    name = _root(expression)
    known = [other for other in namespace if isinstance(other, str) and not other.startswith("_")]
    if len(name) >= _SHORTEST_SWAPPED:
        swapped = {name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in range(len(name) - 1)}
        alike = {other for other in known if other in swapped or other.lower() == name.lower()}
        near = sorted(alike) or (len(name) >= _SHORTEST_MISSPELT and difflib.get_close_matches(name, known, 1, 0.8))
        if near:
            return near[0]
        if name != expression or not keyword.iskeyword(name):
            return ""
    return None


def _render(expression: str, namespace: Mapping[str, Any]) -> tuple[str, Insertion]:
    value = look_up(expression, namespace)
    text, card = describe(expression, value)
    return text, Insertion(expression, type(value).__name__, len(text), card)


def _root(expression: str) -> str:
    name = re.match(r"\w+", expression)
    assert name is not None
    return name[0]


def is_free(text: str, place: int) -> bool:
    """True when nothing before `place` says that this brace is something else's."""
    return _NEVER_AFTER.search(text[max(0, place - _LONGEST_LEAD) : place]) is None


def _open_ranges(text: str) -> list[tuple[int, int]]:
    """The parts of `text` that are neither code nor mathematics."""
    last = {match[1]: match.start() for match in _CLOSER.finditer(text)}
    ranges = []
    place = search = 0
    while match := _PROTECTED.search(text, search):
        end = _end(text, match, last)
        search = match.start() + 1 if end is None else end
        if end is None or match["escaped"]:
            continue
        ranges.append((place, match.start()))
        place = end
    ranges.append((place, len(text)))
    return ranges


def _end(text: str, match: re.Match[str], last: Mapping[str, int]) -> int | None:
    """Where that ends which `match` is or opens; None if nothing closes it. `last`: each closer's last place."""
    if match["display"]:
        closer, start = _DISPLAYS[match["display"]], match.end() + 1  # nothing is no formula
    elif match["environment"]:
        closer, start = f"\\end{{{match['kind']}}}", match.end()
    else:
        return match.end()
    return text.index(closer, start) + len(closer) if last.get(closer, -1) >= start else None
