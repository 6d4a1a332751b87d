"""Typed dicts in the one form that pydantic takes."""

from __future__ import annotations

import sys
import types
import typing
from typing import Annotated, Any

__all__ = ["modernize"]


def modernize(annotation: Any) -> Any:
    """`typing.TypedDict` as the one of typing_extensions, the only one that pydantic takes before Python 3.12."""
    if sys.version_info >= (3, 12):
        return annotation
    if typing.is_typeddict(annotation):
        import typing_extensions

        hints = typing_extensions.get_type_hints(annotation, include_extras=True)
        required = annotation.__required_keys__
        items = {key: modernize(hint) for key, hint in hints.items()}
        items = {key: hint if key in required else typing_extensions.NotRequired[hint] for key, hint in items.items()}
        return typing_extensions.TypedDict(annotation.__name__, items)  # type: ignore[operator]
    args = typing.get_args(annotation)
    changed = tuple(modernize(arg) if not isinstance(arg, (str, int)) else arg for arg in args)
    if all(new is old for new, old in zip(changed, args, strict=True)):
        return annotation
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return typing.Union[changed]  # noqa: UP007 - made from a tuple
    return Annotated[changed] if origin is Annotated else origin[changed]
