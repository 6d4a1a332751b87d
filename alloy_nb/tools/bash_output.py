"""A command's output as it comes: its start and its end for the model, all of it kept, and told as progress."""

from __future__ import annotations

import asyncio
import codecs
from typing import TYPE_CHECKING

from .context import ToolContext
from .paths import looks_binary

if TYPE_CHECKING:
    from .kept import KeptOutput, KeptOutputs

__all__ = ["MAX_OUTPUT", "MAX_PROGRESS", "OutputWindow", "Progress"]

#: Bytes of output that the model gets, half from the start and half from the end.
MAX_OUTPUT = 30_000
#: Characters of output told as progress; the rest is in the result.
MAX_PROGRESS = 100_000

#: Seconds between two pieces of progress.
_PROGRESS_EVERY = 0.1
_SAMPLE = 8192


class OutputWindow:
    """The start and the end of a stream of bytes, however long it is. What is too long is kept whole in `outputs`."""

    def __init__(self, outputs: KeptOutputs | None = None) -> None:
        self.total = 0
        self.kept: KeptOutput | None = None
        self._outputs = outputs
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head = bytearray()
        self._tail = bytearray()

    @property
    def truncated(self) -> bool:
        return self.total > MAX_OUTPUT

    def add(self, data: bytes) -> None:
        self.total += len(data)
        if self.truncated and self._outputs is not None:
            self._keep(self._outputs, data)
        room = MAX_OUTPUT // 2 - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 4 * MAX_OUTPUT:
            del self._tail[: -MAX_OUTPUT // 2]

    def close(self) -> None:
        """Nothing more comes."""
        if self.kept is not None:
            self.kept.write(self._decoder.decode(b"", final=True))
            self.kept.close()

    def discard(self) -> None:
        """Nobody will be told of it."""
        if self.kept is not None:
            self.kept.give_up("its command was given up")

    def text(self) -> str:
        """What the model gets."""
        text = self._cut() if self.truncated else (self._head + self._tail).decode("utf-8", "replace")
        if looks_binary(bytes(self._head[:_SAMPLE])):
            text += "\n(binary output: what is no text is shown as \ufffd)"
        return text

    def _cut(self) -> str:
        # Neither cut may leave half a character.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        head = decoder.decode(bytes(self._head))
        shown = len(self._head) - len(decoder.getstate()[0])
        tail = self._tail[-MAX_OUTPUT // 2 :]
        while tail and tail[0] & 0xC0 == 0x80:
            del tail[0]
        left_out = self.total - shown - len(tail)
        where = self.kept.notice(head) if self.kept is not None else ""
        notice = f"\n... (output truncated): {left_out} bytes are left out here{where}\n"
        return head + notice + tail.decode("utf-8", "replace")

    def _keep(self, outputs: KeptOutputs, data: bytes) -> None:
        if self.kept is None:
            self.kept = outputs.begin()
            data = bytes(self._head + self._tail) + data  # until now that was all
        if not self.kept.full:
            self.kept.write(self._decoder.decode(data))


class Progress:
    """Tells output as it comes, a batch at a time."""

    def __init__(self, ctx: ToolContext) -> None:
        self._ctx = ctx
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._batch: list[str] = []
        self._room = MAX_PROGRESS
        self._timer: asyncio.TimerHandle | None = None

    def add(self, data: bytes) -> None:
        if self._room <= 0:
            return
        text = self._decoder.decode(data)[: self._room]
        self._room -= len(text)
        self._batch.append(text if self._room else text + "\n... (the end is in the result)\n")
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PROGRESS_EVERY, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text = "".join(self._batch)
        self._batch.clear()
        if text:
            self._ctx.progress(text)
