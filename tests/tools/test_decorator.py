"""`@tool` and `FunctionTool`."""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Optional

import pytest

from alloy_nb.errors import ConfigError, ToolError
from alloy_nb.tools.base import Tool
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.decorator import FunctionTool, tool

CTX = ToolContext(run_id="r1")


def use(made: Tool, **input: Any) -> Any:
    return asyncio.run(made.execute(made.validate(input), CTX))


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    They may be negative.

    Args:
        a: The first one.
        b: The other one.

    Returns:
        Their sum.
    """
    return a + b


def test_the_bare_decorator_makes_a_tool_that_is_still_a_function() -> None:
    assert isinstance(add, FunctionTool)
    assert add(2, 3) == 5
    assert add.name == "add"
    assert add.__name__ == "add"
    assert add.__doc__
    assert use(add, a=2) == 3


def test_the_description_is_the_docstring_up_to_its_sections() -> None:
    assert add.description == "Add two numbers.\n\nThey may be negative."
    assert tool(name="bare")(lambda: 1).description == ""


def test_options_are_kept() -> None:
    @tool(
        name="other", description="Said here.", requires_approval=True, timeout=3, thread="main", parallel=False,
        idempotent=True, retries=2, key_argument="x",
    )  # fmt: skip
    def function(x: str) -> str:
        """Said there."""
        return x

    assert (function.name, function.description) == ("other", "Said here.")
    assert (function.timeout, function.thread, function.parallel) == (3, "main", False)
    assert (function.idempotent, function.retries, function.key_argument) == (True, 2, "x")
    assert function.approval_reason({}, CTX) is not None
    assert add.approval_reason({}, CTX) is None
    assert add.key_argument is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "two words"}, "cannot be a tool's name"),
        ({"name": "x" * 65}, "cannot be a tool's name"),
        ({"thread": "other"}, "thread='other' is unknown"),
        ({"timeout": 0}, "leaves no time"),
        ({"retries": -1}, "below 0"),
    ],
)
def test_options_that_cannot_work_are_errors_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        tool(**{"name": "x", **options})(lambda: 1)
    assert caught.value.hint


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(ConfigError, match="`<lambda>` cannot be"):
        tool(lambda: 1)


def test_star_arguments_are_errors_at_once() -> None:
    """A model cannot be told of them."""

    def many(*words: str) -> str:
        return ""

    def named(**words: str) -> str:
        return ""

    with pytest.raises(ConfigError, match=r"tool `many` takes \*words"):
        tool(many)
    with pytest.raises(ConfigError, match=r"tool `named` takes \*\*words"):
        tool(named)


def test_what_is_no_function_or_yields_is_an_error() -> None:
    def yields() -> Iterator[int]:
        yield 1

    async def yields_too() -> AsyncIterator[int]:
        yield 1

    for wrong in (3, int, yields, yields_too):
        with pytest.raises(ConfigError):
            tool(wrong)  # type: ignore[call-overload]


# -- kinds of functions ----------------------------------------------------------------------------


async def fetch(url: str) -> str:
    """Fetch it."""
    await asyncio.sleep(0)
    return f"<{url}>"


class Shop:
    """Has methods."""

    def __init__(self, name: str) -> None:
        self.name = name

    @tool
    def greet(self, whom: str = "you") -> str:
        """Greet."""
        return f"{self.name} greets {whom}"

    @tool(timeout=5)
    async def wait(self, whom: str) -> str:
        """Wait."""
        return f"{self.name} waits for {whom}"

    @tool
    @staticmethod
    def static(x: int) -> int:
        """Static."""
        return x

    @staticmethod
    @tool
    def static_too(x: int) -> int:
        """Static."""
        return x

    @tool
    @classmethod
    def of_class(cls, x: int) -> str:
        """Of the class."""
        return f"{cls.__name__}{x}"

    def plain(self, x: int) -> str:
        """Plain."""
        return f"{self.name}{x}"


class Caller:
    """Something callable."""

    def __call__(self, x: int) -> int:
        return x * 2


class AsyncCaller:
    async def __call__(self, x: int) -> int:
        """Double, later."""
        return x * 2


def test_async_functions_are_told_apart_and_awaited() -> None:
    made = tool(fetch)
    assert made.is_async
    assert not add.is_async
    assert use(made, url="x") == "<x>"
    call = made.call({"url": "y"}, CTX)
    assert asyncio.run(call) == "<y>"


def test_methods_are_bound() -> None:
    shop = Shop("Ann")
    assert shop.greet("Bob") == "Ann greets Bob"
    assert use(shop.greet, whom="Bob") == "Ann greets Bob"
    assert list(shop.greet.input_schema["properties"]) == ["whom"]
    assert (shop.greet.name, shop.greet.description) == ("greet", "Greet.")
    assert shop.wait.is_async
    assert shop.wait.timeout == 5
    assert use(shop.wait, whom="x") == "Ann waits for x"
    assert use(tool(shop.plain), x=3) == "Ann3"


def test_static_and_class_methods_work_in_either_order() -> None:
    for owner in (Shop, Shop("Ann")):
        assert use(owner.static, x=3) == 3
        assert use(owner.static_too, x=3) == 3
        assert use(owner.of_class, x=3) == "Shop3"
        assert list(owner.of_class.input_schema["properties"]) == ["x"]


def test_partials_hide_what_they_fix() -> None:
    made = tool(functools.partial(add.function, 10))
    assert made.name == "add"
    assert made.description.startswith("Add two numbers.")
    assert list(made.input_schema["properties"]) == ["b"]
    assert use(made, b=5) == 15
    assert tool(functools.partial(fetch, "z")).is_async


def test_callable_objects_work() -> None:
    assert use(tool(Caller()), x=2) == 4
    assert tool(Caller()).name == "Caller"
    assert tool(Caller()).description == "Something callable."
    made = tool(name="double")(AsyncCaller())
    assert made.is_async
    assert made.description == "Double, later."
    assert use(made, x=2) == 4


def test_wrapped_functions_have_the_signature_of_what_they_wrap() -> None:
    def loud(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    assert use(tool(loud(add.function)), a=1) == 2
    assert tool(loud(fetch)).is_async
    assert use(tool(loud(fetch)), url="x") == "<x>"
    assert use(tool(functools.cache(add.function)), a=1) == 2


def test_positional_only_parameters_are_passed_by_place() -> None:
    def power(base: int, exponent: int = 2, /, plus: int = 0) -> int:
        return base**exponent + plus

    made = tool(power)
    assert use(made, base=3) == 9
    assert use(made, base=3, plus=1) == 10
    assert use(made, base=2, exponent=3) == 8


def test_a_tool_of_a_tool_is_a_tool() -> None:
    again = tool(name="again")(add)
    assert again.name == "again"
    assert use(again, a=1) == 2


# -- the context -----------------------------------------------------------------------------------


def with_context(x: int, ctx: ToolContext) -> str:
    return f"{x} {ctx.run_id}"


def with_optional(x: int, ctx: Optional[ToolContext] = None) -> str:  # noqa: UP045
    return f"{x} {ctx.run_id if ctx else None}"


def with_union(ctx: ToolContext | None, x: int) -> str:
    return f"{x} {ctx.run_id if ctx else None}"


def with_annotated(x: int, ctx: Annotated[ToolContext, "the run"]) -> str:
    return f"{x} {ctx.run_id}"


def with_wrong_default(x: int, ctx: ToolContext = None) -> str:  # type: ignore[assignment]
    return f"{x} {ctx.run_id}"


@pytest.mark.parametrize("function", [with_context, with_optional, with_union, with_annotated, with_wrong_default])
def test_the_context_is_filled_in_and_not_shown(function: Callable[..., str]) -> None:
    """Annotations are strings here: `from __future__ import annotations`."""
    made = tool(function)
    assert list(made.input_schema["properties"]) == ["x"]
    assert use(made, x=7) == "7 r1"
    with pytest.raises(ToolError, match="`ctx` is unknown"):
        made.validate({"x": 1, "ctx": {}})


def test_real_annotations_and_foreign_names_of_the_context_work() -> None:
    namespace: dict[str, Any] = {}
    source = """
import typing
from alloy_nb.tools.context import ToolContext
def real(x: int, ctx: typing.Optional[ToolContext] = None): return ctx.run_id
def unknown(x: int, ctx: "alloy.ToolContext"): return ctx.run_id
"""
    exec(source, namespace)
    for name in ("real", "unknown"):
        made = tool(namespace[name])
        assert list(made.input_schema["properties"]) == ["x"]
        assert use(made, x=1) == "r1"


def test_types_of_the_enclosing_function_are_found() -> None:
    """Annotations are strings; the names are known to this function alone."""

    @dataclass
    class Local:
        x: int

    @tool
    def takes(value: Local) -> int:
        return value.x

    assert use(takes, value={"x": 3}) == 3


def test_a_type_that_cannot_be_found_is_an_error_that_names_the_parameter() -> None:
    def function(value: NowhereDefined) -> int:  # type: ignore[name-defined]  # noqa: F821
        return 1

    with pytest.raises(ConfigError, match=r"the type of parameter `value` is not known.*NowhereDefined") as caught:
        _ = tool(function).input_schema
    assert "TYPE_CHECKING" in str(caught.value.hint)


# -- elsewhere -------------------------------------------------------------------------------------


def double(x: int) -> int:
    return 2 * x


def test_tools_can_be_sent_to_workers() -> None:
    """Pickled by name where the tool stands in the function's place, by value else."""
    assert use(add, a=1) == 2  # the schema was made: it must not hinder
    assert pickle.loads(pickle.dumps(add)) is add
    made = tool(name="twice")(double)
    assert use(made, x=1) == 2
    again = pickle.loads(pickle.dumps(made))
    assert (again.name, use(again, x=4)) == ("twice", 8)
    assert copy.deepcopy(add) is add


def test_decorating_needs_no_pydantic() -> None:
    """Tools in a module cost nothing until a model is told of them."""
    code = """
import sys
from alloy_nb.tools.decorator import tool
@tool
def f(x: int) -> int:
    "Do."
    return x
assert f.description == "Do." and f(1) == 1
assert "pydantic" not in sys.modules
assert f.input_schema["required"] == ["x"]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
