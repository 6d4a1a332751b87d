"""From names on a magic's line to what they mean."""

from __future__ import annotations

from types import FunctionType, SimpleNamespace
from typing import Any

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.notebook.names import UserNames, find_approval, find_model, find_tool, find_type


def made_here(name: str) -> Any:
    """A function as a cell defines it."""
    return FunctionType((lambda: 1).__code__, {"__name__": "__main__"}, name)


def test_a_function_of_the_notebook_takes_a_built_in_tools_name() -> None:
    own = made_here("read")
    assert find_tool("read", {"read": own}) is own
    assert find_tool("read", {}) == "read"


def test_an_imported_function_does_not() -> None:
    import glob

    assert find_tool("read", {"read": glob.glob}) == "read"
    assert find_tool("search", {"search": glob.glob}) is glob.glob


def test_a_tool_may_be_reached_by_a_dot() -> None:
    class Kit:
        dig = staticmethod(made_here("dig"))

    assert find_tool("kit.dig", {"kit": Kit}) is Kit.dig


def test_an_unknown_tool_names_the_nearest_of_all() -> None:
    for name, near in (("raed", "read"), ("web_serch", "web_search")):
        with pytest.raises(ConfigError) as caught:
            find_tool(name, {"web_search": made_here("web_search")})
        assert f"did you mean `{near}`?" in (caught.value.hint or "")


def test_a_model_is_a_variable_with_a_provider_or_the_name_itself() -> None:
    from alloy_nb import Scripted

    model = Scripted([])
    assert find_model("m", {"m": model}) is model
    completes = SimpleNamespace(complete=made_here("complete"))
    assert find_model("m", {"m": completes}) is completes
    assert find_model("local", {"local": 3}) == "local"
    assert find_model("openai:gpt-5.2", {"openai": model}) == "openai:gpt-5.2"


def test_types_are_those_of_the_notebook_then_plain_ones() -> None:
    class City: ...

    assert find_type("City", {"City": City}) is City
    assert find_type("list[City]", {"City": City}) == list[City]
    assert find_type("int", {}) is int
    with pytest.raises(ConfigError, match="no type `Cty`") as caught:
        find_type("Cty", {"City": City})
    assert "`City`" in (caught.value.hint or "")


def test_a_policy_is_a_word_or_a_function() -> None:
    assert find_approval("auto", {}) == "auto"
    assert find_approval("decide", {"decide": len}) is len
    with pytest.raises(ConfigError):
        find_approval("pause", {})


def test_the_users_names_are_the_local_ones_first_and_none_of_ipythons() -> None:
    class Shell:
        user_ns = {"a": 1, "In": ["x"], "exit": "own", "_": 7}  # noqa: RUF012
        user_ns_hidden = {"In": user_ns["In"], "exit": "theirs", "_": 7}  # noqa: RUF012

    names = UserNames(Shell, {"a": 2, "b": 3})
    assert dict(names) == {"a": 2, "b": 3, "exit": "own", "_": 7}
    assert "In" not in names
    assert len(names) == 4
