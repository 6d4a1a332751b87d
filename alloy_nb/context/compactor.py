"""When a conversation is sent in brief, and how: a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..keywords import keywords_told

if TYPE_CHECKING:
    from ..messages import Message
    from ..providers.base import Provider

__all__ = ["Compactor"]


@keywords_told
@dataclass(frozen=True, slots=True, repr=False)
class Compactor:
    """Has a conversation that fills its model's window sent in brief; the conversation itself stays as it is.

    When what would be sent, with room for the answer, fills the share `at` of the window, what is old is sent shorter:
    results of tools first, then long texts, large arguments and pictures; then the oldest messages are left out, or,
    with a model (or its name) as `summarize`, summed up by it. The first request and the last `keep` messages are sent
    whole as long as they fit. So it goes too when a service reports that a conversation is too long for it.

    `on_compaction(messages, before)` is called first: with the messages that are about to be sent shorter or not at
    all, and with all that were sent until now. It may be async; what it raises is logged and changes nothing.

    >>> Compactor(keep=4)
    Compactor(keep=4)
    """

    at: float = 0.9
    keep: int = 10
    summarize: str | Provider | None = None
    on_compaction: Callable[[tuple[Message, ...], tuple[Message, ...]], Any] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.at, bool) or not isinstance(self.at, int | float) or not 0 < self.at <= 1:
            raise ConfigError(f"at is {self.at!r}", hint="give a share of the window: Compactor(at=0.9)")
        if isinstance(self.keep, bool) or not isinstance(self.keep, int) or self.keep < 1:
            raise ConfigError(f"keep is {self.keep!r}", hint="give a number of messages, 1 or more: Compactor(keep=10)")
        if self.on_compaction is not None and not callable(self.on_compaction):
            raise ConfigError(
                f"on_compaction is {self.on_compaction!r}", hint="give a function of two arguments (messages, before)"
            )
        given = self.summarize
        if not (given is None or isinstance(given, str) or hasattr(given, "stream") or hasattr(given, "complete")):
            raise ConfigError(
                f"summarize is {self.summarize!r}",
                hint="give a model: Compactor(summarize='anthropic:claude-haiku-4-5'), or a Provider",
            )

    def __repr__(self) -> str:
        given = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        return f"Compactor({', '.join(f'{name}={value!r}' for name, value, usual in given if value != usual)})"
