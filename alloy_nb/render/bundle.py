"""A run in every form at once, as Jupyter keeps an output."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, cast

from ..options import RECORDS, wrong_choice
from .clean import shorten
from .html import frozen_html, unfinished_html
from .quoted import to_markdown
from .text import to_text
from .wording import unfinished_words

if TYPE_CHECKING:
    from .blocks import Transcript

__all__ = ["RECORD_MIME", "Kept", "bundle", "record_kept", "unfinished_bundle"]

RECORD_MIME = "application/vnd.alloy.run+json"

#: How much of the run record is kept.
Kept = Literal["full", "summary", "off"]

_LONGEST_PLAIN = 10_000

#: A summary keeps what happened, not all that was said by tools.
_SUMMARY_BYTES = 16_000


def bundle(transcript: Transcript, *, static: bool = False, record: Kept = "off") -> dict[str, Any]:
    """MIME type -> data: HTML, Markdown, plain text and, when asked for, the run record.

    `static` leaves out all that differs from run to run (times). A ``"full"`` record holds the messages too and is
    at most 256 kB, a ``"summary"`` the blocks only, at most 16 kB.

    >>> from alloy_nb.render.blocks import Transcript
    >>> sorted(bundle(Transcript(), static=True))
    ['text/html', 'text/markdown', 'text/plain']
    """
    data: dict[str, Any] = {
        "text/html": frozen_html(transcript, static=static),
        "text/markdown": to_markdown(transcript, static=static),
        "text/plain": _plain(to_text(transcript, static=static), whole=static),
    }
    if record == "full":
        data[RECORD_MIME] = transcript.record()
    elif record == "summary":
        data[RECORD_MIME] = transcript.record(messages=False, limit=_SUMMARY_BYTES)
    return data


def unfinished_bundle(run_id: str, session: str | None = None) -> dict[str, Any]:
    """What stands in a notebook in place of a run, or a team, until it is over; `session` is where it is stored.

    >>> unfinished_bundle("r1")["text/plain"]
    'this run did not finish here; while its kernel lives, `%alloy /attach r1` shows it'
    """
    return {"text/html": unfinished_html(run_id, session), "text/plain": unfinished_words(run_id, session)}


def _plain(text: str, *, whole: bool) -> str:
    """The form for places that show no other: of a long text its beginning and end, the Markdown has all of it."""
    return text if whole else shorten(text, _LONGEST_PLAIN)


def record_kept(asked: str | None, default: Kept) -> Kept:
    """How much of the record goes into the notebook: ``ALLOY_RECORD``, else the run's option, else `default`.

    Raises `ConfigError` for a word that is none of the three.
    """
    for name, word in (("ALLOY_RECORD", os.environ.get("ALLOY_RECORD", "").strip().lower()), ("record", asked)):
        if word and word not in RECORDS:
            raise wrong_choice(name, word, RECORDS)
        if word:
            return cast("Kept", word)
    return default
