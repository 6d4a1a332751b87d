"""What a service's error means: from status, headers and body to the error tree, by tables."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import (
    AuthError,
    BadRequestError,
    ContentFilterError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
)
from ..models import nearest_model
from ..redaction import redact
from ._payload import load_json

__all__ = [
    "Failure",
    "Vocabulary",
    "make_error",
    "read_failure",
    "request_id",
    "retry_after",
]

#: Bounds of what an error shows, in characters.
LONGEST_MESSAGE = 1000
LONGEST_BODY = 2048

_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "mistral-correlation-id", "x-ds-trace-id")

_BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthError,
    402: RateLimitError,
    403: AuthError,
    408: ProviderTimeout,
    409: ServerError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}

# A service's own word for what is wrong, which says more than the status …
_BY_CODE: dict[str, type[ProviderError]] = {
    "context_length_exceeded": ContextOverflowError,
    "exceed_context_size_error": ContextOverflowError,
    "content_filter": ContentFilterError,
    "content_policy_violation": ContentFilterError,
    "responsibleaipolicyviolation": ContentFilterError,
    "authentication_error": AuthError,
    "invalid_api_key": AuthError,
    "permission_error": AuthError,
}
# … and what stands in for the status where an error has none, inside a stream.
_BY_CODE_ALONE: dict[str, type[ProviderError]] = {
    "rate_limit_exceeded": RateLimitError,
    "rate_limit_error": RateLimitError,
    "overloaded_error": OverloadedError,
    "server_error": ServerError,
    "invalid_request_error": BadRequestError,
}

_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_UNKNOWN_MODEL_CODES = frozenset({"model_not_found", "invalid_model", "deploymentnotfound"})
_UNKNOWN_MODEL_WORDS = ("valid model", "invalid model", "model names", "model not found")

# Several services give no code for these. The words only choose between classes that are never retried.
_BY_WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("maximum context length", ContextOverflowError),
    ("max context length", ContextOverflowError),
    ("context size", ContextOverflowError),
    ("context window", ContextOverflowError),
    ("prompt is too long", ContextOverflowError),
    ("incorrect api key", AuthError),
    ("invalid api key", AuthError),
    ("content violates usage guidelines", ContentFilterError),
)
_BY_WORDS_STATUSES = frozenset({400, 403, 413, 422})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One service's words for what went wrong, where they differ from everybody's.

    `codes` (in lower case) say more than a status does; `codes_alone` stand in for one inside a stream; `words`
    are phrases of messages, in lower case, for errors that the service gives no code: they only choose between
    classes that are never retried. `statuses` are meanings of a status. `quota` are codes that waiting will not mend.
    """

    codes: Mapping[str, type[ProviderError]] = field(default_factory=dict)
    codes_alone: Mapping[str, type[ProviderError]] = field(default_factory=dict)
    words: tuple[tuple[str, type[ProviderError]], ...] = ()
    statuses: Mapping[int, type[ProviderError]] = field(default_factory=dict)
    quota: frozenset[str] = frozenset()


_HINTS: dict[int, str] = {
    402: "the account has no credit left: add some, or use another model or key",
    413: "the request is too large: send less text or smaller files",
}
_QUOTA_HINT = "the quota or credit is used up: waiting will not help, check the plan and billing"
_MODEL_HINT = "check the model's name in the service's own list of models"
_ADDRESS_HINT = "check the base_url: nothing answers at this path"


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error body says. `codes` are the service's own words for it, in lower case."""

    message: str = ""
    codes: frozenset[str] = frozenset()
    status: int | None = None
    retry_after: float | None = None


def read_failure(body: Any) -> Failure:
    """Understand an error body: text, or JSON of any of the shapes in use. It never raises.

    >>> read_failure('{"error": {"message": "no", "type": "invalid_request_error", "code": 400}}')
    Failure(message='no', codes=frozenset({'invalid_request_error'}), status=400, retry_after=None)
    """
    if isinstance(body, str):
        parsed = load_json(body)
        if parsed is None:
            return Failure(_plain(body))
        body = parsed
    if isinstance(body, list):
        return read_failure(body[0]) if body and isinstance(body[0], Mapping) else Failure(_as_text(body))
    if not isinstance(body, Mapping):
        return Failure("" if body is None else str(body))
    inner = body.get("error")
    if isinstance(inner, Mapping):
        return _read_object(inner, outer=body)
    if isinstance(inner, str):
        return Failure(inner, _codes(body), _status(body))
    return _read_object(body, outer=body)


def _read_object(error: Mapping[str, Any], outer: Mapping[str, Any]) -> Failure:
    message = next((error[key] for key in ("message", "detail", "msg") if error.get(key)), "")
    nested = _nested(error)
    text = _as_text(message)
    if nested.message and nested.message not in text:
        text = f"{text}: {nested.message}" if text else nested.message
    codes = _codes(error) | _codes(outer) | nested.codes
    status = _status(error) or _status(outer) or nested.status
    return Failure(text, codes, status, _delay(error) if nested.retry_after is None else nested.retry_after)


def _nested(error: Mapping[str, Any]) -> Failure:
    """A gateway hands on what the service behind it said; Azure says the reason in an inner error."""
    metadata = error.get("metadata")
    if isinstance(metadata, Mapping) and isinstance(metadata.get("raw"), str) and metadata["raw"]:
        return read_failure(metadata["raw"])
    inner = error.get("innererror")
    return Failure(codes=_codes(inner)) if isinstance(inner, Mapping) else Failure()


def _codes(error: Mapping[str, Any]) -> frozenset[str]:
    words = [error.get(key) for key in ("code", "type", "status")]
    # Google says the finer reason in the details.
    words += [detail.get("reason") for detail in _details(error)]
    return frozenset(word.lower() for word in words if isinstance(word, str) and word)


def _details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = error.get("details")
    return [detail for detail in details if isinstance(detail, Mapping)] if isinstance(details, list) else []


def _delay(error: Mapping[str, Any]) -> float | None:
    """Seconds to wait, where the body says it: Google's ``{"retryDelay": "48s"}``, OpenRouter's reset in ms."""
    for detail in _details(error):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s"):
            return _number(delay[:-1])
    metadata = error.get("metadata")
    headers = metadata.get("headers") if isinstance(metadata, Mapping) else None
    reset = headers.get("X-RateLimit-Reset") if isinstance(headers, Mapping) else None
    moment = _number(str(reset)) if reset else None
    return None if moment is None else max(0.0, moment / 1000 - time.time())


def _status(error: Mapping[str, Any]) -> int | None:
    for key in ("status_code", "raw_status_code", "code", "status"):
        value = error.get(key)
        if isinstance(value, str) and value.isdecimal() and len(value) == 3:
            value = int(value)
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    return None


def _plain(text: str) -> str:
    text = text.strip()
    if text.startswith("<"):
        return "the answer is a web page, from a proxy or from a wrong address"
    return text


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def make_error(
    status: int | None,
    headers: Mapping[str, str],
    body: Any,
    *,
    service: str = "the service",
    model: str | None = None,
    vocabulary: Vocabulary | None = None,
) -> ProviderError:
    """The error that an answer amounts to. `status` is None for an error inside a stream that began well.

    `headers` has lower-case names; `body` is text or parsed JSON. Message and body are bounded and redacted.
    """
    words = vocabulary or Vocabulary()
    failure = read_failure(body)
    status = status if status is not None and status >= 300 else failure.status
    cls = _error_class(status, failure, words)
    quota = status == 402 or bool(failure.codes & (_QUOTA_CODES | words.quota))
    asked = retry_after(headers)
    error = cls(
        _message(service, status, failure),
        hint=_hint(status, failure, quota, cls, service, model),
        status=status,
        request_id=request_id(headers),
        retry_after=failure.retry_after if asked is None else asked,
        body=redact(_as_text(body))[:LONGEST_BODY],
    )
    if quota:
        error.retryable = False
    elif headers.get("x-should-retry") in ("true", "false"):
        error.retryable = headers["x-should-retry"] == "true"
    return error


def _error_class(status: int | None, failure: Failure, words: Vocabulary) -> type[ProviderError]:
    if failure.codes & (_QUOTA_CODES | words.quota):
        return RateLimitError
    by_code = {**_BY_CODE, **words.codes}
    if status is None:
        by_code |= {**_BY_CODE_ALONE, **words.codes_alone}
    for code, cls in by_code.items():
        if code in failure.codes:
            return cls
    if status is None:
        return _by_words(failure, words) or ServerError
    said = _by_words(failure, words) if status in _BY_WORDS_STATUSES else None
    by_status = {**_BY_STATUS, **words.statuses}
    return said or by_status.get(status) or (ServerError if status >= 500 else BadRequestError)


def _by_words(failure: Failure, words: Vocabulary) -> type[ProviderError] | None:
    said = failure.message.lower()
    return next((cls for phrase, cls in (*words.words, *_BY_WORDS) if phrase in said), None)


def _message(service: str, status: int | None, failure: Failure) -> str:
    said = redact(failure.message).strip()[:LONGEST_MESSAGE] or "no reason was given"
    return f"{service} answered {status}: {said}" if status else f"{service} broke off its answer: {said}"


def _hint(
    status: int | None, failure: Failure, quota: bool, cls: type[ProviderError], service: str, model: str | None
) -> str | None:
    if status in _HINTS:
        return _HINTS[status]
    if quota:
        return _QUOTA_HINT
    if cls is BadRequestError and _is_unknown_model(status, failure):
        near = nearest_model(service, model) if model else None
        return f"did you mean {near!r}? `alloy models {service}` lists what is known" if near else _MODEL_HINT
    if status == 404 or (status is not None and 300 <= status < 400):
        return _ADDRESS_HINT
    return None


def _is_unknown_model(status: int | None, failure: Failure) -> bool:
    words = failure.message.lower()
    return (
        bool(failure.codes & _UNKNOWN_MODEL_CODES)
        or (status == 404 and "model" in words)
        or any(phrase in words for phrase in _UNKNOWN_MODEL_WORDS)
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """The vendor's own id of the call, for its support."""
    return next((headers[name] for name in _REQUEST_IDS if headers.get(name)), None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the service asks us to wait, from ``retry-after-ms`` or ``retry-after`` (seconds or a date).

    >>> retry_after({"retry-after": "2"}), retry_after({"retry-after-ms": "1500"}), retry_after({})
    (2.0, 1.5, None)
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if not value:
        return None
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
