"""Asking a person by stdin: whether there is one, how the question reads, on which thread it is put."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from .plain import one_line, revealed, revealed_name
from .redaction import redact_known
from .sinks import resolve
from .tools.approval import Decision, Question, Remember, Wanted, nobody_to_ask
from .tools.workers import call_in_thread
from .wrapping import fold, is_terminal, width_of

if TYPE_CHECKING:
    from .pump import Pump

__all__ = ["PumpAsker", "ThreadAsker", "ask_on_stdin", "is_refused_stdin", "stdin_available"]

_ALLOW: dict[str, Remember] = {"y": "once", "yes": "once", "a": "command", "always": "command", "t": "tool"}
_DENY = ("", "n", "no", "deny")
_LIKE_YES = re.compile(
    r"(?:[yt]|ye|yes+|yeah|yep|yup|ok|okay|k|sure|fine|allow\w*|always|approved?|accept\w*|agreed?|granted"
    r"|go ahead|go on|go for it|do it|please do)\b(?! not\b|n't)"
)
_HELP = ("?", "h", "help")
#: A slip of a finger gives no reason: one or two signs that are none of the keys.
_SLIP = re.compile(r"[!-~]{1,2}")
#: What each answer does, for who asks.
_MEANINGS = """\
  y      allows this call, once
  a      allows it, and does not ask again about the very same one
  t      allows it, and every other call of {name}: none of them is asked about again
  n      denies it; the model is told so, and goes on
  words  deny it too, and tell the model why: not in this folder
"""
#: A word of the conversation that asks, such as `/undo`; not a path.
_COMMAND = re.compile(r"(?:%%?alloy\s+)?/[a-zA-Z][\w-]*(?=\s|$)")
_TRIES = 5
#: The marks of a paste, in a terminal that was told to set them.
_PASTED = re.compile(r"\x1b\[20[01]~")
_LONGEST_QUESTION = 8_000
# Two questions at one prompt would mix.
_one_question = threading.Lock()


def stdin_available() -> bool:
    """True where a person can be asked: a terminal, or a kernel whose front end allows input for this cell."""
    kernel = _kernel()
    if kernel is not None:
        return bool(getattr(kernel, "_allow_stdin", False))
    return is_terminal(sys.stdin)


def is_refused_stdin(error: BaseException) -> bool:
    """A kernel's word for a front end that lets nobody be asked. Known by its name: the kernel may not be installed."""
    return type(error).__name__ == "StdinNotImplementedError"


def _kernel() -> Any:
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None)


def ask_on_stdin(
    question: Question,
    wanted: Callable[[], bool] = lambda: True,
    settle: Callable[[Decision], None] = lambda _: None,
) -> Decision:
    """Put the question, read the answer. An unreadable stdin is a no; anything that is no key is the reason why not.

    What may be meant as a yes but is none of the keys is asked about again, and so are nothing, a slip and a command;
    `?` has told what the answers mean.
    `wanted` is asked when its turn has come: one prompt at a time, and a question may be settled meanwhile. What was
    answered is said to `settle` before the next one's turn.
    """
    with _one_question:
        if not wanted():
            return Decision(False, "the question was withdrawn", by="policy")
        decision = _put(question)
        settle(decision)
        return decision


def _put(question: Question) -> Decision:
    name = one_line(question.call.name, 60)
    answers = f"  y allow once · a always for this · t always for {name} · n deny, or say why not: "
    width = width_of(sys.stderr) if sys.stderr is not None else None
    meanings = _fit(_MEANINGS.format(name=name), width)
    prompt = f"? {whole(question)}\n{_fit(answers, width)}"
    _forget_typed()
    try:
        with _seen():
            answer = _read_clear(prompt, meanings, width)
    except EOFError:
        return _left(question)
    except Exception as error:  # noqa: BLE001 - whatever a front end's `input` raises
        if is_refused_stdin(error):
            return nobody_to_ask(question)
        # A prompt that cannot be put or read is a no, and the run goes on.
        return Decision(False, f"the question could not be put: {type(error).__name__}", by="policy")
    return read_answer(answer)


def _fit(text: str, width: int | None) -> str:
    return text if width is None else fold(text, width)


def _left(question: Question) -> Decision:
    """The end of what is typed: on a terminal a person's Ctrl-D, elsewhere nobody."""
    if _kernel() is not None or not is_terminal(sys.stdin):
        return nobody_to_ask(question)
    with suppress(AttributeError, OSError, ValueError):  # nobody has ended the line on which the question stands
        sys.stderr.write("\n")
    return read_answer("")


def _read_clear(prompt: str, meanings: str, width: int | None) -> str:
    """An answer that is a key, or a reason; after several that are neither a plain no, or what may mean a yes."""
    answer = ""
    for _ in range(_TRIES):
        answer = _PASTED.sub("", input(prompt)).strip()
        if not is_unclear(answer):
            return answer
        again = _AGAIN if _asks_for_help(answer) else f"  {_unclear_words(answer)}: {_AGAIN.lstrip()}"
        prompt = meanings * _asks_for_help(answer) + _fit(again, width)
    return "" if _is_command(answer) or _asks_for_help(answer) or _is_slip(answer) else answer


_AGAIN = "  y, a or t allows it · n denies it, or say why not: "


def _unclear_words(answer: str) -> str:
    if _is_command(answer):
        return "answer the question first"
    return f"`{one_line(answer, 40)}` is neither (? explains)" if answer else "nothing was answered (? explains)"


def _asks_for_help(answer: str) -> bool:
    return answer.lower() in _HELP


def _is_slip(answer: str) -> bool:
    word = answer.lower()
    return word not in _ALLOW and word not in _DENY and _SLIP.fullmatch(word) is not None


def _is_command(answer: str) -> bool:
    return _COMMAND.match(answer) is not None


def is_unclear(answer: str) -> bool:
    """Whether neither consent nor refusal is to be guessed of it.

    That is nothing, a command, a word for help, a slip, or what sounds like a yes without being one.

    >>> is_unclear("Yes please"), is_unclear("/undo"), is_unclear("?"), is_unclear("x")
    (True, True, True, True)
    >>> is_unclear("y"), is_unclear("/tmp/x is not yours")
    (False, False)
    """
    word = answer.strip().lower()
    if not word or _is_command(word) or _asks_for_help(word) or _is_slip(word):
        return True
    return word not in _ALLOW and _LIKE_YES.match(word) is not None


def _forget_typed() -> None:
    """What was typed before a question was put is no answer to it: on a terminal it is thrown away."""
    try:
        import termios
    except ImportError:  # Windows
        return
    try:
        if sys.stdin is not None and sys.stdin.isatty():
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    except (OSError, ValueError, termios.error):  # a stdin that is closed, or no file
        return


@contextmanager
def _seen() -> Iterator[None]:
    """A terminal that shows nothing of what is typed, as while an answer is written, shows it within."""
    try:
        import termios
    except ImportError:  # Windows
        yield
        return
    before = None
    with suppress(AttributeError, OSError, ValueError, termios.error):  # a stdin that is missing or closed, or no file
        before = termios.tcgetattr(sys.stdin.fileno())
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, [*before[:3], before[3] | termios.ECHO, *before[4:]])
    try:
        yield
    finally:
        if before is not None:
            with suppress(OSError, ValueError, termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)


def whole(question: Question) -> str:
    """The question and all arguments to their last character: nothing may hide from who allows the call.

    The two halves of an edit are told as a diff, with every line of both.
    """
    lines = [_shown(" · ".join(_who_and_what(question)))]
    change = resolve("change_asked_for")(question.call.input, _LONGEST_QUESTION)
    for name, value in question.call.input.items():
        if name in change.told:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
        if f"`{text}`" not in question.reason:
            lines.append(f"{revealed_name(name)}: {_shown(text)}")
    if change.lines:
        lines.append("the change:\n        " + _shown("\n".join(change.lines)))
    return "\n    ".join(lines)


def _who_and_what(question: Question) -> Iterator[str]:
    """The agent, where it has a name; the tool, unless the reason names it; the reason."""
    if question.agent is not None:
        yield revealed_name(question.agent)
    name = one_line(question.call.name, 60)
    yield question.reason if name in question.reason else f"{name}: {question.reason}"


def _shown(text: str) -> str:
    shown = redact_known(revealed(text))
    if len(shown) > _LONGEST_QUESTION:
        left_out = len(shown) - _LONGEST_QUESTION
        shown = f"{shown[:_LONGEST_QUESTION]}\n… AND {left_out:,} MORE CHARACTERS THAT ARE NOT SHOWN HERE"
    # Further in than the arguments stand: no line of a text looks like an argument.
    return shown.replace("\n", "\n        ")


def read_answer(answer: str) -> Decision:
    """What a typed answer means.

    >>> read_answer("a").remember
    'command'
    >>> read_answer("not in this folder").reason
    'not in this folder'
    """
    word = answer.strip().lower()
    if word in _ALLOW:
        return Decision(allowed=True, remember=_ALLOW[word])
    return Decision(False, "the user said no" if word in _DENY else answer.strip())


class PumpAsker:
    """Asks on the thread that waits for the run: the caller's own, where an interrupt lands too."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump

    async def ask(self, question: Question, wanted: Wanted) -> Decision:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decision] = loop.create_future()

        def job() -> None:
            try:
                decision = ask_on_stdin(question, lambda: wanted() and not future.cancelled(), wanted.settle)
            except KeyboardInterrupt:
                # The run that asked ends with its question, whoever's pump the question was put in.
                loop.call_soon_threadsafe(future.cancel)
                raise
            loop.call_soon_threadsafe(_settle, future, decision)

        self._pump.submit(job)
        return await future


class ThreadAsker:
    """Asks from a thread of its own: for awaited runs, whose loop must go on."""

    async def ask(self, question: Question, wanted: Wanted) -> Decision:
        gone = threading.Event()

        def put() -> Decision:
            return ask_on_stdin(question, lambda: wanted() and not gone.is_set(), wanted.settle)

        settling = call_in_thread(put, "approval")
        try:
            return cast(Decision, await settling.future)
        finally:
            gone.set()


def _settle(future: asyncio.Future[Decision], decision: Decision) -> None:
    if not future.done():
        future.set_result(decision)
