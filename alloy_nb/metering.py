"""What fills the window of the model that would be asked, by the options of a run and its conversation."""

from __future__ import annotations

from collections.abc import Sequence

from .candidates import collect_candidates
from .context.condensed import Condensed
from .context.gauge import Gauge
from .context.meter import ContextUsage, measure
from .messages import Message
from .options import Options, working_directory
from .tools.context import ToolContext
from .tools.toolbox import collect_tools, to_spec

__all__ = ["context_usage"]


def context_usage(
    options: Options, history: Sequence[Message], view: Condensed | None = None, gauge: Gauge | None = None
) -> ContextUsage:
    """About what a question would be sent with. Raises `ConfigError` where no model can be asked."""
    directory = working_directory(options)
    candidate = collect_candidates(options, directory)[0]
    ctx = ToolContext(directory)
    return measure(
        candidate.label,
        candidate.window_for(options.context_window),
        history,
        view=view,
        system_prompt=options.system_prompt,
        tools=[to_spec(tool, ctx, with_candidates=False) for tool in collect_tools(options.tools).values()],
        factor=1.0 if gauge is None else gauge.factor(candidate.label),
    )
