"""What a job does: a prompt for an agent, or for a run of its own with options; and how that is kept as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..agent import Agent
from ..articles import a_kind
from ..candidates import check_prices, collect_candidates
from ..errors import AlloyError, ConfigError
from ..messages import Message
from ..options import check_names, make_options, working_directory
from ..prompts import to_message
from ..redaction import redact, redact_data, redact_line
from ..result import Result
from ..runs import Run, start
from ..state import RunState

__all__ = ["Work", "failed", "see_to_end"]

_NOBODY = (
    "nobody is asked in a run that the scheduler starts. "
    "The user can allow it with approval='auto' or a function that decides."
)


@dataclass(frozen=True, slots=True)
class Work:
    """`prompt` for `agent`, or for a fresh run with `options`.

    `needs` names what it had when it was kept, cannot be kept, and was not given again yet.
    """

    prompt: str | Message
    asks: str
    agent: Agent | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @classmethod
    def read(cls, who: Any, prompt: Any, options: Mapping[str, Any], beside: Sequence[str] = ()) -> Work:
        """Of what a user gives; every mistake in it is raised here.

        `who` is an agent or a mapping of options; where there is no `prompt`, it is the prompt. `beside` are the other
        words that a job takes.
        """
        if prompt is None and not isinstance(who, Agent | Mapping):
            who, prompt = None, who
        if prompt is None:
            asked = "agent" if isinstance(who, Agent) else "{...}" if who is not None else None
            example = ", ".join(filter(None, ('"30m"', asked, '"What is new?"')))
            raise ConfigError("there is no prompt", hint=f"say what is to be asked: every({example})")
        check_names(options, beside)
        if not isinstance(prompt, str):
            prompt = to_message(prompt)
        elif not prompt.strip():
            raise ConfigError("the prompt is empty", hint="write a question")
        if isinstance(who, Agent):
            if options:
                raise ConfigError(
                    f"{', '.join(options)} beside an agent", hint="say the options where the agent is made"
                )
            own = who.dialogue.options
            check_prices(collect_candidates(own, working_directory(own)), own.budget)
            return cls(prompt, f"agent {who.name}" if who.name else "agent", who)
        if who is not None and not isinstance(who, Mapping):
            raise ConfigError(f"{a_kind(who)} is asked", hint="give an Agent, or a dict of options for a run")
        check_names(who or {}, beside)
        return cls(prompt, "", None, {**(who or {}), **options}).checked()

    def checked(self) -> Work:
        """The same, whose options are known to be right; `asks` is the model that would answer now."""
        if "run_id" in self.options or "request_id" in self.options:
            raise ConfigError("run_id is given", hint="leave it out: each run of a job has its own")
        # What a run is made of is looked at where it is made: nobody waits for the first one to be told of it.
        state = RunState(self.prompt, make_options(self.options))
        return replace(self, asks=state.candidates[0].label)

    def given(self, agent: Agent | None, options: Mapping[str, Any]) -> Work:
        """With what could not be kept, given again."""
        if agent is not None:
            if not isinstance(agent, Agent):
                raise ConfigError(f"agent is {a_kind(agent)}", hint="give an alloy.Agent")
            if self.agent is None and "agent" not in self.needs:
                raise ConfigError("this job asks no agent", hint="to change a job, add it again")
            return replace(self, agent=agent, needs=())
        others = [name for name in options if name not in self.needs]
        if others:
            wanted = f"the job needs {', '.join(self.needs)}" if self.needs else "the job needs nothing"
            raise ConfigError(f"{others[0]} is not missing: {wanted}", hint="to change a job, add it again")
        left = tuple(name for name in self.needs if name not in options)
        work = replace(self, options={**self.options, **options}, needs=left)
        return work if left else work.checked()

    def begin(self) -> Run:
        """Start it, in the background. Raises what keeps it from beginning, such as `Busy`."""
        if self.needs:
            raise ConfigError(f"the job needs {', '.join(self.needs)}", hint=self.way_out)
        if self.agent is not None:
            return self.agent.send(self.prompt)
        return start(self.prompt, **self.options)

    @property
    def way_out(self) -> str:
        """How what it needs is given."""
        given = ", ".join(f"{name}=..." for name in self.needs)
        return f"give it again: scheduler.attach(name, {given}), or add the job once more under its name"

    @property
    def words(self) -> str:
        """How the prompt begins, on one line and without keys."""
        return redact_line(self.prompt if isinstance(self.prompt, str) else self.prompt.text or "(no words)", 120)

    # -- as JSON --------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """All of it that JSON can hold; the names of the rest."""
        kept = {name: _as_json(value) for name, value in self.options.items()}
        # What a key is taken out of would come back as another value.
        lost = [name for name, value in kept.items() if value is _LOST or redact_data(value) != value]
        if self.agent is not None:
            lost = ["agent"]
        return {
            "prompt": self.prompt if isinstance(self.prompt, str) else self.prompt.to_dict(),
            "asks": self.asks,
            "options": {name: value for name, value in kept.items() if name not in lost},
            "needs": lost or list(self.needs),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Work:
        """What `to_dict` wrote."""
        prompt = data["prompt"]
        return cls(
            prompt if isinstance(prompt, str) else Message.from_dict(prompt),
            str(data.get("asks") or ""),
            None,
            dict(data.get("options") or {}),
            tuple(map(str, data.get("needs") or ())),
        )


_LOST = object()


def _as_json(value: Any) -> Any:
    """The value, if JSON gives the same one back; `_LOST` otherwise."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, tuple):
        value = list(value)
    try:
        return value if json.loads(json.dumps(value)) == value else _LOST
    except (TypeError, ValueError, RecursionError):
        return _LOST


def see_to_end(run: Run) -> Result:
    """Wait for a run that nobody watches: what would ask a person is refused."""
    for event in run:
        if event.type == "approval_request":
            run.deny(event.payload["id"], _NOBODY)
    return run.result(check=False)


def failed(error: BaseException) -> Result:
    """The result of a run that did not come about."""
    if not isinstance(error, AlloyError):
        said = redact(f"the run broke: {type(error).__name__}: {error}")
        made = AlloyError(said, hint="its traceback is in the log")
        made.__cause__ = error
        error = made
    return Result(status="error", error=error)
