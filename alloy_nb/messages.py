"""Messages and their parts, as immutable values with a versioned JSON form."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .articles import a_kind
from .errors import ConfigError

__all__ = [
    "MESSAGE_VERSION",
    "Audio",
    "Document",
    "Image",
    "Message",
    "Opaque",
    "Part",
    "Role",
    "Text",
    "Thinking",
    "ToolCall",
    "ToolResult",
]

MESSAGE_VERSION = 1

Role = Literal["system", "user", "assistant"]
_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Text:
    """Words.

    >>> Message("assistant", (Text("Hel"), Text("lo"))).text
    'Hello'
    """

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thought before it spoke; `signature` and `provider` let it be handed back to its maker only.

    >>> Message("assistant", (Thinking("Hm."), Text("Yes."))).thinking
    'Hm.'
    """

    text: str
    signature: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool. `raw` holds the argument text where it was no JSON object (then `input` is {}).

    >>> Message("assistant", ToolCall("call_1", "read", {"file_path": "a.txt"})).tool_calls[0].name
    'read'
    """

    id: str
    name: str
    input: Mapping[str, Any] = field(default_factory=dict)
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class _Media:
    """Bytes with a MIME type, or a URL that the provider fetches itself."""

    mime_type: str
    data: bytes = field(default=b"", repr=False)
    url: str | None = None

    @classmethod
    def from_path(cls, path: str | Path) -> Any:
        """Read a file now; the MIME type comes from its name. Raises `ConfigError` when it cannot be read."""
        path = Path(path)
        mime_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        try:
            return cls(mime_type, path.read_bytes())
        except OSError as error:
            raise ConfigError(
                f"cannot read {path}: {error.strerror or error}", hint="check the path and its permissions"
            ) from error

    @classmethod
    def from_url(cls, url: str) -> Any:
        """A URL that the provider fetches; nothing is fetched here."""
        return cls(mimetypes.guess_type(url)[0] or "application/octet-stream", url=url)

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode("ascii")


@dataclass(frozen=True, slots=True)
class Image(_Media):
    """A picture.

    >>> Image("image/png", b"data").base64
    'ZGF0YQ=='
    """

    @classmethod
    def from_figure(cls, figure: Any) -> Image:
        """A PNG of a matplotlib figure, a PIL image, or anything with `savefig` or `save`."""
        import io

        buffer = io.BytesIO()
        if hasattr(figure, "savefig"):
            figure.savefig(buffer, format="png", bbox_inches="tight")
        elif hasattr(figure, "save"):
            figure.save(buffer, format="PNG")
        else:
            raise ConfigError(
                f"{type(figure).__name__} is no figure or image",
                hint="pass a matplotlib figure, a PIL image, or use Image.from_path",
            )
        return cls("image/png", buffer.getvalue())


@dataclass(frozen=True, slots=True)
class Audio(_Media):
    """Sound.

    >>> Audio.from_url("https://example.com/a.mp3").mime_type
    'audio/mpeg'
    """


@dataclass(frozen=True, slots=True)
class Document(_Media):
    """A PDF or another document, with the name it is shown under.

    >>> Document("application/pdf", b"%PDF-1.7", name="report.pdf").name
    'report.pdf'
    """

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A provider's own part, handed back verbatim to that provider and to nobody else.

    >>> Opaque("anthropic", {"type": "redacted_thinking"}).data["type"]
    'redacted_thinking'
    """

    provider: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave: `text` and `images` go to the model, `data` to the caller, `display` to the notebook.

    A tool may return one; the harness fills in `call_id`, `name`, `is_error` and `duration_ms`. `display` is shown
    and never stored, and does not count when two results are compared.

    >>> ToolResult("2 rows", data={"rows": 2}).text
    '2 rows'
    """

    text: str = ""
    data: Any = None
    images: tuple[Image, ...] = ()
    display: Any = field(default=None, repr=False, compare=False)
    call_id: str = ""
    name: str = ""
    is_error: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", tuple(self.images))


Part = Text | Thinking | ToolCall | ToolResult | Image | Audio | Document | Opaque

_MEDIA: dict[str, type[Image] | type[Audio] | type[Document]] = {
    "image": Image,
    "audio": Audio,
    "document": Document,
}


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Message:
    """One message of a conversation. Tool results are parts of a ``user`` message.

    `model` and `stop_reason` are set on answers; `partial` marks one that was cut short by a stop or an error.

    >>> Message.user("Hello").text
    'Hello'
    """

    role: Role
    parts: tuple[Part, ...] = ()
    model: str | None = None
    stop_reason: str | None = None
    partial: bool = False
    #: The provider's encoding of it, made once; see `providers/_encoding.py`. No part of the value.
    encoding: Any = field(default=None, init=False, repr=False, compare=False)
    #: About how many tokens it is, estimated once; see `context/estimate.py`. No part of the value.
    tokens: Any = field(default=None, init=False, repr=False, compare=False)

    if TYPE_CHECKING:  # what `__post_init__` makes parts of

        def __init__(
            self,
            role: Role,
            parts: str | Part | Iterable[str | Part] = (),
            model: str | None = None,
            stop_reason: str | None = None,
            partial: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        if self.role not in _ROLES:
            raise ConfigError(f"role is {self.role!r}", hint="choose one of " + ", ".join(_ROLES))
        object.__setattr__(self, "parts", to_parts(self.parts))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.role, self.parts, self.model, self.stop_reason, self.partial)

    @classmethod
    def user(cls, content: str | Part | Iterable[str | Part]) -> Message:
        """What the user says: words, a part, or several of them."""
        return cls("user", to_parts(content))

    @classmethod
    def assistant(cls, content: str | Part | Iterable[str | Part], **fields: Any) -> Message:
        """What the model answers."""
        return cls("assistant", to_parts(content), **fields)

    @property
    def text(self) -> str:
        """The words, joined as the model sent them; ``""`` when there are none."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thinking(self) -> str:
        """The thoughts, joined; ``""`` when there are none."""
        return "".join(part.text for part in self.parts if isinstance(part, Thinking))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls that it asks for, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The results that it brings, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolResult))

    def with_parts(self, parts: Iterable[Part]) -> Message:
        """A copy with other parts."""
        return replace(self, parts=tuple(parts))

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, version 1; bytes are base64."""
        data: dict[str, Any] = {
            "v": MESSAGE_VERSION,
            "role": self.role,
            "parts": [part_to_dict(part) for part in self.parts],
        }
        if self.model is not None:
            data["model"] = self.model
        if self.stop_reason is not None:
            data["stop_reason"] = self.stop_reason
        if self.partial:
            data["partial"] = True
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Message:
        """Read what `to_dict` wrote. Parts of a kind unknown here are kept as `Opaque`.

        Raises `KeyError`, `TypeError` or `ValueError` for what is no such form.
        """
        if data.get("v", MESSAGE_VERSION) > MESSAGE_VERSION:
            raise ConfigError(
                f"a message of version {data['v']} is newer than this alloy_nb reads",
                hint="upgrade alloy-nb",
            )
        if data["role"] not in _ROLES:
            raise ValueError("role is none that is known")
        return cls(
            role=data["role"],
            parts=tuple(part_from_dict(part) for part in data.get("parts", ())),
            model=_read(data, "model", str, None),
            stop_reason=_read(data, "stop_reason", str, None),
            partial=bool(data.get("partial", False)),
        )


def to_parts(content: str | Part | Iterable[str | Part]) -> tuple[Part, ...]:
    """Strings become `Text`; parts stay as they are. A `ConfigError` for what is neither, nor an iterable of them."""
    if isinstance(content, str):
        return (Text(content),)
    if isinstance(content, Part):
        return (content,)
    if isinstance(content, bytes | Mapping) or not isinstance(content, Iterable):
        raise _no_part(content)
    return tuple(item if isinstance(item, Part) else _text_part(item) for item in content)


def _text_part(item: Any) -> Text:
    if not isinstance(item, str):
        raise _no_part(item)
    return Text(item)


def _no_part(item: Any) -> ConfigError:
    return ConfigError(
        f"{a_kind(item)} is no part of a message",
        hint="give words or parts, such as alloy_nb.Image.from_path(...); alloy_nb.run takes files and figures too",
    )


def part_to_dict(part: Part) -> dict[str, Any]:
    """The JSON form of one part: its kind under ``type``, defaults left out."""
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Thinking(text, signature, provider):
            return _without_none(type="thinking", text=text, signature=signature, provider=provider)
        case ToolCall(id_, name, input_, raw):
            return _without_none(type="tool_call", id=id_, name=name, input=dict(input_), raw=raw)
        case ToolResult():
            return _tool_result_to_dict(part)
        case Opaque(provider, data):
            return {"type": "opaque", "provider": provider, "data": dict(data)}
        case Image() | Audio() | Document():
            return _without_none(
                type=type(part).__name__.lower(),
                mime_type=part.mime_type,
                data=part.base64 or None,
                url=part.url,
                name=getattr(part, "name", None),
            )


def _tool_result_to_dict(part: ToolResult) -> dict[str, Any]:
    return _without_none(
        type="tool_result",
        call_id=part.call_id,
        name=part.name or None,
        text=part.text,
        data=part.data,
        images=[part_to_dict(image) for image in part.images] or None,
        is_error=part.is_error or None,
    )


def part_from_dict(data: Mapping[str, Any]) -> Part:
    """Read one part; a kind unknown here is kept as `Opaque`. Raises as `Message.from_dict` does."""
    kind = data.get("type")
    if kind == "text":
        return Text(_read(data, "text", str))
    if kind == "thinking":
        signature, provider = _read(data, "signature", str, None), _read(data, "provider", str, None)
        return Thinking(_read(data, "text", str), signature, provider)
    if kind == "tool_call":
        input = _read(data, "input", Mapping, {})
        return ToolCall(_read(data, "id", str), _read(data, "name", str), input, _read(data, "raw", str, None))
    if kind == "tool_result":
        return ToolResult(
            text=_read(data, "text", str, ""),
            data=data.get("data"),
            images=tuple(_media_from_dict(Image, image) for image in data.get("images") or ()),
            call_id=_read(data, "call_id", str, ""),
            name=_read(data, "name", str, ""),
            is_error=bool(data.get("is_error", False)),
        )
    if kind == "opaque":
        return Opaque(_read(data, "provider", str), _read(data, "data", Mapping))
    if kind in ("image", "audio", "document"):
        return _media_from_dict(_MEDIA[kind], data)  # type: ignore[no-any-return]
    return Opaque("unknown", dict(data))


def _media_from_dict(cls: type[Any], data: Mapping[str, Any]) -> Any:
    fields = {"mime_type": _read(data, "mime_type", str), "url": _read(data, "url", str, None)}
    if data.get("name") is not None:
        fields["name"] = _read(data, "name", str)
    return cls(data=base64.b64decode(_read(data, "data", str, "")), **fields)


def _read(data: Mapping[str, Any], name: str, kind: type[Any], *otherwise: Any) -> Any:
    """A value of its kind: a form may come from anywhere. Where there is none, what is given for that."""
    value = data.get(name) if otherwise else data[name]
    if otherwise and value is None:
        return otherwise[0]
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {a_kind(value)}")
    return value


def _without_none(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
