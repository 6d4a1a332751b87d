"""The public names: declared once, lazily found, and never in the way of a submodule."""

from __future__ import annotations

import itertools
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

import alloy_nb as alloy
from alloy_nb.providers.vendors import VENDORS

CONTRACT = """
run arun start Run Result Event Usage Budget
Agent Team TeamRun TeamResults Handoff
Skill discover_skills Session Sessions PubSub SessionStore MemoryStore SQLiteStore SQLStore
Scheduler Job JobRun
Message Text Thinking ToolCall ToolResult Image Audio Document Opaque
tool Tool ToolContext Bash Provider HTTPProvider Local Scripted set_default_model doctor show nest
Anthropic OpenAI Google Ollama OpenRouter XAI DeepSeek Mistral OpenAICompatible
Middleware Block Halt Logger Telemetry Redact Audit Compactor ContextUsage
AlloyError ConfigError ProviderError AuthError RateLimitError OverloadedError ContextOverflowError
ContentFilterError BadRequestError ServerError StreamError ProviderTimeout ToolError OutputError BudgetExceeded
DeadlineExceeded Crashed Halted Cancelled Busy QueueFull SessionError SessionConflict
""".split()


@pytest.mark.parametrize("name", CONTRACT)
def test_every_name_of_the_contract_is_there(name: str) -> None:
    assert name in alloy.__all__
    assert getattr(alloy, name) is not None


def test_nothing_is_public_that_the_contract_does_not_name() -> None:
    assert set(alloy.__all__) == {*CONTRACT, "__version__", "load_ipython_extension"}


def test_the_provider_of_every_vendor_is_public_by_its_own_name() -> None:
    for vendor in VENDORS.values():
        module, _, name = vendor.provider.partition(":")
        assert getattr(alloy, name) is getattr(import_module(module), name)


def test_no_public_name_equals_a_submodule() -> None:
    submodules = {module.name for module in pkgutil.iter_modules(alloy.__path__)}
    assert not submodules & set(alloy.__all__)


@pytest.mark.thorough
def test_names_stay_what_they_are_in_every_access_order() -> None:
    """A submodule imported first must not shadow a public name, nor the other way round."""
    code = (
        "import importlib, sys, alloy_nb\n"
        "for word in sys.argv[1:]:\n"
        "    importlib.import_module('alloy_nb.' + word[1:]) if word[0] == ':' else getattr(alloy_nb, word)\n"
        "assert callable(alloy_nb.run) and callable(alloy_nb.start) and callable(alloy_nb.tool)\n"
        "assert isinstance(alloy_nb.Result, type) and isinstance(alloy_nb.Run, type)\n"
    )
    for order in itertools.permutations(["run", ":runs", ":tools", "tool"]):
        subprocess.run([sys.executable, "-c", code, *order], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        alloy.runn  # noqa: B018


def test_law_13_importing_starts_nothing_and_changes_nothing() -> None:
    """Law 13: importing does no I/O, starts no thread, changes no loop policy and no warning filter."""
    code = """
import asyncio, sys, threading, warnings
policy = asyncio.get_event_loop_policy()
filters = list(warnings.filters)
opened = []
sys.addaudithook(lambda name, args: opened.append((name, args[0])) if name in
                 ("open", "socket.connect", "socket.bind", "subprocess.Popen") else None)
import alloy_nb
foreign = [o for o in opened if not str(o[1]).endswith((".py", ".pyc")) and o[0] != "open" or
           o[0] == "open" and isinstance(o[1], str) and not o[1].endswith((".py", ".pyc"))]
assert not foreign, foreign
assert threading.active_count() == 1
assert asyncio.get_event_loop_policy() is policy
assert warnings.filters == filters
heavy = {"pydantic", "httpx2", "IPython", "ipywidgets", "anywidget", "nbformat", "nbclient", "xllamacpp",
         "pandas", "numpy", "matplotlib", "markdown_it", "sqlite3"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_a_scripted_run_imports_nothing_heavy() -> None:
    """The way of a plain run brings in neither the notebook nor HTTP nor a schema library."""
    code = """
import sys, alloy_nb as alloy
assert alloy.run("hi", model=alloy.Scripted([{"text": "yes"}])).text == "yes"
heavy = {"pydantic", "httpx2", "IPython", "ipywidgets", "anywidget", "nbformat", "nbclient", "xllamacpp",
         "markdown_it", "nh3"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
