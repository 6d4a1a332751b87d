"""alloy_nb: agents that live in a notebook.

>>> import alloy_nb as alloy
>>> alloy.run("Hello", model=alloy.Scripted([{"text": "Good morning"}])).text
'Good morning'

Every public name is declared once, below, and imported when it is first used: importing the package reads nothing,
starts nothing and opens nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .agent import Agent as Agent
    from .context.compactor import Compactor as Compactor
    from .context.meter import ContextUsage as ContextUsage
    from .context.skills import Skill as Skill
    from .context.skills import discover_skills as discover_skills
    from .diagnosis import doctor as doctor
    from .errors import AlloyError as AlloyError
    from .errors import AuthError as AuthError
    from .errors import BadRequestError as BadRequestError
    from .errors import BudgetExceeded as BudgetExceeded
    from .errors import Busy as Busy
    from .errors import Cancelled as Cancelled
    from .errors import ConfigError as ConfigError
    from .errors import ContentFilterError as ContentFilterError
    from .errors import ContextOverflowError as ContextOverflowError
    from .errors import Crashed as Crashed
    from .errors import DeadlineExceeded as DeadlineExceeded
    from .errors import Halted as Halted
    from .errors import OutputError as OutputError
    from .errors import OverloadedError as OverloadedError
    from .errors import ProviderError as ProviderError
    from .errors import ProviderTimeout as ProviderTimeout
    from .errors import QueueFull as QueueFull
    from .errors import RateLimitError as RateLimitError
    from .errors import ServerError as ServerError
    from .errors import SessionConflict as SessionConflict
    from .errors import SessionError as SessionError
    from .errors import StreamError as StreamError
    from .errors import ToolError as ToolError
    from .events import Event as Event
    from .messages import Audio as Audio
    from .messages import Document as Document
    from .messages import Image as Image
    from .messages import Message as Message
    from .messages import Opaque as Opaque
    from .messages import Text as Text
    from .messages import Thinking as Thinking
    from .messages import ToolCall as ToolCall
    from .messages import ToolResult as ToolResult
    from .middleware.audit import Audit as Audit
    from .middleware.base import Block as Block
    from .middleware.base import Halt as Halt
    from .middleware.base import Middleware as Middleware
    from .middleware.logger import Logger as Logger
    from .middleware.redact import Redact as Redact
    from .middleware.telemetry import Telemetry as Telemetry
    from .notebook.nesting import nest as nest
    from .notebook.showing import show as show
    from .providers.anthropic import Anthropic as Anthropic
    from .providers.base import Provider as Provider
    from .providers.deepseek import DeepSeek as DeepSeek
    from .providers.google import Google as Google
    from .providers.http import HTTPProvider as HTTPProvider
    from .providers.local import Local as Local
    from .providers.mistral import Mistral as Mistral
    from .providers.ollama import Ollama as Ollama
    from .providers.openai import OpenAI as OpenAI
    from .providers.openai_compatible import OpenAICompatible as OpenAICompatible
    from .providers.openrouter import OpenRouter as OpenRouter
    from .providers.registry import set_default_model as set_default_model
    from .providers.scripted import Scripted as Scripted
    from .providers.xai import XAI as XAI
    from .pubsub import PubSub as PubSub
    from .result import Result as Result
    from .runs import Run as Run
    from .runs import arun as arun
    from .runs import run as run
    from .runs import start as start
    from .scheduler import Scheduler as Scheduler
    from .scheduling.job import Job as Job
    from .scheduling.job import JobRun as JobRun
    from .session import Session as Session
    from .session import SessionStore as SessionStore
    from .sessions.library import Sessions as Sessions
    from .sessions.memory import MemoryStore as MemoryStore
    from .sessions.sql import SQLStore as SQLStore
    from .sessions.sqlite import SQLiteStore as SQLiteStore
    from .team import Team as Team
    from .teams.group import TeamRun as TeamRun
    from .teams.handing_over import Handoff as Handoff
    from .teams.results import TeamResults as TeamResults
    from .tools.base import Tool as Tool
    from .tools.bash import Bash as Bash
    from .tools.context import ToolContext as ToolContext
    from .tools.decorator import tool as tool
    from .usage import Budget as Budget
    from .usage import Usage as Usage

_ERRORS = (
    "AlloyError AuthError BadRequestError BudgetExceeded Busy Cancelled ConfigError ContentFilterError "
    "ContextOverflowError Crashed DeadlineExceeded Halted OutputError OverloadedError ProviderError ProviderTimeout "
    "QueueFull RateLimitError ServerError SessionConflict SessionError StreamError ToolError"
)
_MESSAGES = "Audio Document Image Message Opaque Text Thinking ToolCall ToolResult"

_PUBLIC: dict[str, str] = {
    **dict.fromkeys(_ERRORS.split(), "errors"),
    **dict.fromkeys(_MESSAGES.split(), "messages"),
    "Agent": "agent",
    "Anthropic": "providers.anthropic",
    "Audit": "middleware.audit",
    "Bash": "tools.bash",
    "Block": "middleware.base",
    "Compactor": "context.compactor",
    "ContextUsage": "context.meter",
    "DeepSeek": "providers.deepseek",
    "Event": "events",
    "Google": "providers.google",
    "HTTPProvider": "providers.http",
    "Halt": "middleware.base",
    "Handoff": "teams.handing_over",
    "Job": "scheduling.job",
    "JobRun": "scheduling.job",
    "Local": "providers.local",
    "Logger": "middleware.logger",
    "MemoryStore": "sessions.memory",
    "Middleware": "middleware.base",
    "Mistral": "providers.mistral",
    "Ollama": "providers.ollama",
    "OpenAI": "providers.openai",
    "OpenAICompatible": "providers.openai_compatible",
    "OpenRouter": "providers.openrouter",
    "Provider": "providers.base",
    "PubSub": "pubsub",
    "Redact": "middleware.redact",
    "Result": "result",
    "Run": "runs",
    "Scheduler": "scheduler",
    "Scripted": "providers.scripted",
    "SQLStore": "sessions.sql",
    "SQLiteStore": "sessions.sqlite",
    "Session": "session",
    "Skill": "context.skills",
    "SessionStore": "session",
    "Sessions": "sessions.library",
    "Team": "team",
    "TeamResults": "teams.results",
    "TeamRun": "teams.group",
    "Telemetry": "middleware.telemetry",
    "Tool": "tools.base",
    "ToolContext": "tools.context",
    "Budget": "usage",
    "Usage": "usage",
    "XAI": "providers.xai",
    "arun": "runs",
    "discover_skills": "context.skills",
    "doctor": "diagnosis",
    "nest": "notebook.nesting",
    "run": "runs",
    "set_default_model": "providers.registry",
    "show": "notebook.showing",
    "start": "runs",
    "tool": "tools.decorator",
}

__all__ = ["__version__", "load_ipython_extension", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name == "testing":  # a module, which is reached by its name as well
        return import_module(f".{name}", __name__)
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


def load_ipython_extension(ip: Any) -> None:
    """``%load_ext alloy_nb``: register ``%alloy`` and ``%%alloy``."""
    from .notebook.extension import load

    load(ip)


def unload_ipython_extension(ip: Any) -> None:
    """``%unload_ext alloy_nb``."""
    from .notebook.extension import unload

    unload(ip)
