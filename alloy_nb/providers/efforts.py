"""How hard a model thinks: what each family of models makes of the `thinking` option, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import ConfigError
from ..options import check_thinking

__all__ = ["Family", "effort_for", "effort_of"]

_EFFORTS = {True: "medium", False: "none"}
#: The largest token budget that still counts as this effort.
_EFFORT_BUDGETS = (("none", 0), ("low", 2048), ("medium", 8192))


@dataclass(frozen=True, slots=True)
class Family:
    """Models whose names begin with one of `prefixes`.

    `on` and `off` are the efforts that True and False ask for; None says nothing, since the model has no such switch.
    Where both are None, the model cannot be told anything. `thinks` is False for models that are known not to think:
    they cannot be asked to. `efforts` stand in for those of ``"low"``, ``"medium"`` and
    ``"high"`` that the family lacks.
    """

    prefixes: tuple[str, ...]
    on: str | None = "medium"
    off: str | None = "none"
    efforts: Mapping[str, str] = field(default_factory=dict)
    thinks: bool = True


def effort_of(thinking: bool | str | int) -> str:
    """The thinking option as a word: a level is itself, a budget of tokens the level that it comes to.

    Raises `ConfigError` for what is neither.

    >>> effort_of(True), effort_of(False), effort_of("high"), effort_of(1000), effort_of(50_000)
    ('medium', 'none', 'high', 'low', 'high')
    """
    check_thinking(thinking)
    if isinstance(thinking, bool):
        return _EFFORTS[thinking]
    if isinstance(thinking, str):
        return thinking
    return next((effort for effort, budget in _EFFORT_BUDGETS if thinking <= budget), "high")


def effort_for(thinking: bool | str | int | None, model: str, families: Sequence[Family]) -> str | None:
    """The effort that `thinking` asks of a model; None where nothing is to be said.

    The first family that fits counts. A budget in tokens becomes the effort nearest to it; an effort that the table
    does not know is asked for as it stands, so that the service may refuse it. Raises `ConfigError` where a model is
    asked to think that is known not to.

    >>> effort_for(True, "gpt-5.2", [Family(("gpt-",))]), effort_for(1000, "gpt-5.2", [])
    ('medium', 'low')
    """
    family = next((family for family in families if model.startswith(family.prefixes)), Family(()))
    if thinking is None:
        return None
    effort = effort_of(thinking)
    if not family.thinks and effort != "none":
        raise ConfigError(
            f"{model} does not think",
            hint="leave `thinking` out, or choose a model that does: `alloy models` tells which",
        )
    if family.on is None and family.off is None:
        return None
    if thinking is True:
        return family.on
    return family.off if effort == "none" else family.efforts.get(effort, effort)
