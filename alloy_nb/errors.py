"""Every error that alloy_nb raises, in one tree.

AlloyError
├── ConfigError            an option, model, key or environment that cannot work
├── ProviderError          the model's service failed; carries status, request_id, body
│   ├── AuthError              no key, a wrong key, or no right to the model
│   ├── BadRequestError        the service refused the request as it was sent
│   │   └── ContextOverflowError   the conversation is longer than the model's window
│   ├── ContentFilterError     the service refused the content
│   ├── RateLimitError         too many requests, or a quota is used up
│   ├── OverloadedError        the service has no capacity at the moment
│   ├── ServerError            the service broke (5xx)
│   ├── StreamError            the answer was cut short or could not be understood
│   └── ProviderTimeout        nothing came within the time allowed
├── ToolError              a tool's message to the model
├── OutputError            the answer never matched the `output` type
├── BudgetExceeded         a budget of tokens, money or tool calls is used up
├── DeadlineExceeded       the run's `timeout` passed
├── Crashed                a provider, a middleware or alloy_nb itself broke, by an error of no kind of these
├── Halted                 a middleware ended the run
├── Cancelled              the run was cancelled by `run.cancel()` or an interrupt
├── Busy                   the agent is at work and takes no queue
│   └── QueueFull          … and its queue is full
└── SessionError           a stored session cannot be read or written
    └── SessionConflict        … since somebody else goes on with it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .plain import printable
from .redaction import redact

if TYPE_CHECKING:
    from .result import Result

__all__ = [
    "AlloyError",
    "AuthError",
    "BadRequestError",
    "BudgetExceeded",
    "Busy",
    "Cancelled",
    "ConfigError",
    "ContentFilterError",
    "ContextOverflowError",
    "Crashed",
    "DeadlineExceeded",
    "Halted",
    "OutputError",
    "OverloadedError",
    "ProviderError",
    "ProviderTimeout",
    "QueueFull",
    "RateLimitError",
    "ServerError",
    "SessionConflict",
    "SessionError",
    "StreamError",
    "ToolError",
]


class AlloyError(Exception):
    """Base of all errors here: a message, a `hint` (what to do) and, where a run failed, its `result`.

    The hint is a note of the exception as well, so that Python's own traceback ends with it.

    >>> str(AlloyError("no such file", hint="check the path"))
    'no such file'
    """

    #: What to do when the raiser named nothing better.
    default_hint: str | None = None

    def __init__(self, message: str = "", *, hint: str | None = None, result: Result | None = None) -> None:
        # A message may quote what a user, a service or a model wrote: a key in the wrong place, or what steers a
        # terminal, which a traceback would reach.
        super().__init__(redact(printable(message)))
        self._hint: str | None = None
        self.hint = hint if hint is not None else self.default_hint
        self.result = result

    @property
    def hint(self) -> str | None:
        """What to do; None where nobody knows."""
        return self._hint

    @hint.setter
    def hint(self, hint: str | None) -> None:
        # A new list each time: a copy of an error shares its notes with it.
        notes = [note for note in getattr(self, "__notes__", ()) if note != self._note()]
        self._hint = redact(printable(hint)) if hint is not None else None
        if (note := self._note()) is not None:
            notes.insert(0, note)
        self.__notes__ = notes

    def __reduce__(self) -> tuple[Any, ...]:
        # Without `__init__`: one of another package may take what nobody knows here.
        return _made_again, (type(self), self.args, self.__dict__)

    def _note(self) -> str | None:
        return f"Hint: {self._hint}" if self._hint else None

    @property
    def message(self) -> str:
        """What happened, without the hint."""
        return str(self.args[0]) if self.args else ""

    def _render_traceback_(self, *_: Any) -> list[str]:
        """IPython shows these lines instead of a traceback; the cell still ends in error."""
        # Of the notes only what is ours: others add theirs, such as the line of a test that failed.
        note = self._note()
        return [f"{type(self).__name__}: {self.message}", *([note] if note else [])]


def _made_again(kind: type[AlloyError], args: tuple[Any, ...], state: dict[str, Any]) -> AlloyError:
    """The error that was copied or pickled."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ConfigError(AlloyError):
    """An option, model, key or environment that cannot work."""

    default_hint = "`alloy doctor` shows what is set and what is found"


class ProviderError(AlloyError):
    """The model's service failed.

    `status` is the HTTP status where there was one, `request_id` the vendor's own id, `retry_after` seconds the
    service asked us to wait, `body` its answer (bounded, secrets removed), `retryable` whether trying again can help.
    """

    retryable_by_default = False
    default_hint = "the service may be busy: try again later, or ask another model"

    def __init__(
        self,
        message: str = "",
        *,
        hint: str | None = None,
        result: Result | None = None,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        body: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, hint=hint, result=result)
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.body = body
        self.retryable = self.retryable_by_default if retryable is None else retryable


class AuthError(ProviderError):
    """No key, a wrong key, or no right to the model."""

    default_hint = "check the provider's API key: `alloy doctor` shows which keys are seen"


class BadRequestError(ProviderError):
    """The service refused the request as it was sent."""

    default_hint = (
        "the service says why: change what was asked, or the options that it names; in a notebook `%%alloy --show` "
        "prints what would be sent"
    )


class ContextOverflowError(BadRequestError):
    """The conversation is longer than the model's context window."""

    default_hint = "start a fresh conversation, or choose a model with a larger window"


class ContentFilterError(ProviderError):
    """The service refused the content."""

    default_hint = "ask in other words, or ask another model"


class RateLimitError(ProviderError):
    """Too many requests, or a quota is used up (then `retryable` is False)."""

    retryable_by_default = True
    default_hint = "wait a little, or use a model or key with a higher limit"


class OverloadedError(ProviderError):
    """The service has no capacity at the moment."""

    retryable_by_default = True
    default_hint = "the service is busy: try again in a moment"


class ServerError(ProviderError):
    """The service broke, or could not be reached."""

    retryable_by_default = True
    default_hint = "the trouble is the service's, not yours: try again in a moment, or name a `fallback`"


class StreamError(ProviderError):
    """The answer was cut short or could not be understood."""

    retryable_by_default = True
    default_hint = "the connection was cut or the service sent something broken: try again"


class ProviderTimeout(ProviderError):
    """Nothing came from the service within `request_timeout`."""

    retryable_by_default = True
    default_hint = "raise `request_timeout`, or try a faster model"


class ToolError(AlloyError):
    """A tool's message to the model: raise it in a tool to say what went wrong."""

    default_hint = "a model reads it and goes on; where it reaches you, the tool was called outside a run"


class OutputError(AlloyError):
    """The answer never matched the `output` type."""

    default_hint = "use a simpler type or a stronger model, or raise `output_retries`"


class BudgetExceeded(AlloyError):
    """A budget of tokens, money or tool calls is used up."""

    default_hint = "give a larger Budget, or ask for less in one run"


class DeadlineExceeded(AlloyError):
    """The run's `timeout` passed."""

    default_hint = "raise `timeout`, or ask for less in one run"


class Crashed(AlloyError):
    """Code that a run stands on broke: a provider, a middleware, a hook, alloy_nb itself. `__cause__` is its error."""

    default_hint = (
        "a provider, a middleware or a hook raised it, and its `__cause__` says where: mend it there; where no code of "
        "yours is in it, please report it"
    )


class Halted(AlloyError):
    """A middleware ended the run."""

    default_hint = "its middleware says why: mend that, or run without it"


class Cancelled(AlloyError):
    """The run was cancelled; `result` holds what was there by then."""

    default_hint = "ask again; what there was by then is in `result`"


class Busy(AlloyError):
    """The agent is at work and takes no queue."""

    default_hint = (
        "wait for its run, stop it by `agent.cancel()`, or queue prompts by `agent.send`: Agent(max_pending=...)"
    )


class QueueFull(Busy):
    """The agent is at work and its queue is full."""

    default_hint = "wait for the runs that are queued, or let more of them wait: Agent(max_pending=...)"


class SessionError(AlloyError):
    """A stored session cannot be read or written."""

    default_hint = "look at its store: whether it is there, whole, and may be read and written"


class SessionConflict(SessionError):
    """Somebody else has stored something in a session since it was opened here."""

    default_hint = (
        "open it again to go on from there: by /resume NAME in a conversation; in Python by a new Agent(session=...), "
        "or alloy.run with that session"
    )
