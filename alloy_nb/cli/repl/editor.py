"""What a person types, on a terminal that can edit: history, completion, several lines."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import is_searching
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from ...plain import printable
from ...redaction import redact
from .ahead import split_typed, take_typed
from .completing import Offer
from .reading import MARK, PATIENCE, make_private

__all__ = ["Editor"]


class Editor:
    """Reads one text at a time. Enter sends it, Alt-Enter is a new line, and so is Enter within a paste.

    `history` is the file of what was typed before, kept private; where it cannot be written, nothing is kept. Lines
    that were typed ahead are texts of their own, and `say` shows them; the last one, if not ended, may be edited.
    """

    def __init__(
        self, offers: Callable[[str], Sequence[Offer]], history: Path, say: Callable[[str], None] = print
    ) -> None:
        self._say = say
        self._ahead: deque[str] = deque()
        self._begun = ""
        self._session: PromptSession[str] = PromptSession(
            history=_Kept(str(history)) if make_private(history) else InMemoryHistory(),
            completer=_Completer(offers),
            complete_while_typing=False,
            multiline=True,
            prompt_continuation=lambda width, *_: ".".ljust(width),
            key_bindings=_keys(),
            enable_suspend=True,
        )

    def read(self) -> str:
        entries, begun = split_typed(take_typed())
        self._ahead.extend(entries)
        self._begun += begun
        if self._ahead:
            return self._next_ahead()
        begun, self._begun = self._begun, ""
        # While a line is edited Ctrl-C is a key. As a signal it comes before or after that, and an exception in the
        # midst of prompt_toolkit's beginning or ending would leave it broken.
        return self._session.prompt(MARK, default=begun, handle_sigint=False)

    def forget(self) -> bool:
        """Leave out what was typed ahead; False where nothing was."""
        there = bool(self._ahead)
        self._ahead.clear()
        return there

    def _next_ahead(self) -> str:
        text = self._ahead.popleft()
        if text.lstrip().startswith("/login"):  # what follows may be a key: it is no question
            self.forget()
        self._say(MARK + redact(printable(text)))
        self._session.history.append_string(text)
        return text


class _Kept(FileHistory):
    """Keys are not kept; nor is a login, whose words may be one.

    A file that went away is made anew, as private as before; one that cannot be read or written is no reason to lose
    what is typed: then that is kept while the conversation lasts.
    """

    def load_history_strings(self) -> Iterable[str]:
        try:
            return list(super().load_history_strings())
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        if string.lstrip().startswith("/login") or not make_private(Path(os.fsdecode(self.filename))):
            return
        with suppress(OSError):
            super().store_string(redact(string))


class _Completer(Completer):
    def __init__(self, offers: Callable[[str], Sequence[Offer]]) -> None:
        self._offers = offers

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        for offer in self._offers(document.text_before_cursor):
            yield Completion(offer.text, -offer.replaces, display_meta=offer.help)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~is_searching)
    def _(event: KeyPressEvent) -> None:
        """Send, unless more follows at once: terminals without bracketed paste type what is pasted."""
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_state = None
            return
        processor = event.key_processor

        def send() -> None:
            processor.before_key_press.remove_handler(go_on)
            buffer.validate_and_handle()

        def go_on(_: Any) -> None:
            handle.cancel()
            processor.before_key_press.remove_handler(go_on)
            buffer.insert_text("\n")

        handle = asyncio.get_running_loop().call_later(PATIENCE, send)
        processor.before_key_press.add_handler(go_on)

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c", filter=~is_searching)
    def _(event: KeyPressEvent) -> None:
        """As prompt_toolkit's own, but a second one, while the first is on its way, is no error."""
        if event.app.future is not None and not event.app.future.done():
            event.app.exit(exception=KeyboardInterrupt(), style="class:aborting")

    return keys
