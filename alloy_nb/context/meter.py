"""What fills a model's window: a value, and how it is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..counting import counted
from ..messages import Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from ..plain import one_line
from ..providers.base import ToolSpec
from .condensed import Condensed
from .estimate import AROUND, part_tokens, text_tokens, tool_tokens

__all__ = ["ContextUsage", "measure"]

_WORDS = {
    "system": "system prompt",
    "files": "context files",
    "skills": "skills",
    "tools": "tools",
    "prompts": "what you said",
    "answers": "answers",
    "thinking": "thinking",
    "calls": "calls of tools",
    "results": "results of tools",
    "media": "pictures and files",
    "notes": "summary of what is left out",
}
_WIDE = 24


@dataclass(frozen=True, slots=True, repr=False)
class ContextUsage:
    """About how many tokens the next question is sent with, and of what kind they are; shown, a table.

    `window` is how many the model reads. `messages` counts the conversation's messages; of those, `omitted` are not
    sent (`notes` stands for them), and `condensed` may be sent shorter. Counts are estimates, corrected by what the
    service has reported so far where it is `calibrated`.

    >>> usage = ContextUsage("openai:gpt-5.2", 400_000, system=1000, prompts=3000, messages=4)
    >>> usage.used, usage.free, usage.share
    (4000, 396000, 0.01)
    """

    model: str
    window: int
    system: int = 0
    files: int = 0
    skills: int = 0
    tools: int = 0
    prompts: int = 0
    answers: int = 0
    thinking: int = 0
    calls: int = 0
    results: int = 0
    media: int = 0
    notes: int = 0
    messages: int = 0
    condensed: int = 0
    omitted: int = 0
    calibrated: bool = False

    @property
    def used(self) -> int:
        """All of it together."""
        return sum(count for _, count in self.kinds())

    @property
    def free(self) -> int:
        """What is left of the window, the answer's part included; never below 0."""
        return max(0, self.window - self.used)

    @property
    def share(self) -> float:
        """How much of the window is filled, 1.0 for all of it."""
        return self.used / self.window if self.window else 1.0

    def kinds(self) -> Iterator[tuple[str, int]]:
        """Each kind with its tokens, in the order in which they are told."""
        return ((name, getattr(self, name)) for name in _WORDS)

    def _rows(self) -> list[tuple[str, int]]:
        return [*((_WORDS[name], count) for name, count in self.kinds() if count), ("free", self.free)]

    def _head(self) -> str:
        return f"{one_line(self.model, 80)}: about {self.used:,} of {self.window:,} tokens ({self.share:.0%})"

    def _facts(self) -> str:
        told = counted(self.messages, "message")
        if self.condensed:
            brief = self.condensed - self.omitted
            told += (
                f": {self.omitted} left out and {brief} perhaps in brief where they are sent; none is forgotten here"
            )
        return told + ("" if self.calibrated else "; estimated before the service has counted any")

    def __str__(self) -> str:
        bar = round(min(1.0, self.share) * _WIDE)
        lines = [self._head(), f"  [{'#' * bar}{'.' * (_WIDE - bar)}]"]
        wide = max(len(label) for label, _ in self._rows())
        lines += [f"  {label:<{wide}} {count:>11,}" for label, count in self._rows()]
        return "\n".join([*lines, f"  {self._facts()}"])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        rows = [f"| {label} | {count:,} |" for label, count in self._rows()]
        model = self.model.replace("`", "'")
        head = f"`{one_line(model, 80)}`: about {self.used:,} of {self.window:,} tokens ({self.share:.0%})"
        return "\n".join([head, "", "| | tokens |", "|---|--:|", *rows, "", self._facts()])


def measure(
    model: str,
    window: int,
    history: Sequence[Message],
    *,
    view: Condensed | None = None,
    system_prompt: str | None = None,
    files: str | None = None,
    skills: str | None = None,
    tools: Iterable[ToolSpec] = (),
    factor: float = 1.0,
) -> ContextUsage:
    """Count what would be sent of a history, each kind corrected by `factor`; files and skills as it reads them.

    >>> measure("m", 1000, [Message.user("four"), Message.assistant("five more")]).used
    11
    """
    sent = history if view is None else view.view(history)
    counts = dict.fromkeys(_WORDS, 0)
    counts["system"], counts["tools"] = text_tokens(system_prompt), sum(map(tool_tokens, tools))
    counts["files"], counts["skills"] = text_tokens(files), text_tokens(skills)
    for place, message in enumerate(sent):
        note = view is not None and place == view.note
        own = "notes" if note else "answers" if message.role == "assistant" else "prompts"
        kinds = [own if note else _kind_of(part, own) for part in message.parts]
        for kind, part in zip(kinds, message.parts, strict=True):
            pictures = sum(map(part_tokens, part.images)) if isinstance(part, ToolResult) else 0
            counts["media"] += pictures
            counts[kind] += part_tokens(part) - pictures
        counts[kinds[0] if kinds else own] += AROUND
    corrected = {kind: round(count * factor) for kind, count in counts.items()}
    condensed, omitted = (0, 0) if view is None or view.whole else (view.upto, view.omitted)
    return ContextUsage(
        model,
        window,
        **corrected,
        messages=len(history),
        condensed=condensed,
        omitted=omitted,
        calibrated=factor != 1.0,
    )


def _kind_of(part: Part, own: str) -> str:
    match part:
        case Text():
            return own
        case Thinking():
            return "thinking"
        case ToolCall():
            return "calls"
        case ToolResult():
            return "results"
        case Opaque():
            return own
    return "media"
