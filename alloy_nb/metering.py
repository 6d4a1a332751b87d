"""What fills the window of the model that would be asked, by the options of a run and its conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .candidates import collect_candidates
from .context.condensed import Condensed
from .context.gauge import Gauge
from .context.meter import ContextUsage, measure
from .context.surroundings import look_around
from .messages import Message
from .options import Options, working_directory
from .providers.base import shows_tools
from .tools.context import ToolContext
from .tools.toolbox import collect_tools, to_spec

__all__ = ["context_usage"]


def context_usage(
    options: Options, history: Sequence[Message], view: Condensed | None = None, gauge: Gauge | None = None
) -> ContextUsage:
    """About what a question would be sent with. Raises `ConfigError` where no model can be asked."""
    directory = working_directory(options)
    candidate = collect_candidates(options, directory)[0]
    tools = collect_tools(options.tools)
    around = look_around(options, directory, candidate.provider, tools)
    shown = (*tools.values(), *around.tools) if shows_tools(candidate.provider) else ()
    ctx = ToolContext(directory)
    return measure(
        candidate.label,
        candidate.window_for(options.context_window),
        history,
        view=view,
        system_prompt=options.system_prompt,
        files=replace(around, skills=()).prompt(None),
        skills=replace(around, sections=()).prompt(None),
        tools=[to_spec(tool, ctx, with_candidates=False) for tool in shown],
        factor=1.0 if gauge is None else gauge.factor(candidate.label),
    )
