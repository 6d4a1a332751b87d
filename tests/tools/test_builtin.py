"""The table of built-in tools."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.tools.base import Tool
from alloy_nb.tools.builtin import BUILTIN_TOOLS, builtin_tool


@pytest.mark.parametrize("name", BUILTIN_TOOLS)
def test_every_name_leads_to_a_tool_of_that_name(name: str) -> None:
    tool = builtin_tool(name)
    assert isinstance(tool, Tool)
    assert tool.name == name
    assert tool.description
    assert tool.input_schema["type"] == "object"
    assert tool.key_argument is None or tool.key_argument in tool.input_schema["properties"]


def test_all_are_there() -> None:
    assert set(BUILTIN_TOOLS) == {"read", "write", "edit", "bash", "scratchpad", "glob", "grep", "fetch"}


@pytest.mark.parametrize(
    ("wrong", "right"), [("raed", "read"), ("Bash", "bash"), ("scratch_pad", "scratchpad"), ("webfetch", "fetch")]
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(ConfigError, match=f"there is no built-in tool `{wrong}`") as caught:
        builtin_tool(wrong)
    assert caught.value.hint == f"did you mean '{right}'?"


def test_a_name_like_none_of_them_lists_all() -> None:
    with pytest.raises(ConfigError) as caught:
        builtin_tool("zzzz")
    assert all(name in str(caught.value.hint) for name in BUILTIN_TOOLS)


def test_tools_import_nothing_heavy() -> None:
    """They must not bring pydantic or the HTTP library along, and a table of names nothing at all."""
    code = """
import sys
from alloy_nb.tools.builtin import builtin_tool
assert "alloy_nb.tools.bash" not in sys.modules
for name in ("read", "write", "edit", "bash", "scratchpad", "glob", "grep", "fetch"):
    tool = builtin_tool(name)
    tool.validate({key: "read" for key in tool.input_schema["required"]})
import alloy_nb.tools.decorator
heavy = {"pydantic", "httpx2", "httpcore2", "justhtml", "IPython", "pandas", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
