"""What is known of models: context windows and each provider's default, from `models.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["DEFAULT_WINDOW", "ModelInfo", "default_model", "model_info"]

#: Tokens assumed for a model that is not known.
DEFAULT_WINDOW = 200_000

# A known name may be followed by a date or one of these; "gpt-5" must not stand for "gpt-5.1" or "gpt-5-mini".
_VARIANT = re.compile(r"-(\d{4}-?\d{2}-?\d{2}|latest|preview(-[\d-]+)?)")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model's limits, in tokens; `known` is False where they are only assumed."""

    name: str
    window: int = DEFAULT_WINDOW
    known: bool = False


def default_model(provider: str) -> str | None:
    """The model that is taken when only the provider is known.

    >>> default_model("openai")
    'gpt-5.2'
    """
    name = _table()["defaults"].get(provider)
    return name if isinstance(name, str) else None


def model_info(model: str) -> ModelInfo:
    """What is known of a model, by its name, with or without a gateway's prefix.

    >>> model_info("gpt-5.2-2025-12-11").window, model_info("gpt-5.2-mini").known
    (400000, False)
    """
    models: Mapping[str, Mapping[str, Any]] = _table()["models"]
    bare = model.rpartition("/")[2]
    for name in (bare, _without_variant(bare)):
        if name in models:
            return ModelInfo(name, window=models[name]["window"], known=True)
    return ModelInfo(model)


def _without_variant(name: str) -> str:
    for match in _VARIANT.finditer(name):
        if match.end() == len(name):
            return name[: match.start()]
    return name


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(files(__package__).joinpath("models.json").read_text("utf-8"))
    return table
