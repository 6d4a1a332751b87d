"""The models of a run: the one that was asked for, and those to fall back on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from .cost import cost_of
from .errors import AuthError, BadRequestError, ConfigError, ProviderError
from .models import DEFAULT_WINDOW, ModelInfo, model_info
from .options import PROVIDER_OPTIONS, Options
from .providers.base import Provider, Request
from .providers.health import Health, health_of
from .providers.registry import resolve_model
from .providers.vendors import VENDORS
from .usage import UNPRICED, Budget, Usage

__all__ = [
    "Candidate",
    "candidate_of",
    "check_prices",
    "collect_candidates",
    "fitted",
    "in_order_of_promise",
    "is_priced",
    "may_fall_back",
    "summarizer_of",
    "window_of",
]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may answer, how it fares, and which of the run's options it does not take."""

    provider: Provider
    health: Health
    lacks: tuple[str, ...] = ()
    #: What is known of the models that answered: looked up once a run.
    infos: dict[str, ModelInfo] = field(default_factory=dict)

    def cost(self, usage: Usage, model: str | None = None) -> float | None:
        """US dollars of a call, None where no price is known: a vendor's prices are no other service's."""
        provider = self.provider
        vendor = VENDORS.get(provider.name)
        address = getattr(provider, "base_url", None)
        if vendor is not None and address and urlsplit(address).hostname != urlsplit(vendor.address).hostname:
            return None
        name = model or provider.model
        return cost_of(usage, name, provider.name, info=self._info(name))

    def window_for(self, given: int | None, *, first: bool = True) -> int:
        """Tokens that a conversation may fill: those `given` for the first model, and never more in another one."""
        known = window_of(self.provider, self._info(self.provider.model))
        if given is None or (not first and known is not None):
            return min(known or DEFAULT_WINDOW, given or sys.maxsize)
        return given

    def _info(self, name: str) -> ModelInfo:
        info = self.infos.get(name)
        if info is None:
            info = self.infos[name] = model_info(name, self.provider.name)
        return info

    @property
    def label(self) -> str:
        """As it is written: ``"openai:gpt-5.2"``."""
        return f"{self.provider.name}:{self.provider.model}"


def window_of(provider: Provider, info: ModelInfo) -> int | None:
    """Tokens that a model reads, as its provider knows, else the table of models; None where nobody does."""
    own: int | None = getattr(provider, "context_window", None)
    return own or (info.window if info.window_known else None)


def candidate_of(model: str | Provider, directory: Path) -> Candidate:
    """A model that is asked for something of its own, without the run's options. Raises `ConfigError` for none."""
    provider = resolve_model(model, working_directory=directory)
    return Candidate(provider, health_of(provider), PROVIDER_OPTIONS)


def summarizer_of(options: Options, directory: Path) -> Candidate | None:
    """The model that sums up what does not fit any more, where one was named. Raises `ConfigError`."""
    named = options.compactor.summarize if options.compactor is not None else None
    return candidate_of(named, directory) if named else None


def collect_candidates(options: Options, directory: Path) -> tuple[Candidate, ...]:
    """The model and its fallbacks, in order.

    Raises `ConfigError` for an option that the first one does not take; a fallback goes without it.
    """
    first = resolve_model(options.model, working_directory=directory)
    missing = lacking(first, options)
    if missing:
        raise ConfigError(
            f"{first.name} takes no `{missing[0]}`",
            hint="it takes: " + (", ".join(sorted(first.options)) or "none of these options"),
        )
    others = [resolve_model(model, working_directory=directory) for model in options.fallback]
    return tuple(Candidate(it, health_of(it), lacking(it, options)) for it in (first, *others))


def check_prices(candidates: Sequence[Candidate], budget: Budget | None) -> None:
    """Raise `ConfigError` for a table of prices that cannot be read, and a budget in dollars that cannot be kept."""
    candidates[0].cost(Usage())
    if budget is None or "usd" not in budget.limits:
        return
    for candidate in candidates:
        if candidate.cost(Usage()) is None:
            raise ConfigError(
                f"the price of {candidate.label} is not known, so a budget in dollars cannot be kept",
                hint=UNPRICED,
            )


def is_priced(provider: Provider) -> bool:
    """Whether it is known what its answers cost."""
    return Candidate(provider, health_of(provider), ()).cost(Usage()) is not None


def lacking(provider: Provider, options: Options) -> tuple[str, ...]:
    """The options that were given and that the provider does not take."""
    known = getattr(provider, "options", frozenset(PROVIDER_OPTIONS))
    return tuple(name for name in PROVIDER_OPTIONS if getattr(options, name) not in (None, ()) and name not in known)


def in_order_of_promise(candidates: Sequence[Candidate]) -> list[Candidate]:
    """As they were given, but last the ones that rest, and before them those that asked for a pause."""
    return sorted(candidates, key=lambda candidate: (candidate.health.resting, candidate.health.pause > 0))


def fitted(candidate: Candidate, make_request: Callable[[Candidate], Request]) -> Candidate:
    """The candidate without the options whose values its wire cannot say; nothing is sent to find out."""
    encode = getattr(candidate.provider, "encode", None)
    if encode is None:
        return candidate

    def works(without: tuple[str, ...]) -> bool:
        try:
            encode(make_request(replace(candidate, lacks=without)))
        except ConfigError:
            return False
        except Exception:  # noqa: BLE001 - whatever else is wrong shows when it is asked
            return True
        return True

    every = (*candidate.lacks, *(name for name in PROVIDER_OPTIONS if name not in candidate.lacks))
    tries = [candidate.lacks, *((*candidate.lacks, name) for name in every[len(candidate.lacks) :]), every]
    return next((replace(candidate, lacks=lacks) for lacks in tries if works(lacks)), candidate)


def may_fall_back(error: ProviderError) -> bool:
    """A wrong key or request is to be mended, not hidden by an answer from elsewhere."""
    return not isinstance(error, AuthError | BadRequestError)
