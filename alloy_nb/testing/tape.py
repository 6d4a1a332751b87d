"""What a cassette holds: requests and their answers, as values with a readable, versioned JSON form."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .scrubbing import scrub_bytes, scrub_headers, scrub_json, scrub_url

__all__ = ["TAPE_VERSION", "Answered", "Asked", "Exchange", "read_tape", "write_tape"]

TAPE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `url` is the whole address."""

    method: str
    url: str
    body: bytes = b""


@dataclass(slots=True)
class Answered:
    """An answer: the pieces of its body as they came, decoded where they were compressed.

    `cut`: the body did not come to its end.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    cut: bool = False

    @property
    def is_json(self) -> bool:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


@dataclass(slots=True)
class Exchange:
    """One request and its answer."""

    asked: Asked
    answered: Answered

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, without secrets."""
        asked, answered = self.asked, self.answered
        request = {"method": asked.method, "url": scrub_url(asked.url), **_body_to_dict(asked.body)}
        response: dict[str, Any] = {"status": answered.status, "headers": scrub_headers(answered.headers.items())}
        if answered.is_json and not answered.cut:
            response |= _body_to_dict(b"".join(answered.pieces))
        else:
            response["pieces"] = [_piece_to_json(piece) for piece in _scrub_pieces(answered.pieces)]
        if answered.cut:
            response["cut"] = True
        return {"request": request, "response": response}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Exchange:
        """Read what `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for what it never wrote."""
        request, response = data["request"], data["response"]
        if "pieces" in response:
            pieces = [_piece_from_json(piece) for piece in response["pieces"]]
        else:
            body = _body_from_dict(response)
            pieces = [body] if body else []
        return cls(
            Asked(request["method"], request["url"], _body_from_dict(request)),
            Answered(int(response["status"]), dict(response["headers"]), pieces, bool(response.get("cut", False))),
        )


def read_tape(path: Path) -> list[Exchange]:
    """The exchanges of a file; a `ConfigError` for a file that is no cassette."""
    problem = ""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["alloy_cassette"]
        if version > TAPE_VERSION:
            raise ConfigError(
                f"the cassette {path} is of version {version}, newer than this alloy_nb reads", hint="upgrade alloy-nb"
            )
        return [Exchange.from_dict(exchange) for exchange in data["exchanges"]]
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"it is no cassette ({type(error).__name__}: {error})"
    raise ConfigError(f"cannot read the cassette {path}: {problem}", hint="delete it to record it anew")


def write_tape(path: Path, exchanges: Sequence[Exchange]) -> None:
    """Write all or nothing. A folder that is missing is made."""
    data = {"alloy_cassette": TAPE_VERSION, "exchanges": [exchange.to_dict() for exchange in exchanges]}
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    # Half a surrogate pair has no UTF-8; written this way it is an escape that JSON knows.
    beside.write_bytes(text.encode("utf-8", "backslashreplace"))
    beside.replace(path)


# Bodies


def _body_to_dict(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        return {"json": scrub_json(json.loads(body))}
    except (ValueError, RecursionError):
        pass
    written = _piece_to_json(scrub_bytes(body))
    return {"text": written} if isinstance(written, str) else dict(written)


def _body_from_dict(data: Mapping[str, Any]) -> bytes:
    if "json" in data:
        return json.dumps(data["json"]).encode()
    return _piece_from_json(data if "base64" in data else data.get("text", ""))


def _piece_to_json(piece: bytes) -> str | dict[str, str]:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(piece).decode("ascii")}


def _piece_from_json(piece: str | Mapping[str, Any]) -> bytes:
    return piece.encode("utf-8") if isinstance(piece, str) else base64.b64decode(piece["base64"])


def _scrub_pieces(pieces: Sequence[bytes]) -> Sequence[bytes]:
    """The pieces as they came; a body that held a secret, perhaps across two of them, is cut at its lines instead."""
    body = b"".join(pieces)
    scrubbed = scrub_bytes(body)
    return pieces if scrubbed == body else scrubbed.splitlines(keepends=True)
