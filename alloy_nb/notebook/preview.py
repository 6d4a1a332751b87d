"""What ``--show`` prints: everything that would leave this machine, before it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..context.condensed import Condensed
from ..context.meter import measure
from ..context.surroundings import Surroundings
from ..counting import counted
from ..messages import Message
from ..plain import one_line, printable
from ..redaction import redact_known
from .interpolation import Insertion

__all__ = ["list_insertions", "preview"]


def list_insertions(inserted: Iterable[Insertion]) -> list[str]:
    """What went into a prompt, one line each.

    >>> list_insertions([Insertion("sales", "DataFrame", 412, card=True)])
    ['sales: DataFrame, described in 412 characters']
    """
    lines = []
    for item in inserted:
        if item.meant is not None:
            near = f", did you mean {{{item.meant}}}?" if item.meant else ""
            lines.append(f"{{{item.expression}}} as typed: no such variable{near}")
            continue
        if item.typed:
            lines.append(f"{{{item.expression}}} as typed: only names, attributes and [...] are filled in")
            continue
        size = counted(item.size, "character")
        lines.append(f"{item.expression}: {item.kind}, {'described in ' if item.card else ''}{size}")
    return lines


def preview(
    text: str,
    inputs: Sequence[str],
    options: Mapping[str, Any],
    history: Sequence[Message],
    around: Surroundings | None = None,
    *,
    view: Condensed | None = None,
    factor: float = 1.0,
) -> str:
    """The prompt exactly as it would be sent, and what goes with it: the system prompt whole, where it was found.

    Tokens are counted as `/context` does it: of the history what is sent of it (`view`), corrected by `factor`.
    """
    around = around or Surroundings()
    base = str(options.get("system_prompt") or "")
    system = around.prompt(base) or ""
    earlier = measure("", 0, history, view=view, factor=factor).used
    total = earlier + measure("", 0, [Message.user(text)], system_prompt=system, factor=factor).used
    lines = ["Prompt:", _indented(redact_known(text))]
    for label, rows in (("Variables", inputs), ("Options", _option_rows(options)), ("Context", around.inputs)):
        if rows:
            lines += [f"{label}:", *(f"  {row}" for row in rows)]
    lines += [f"Not read: {one_line(problem, 300)}" for problem in around.problems]
    if system != base:
        lines += ["System prompt:", _indented(redact_known(system))]
    if history:
        lines.append(f"Earlier in this conversation: {len(history)} messages, about {earlier:,} tokens")
    lines.append(f"About {total:,} tokens in all, tools not counted.")
    lines.append("Nothing was sent.")
    return "\n".join(lines)


#: What these bring is shown itself.
_ELSEWHERE = ("context_discovery", "skills")


def _option_rows(options: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {_told(value)}" for name, value in options.items() if name not in _ELSEWHERE]


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_told(item) for item in value)
    if isinstance(value, str):
        return one_line(redact_known(printable(value)), 200)
    name = getattr(value, "name", None) if not isinstance(value, type) else None
    return one_line(str(name or getattr(value, "__name__", None) or value), 200)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in printable(text).split("\n"))
