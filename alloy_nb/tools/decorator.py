"""Functions as tools: `@tool` and the `FunctionTool` it makes."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Hashable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, overload

from ..errors import ConfigError
from ..keywords import keywords_told
from .base import Tool
from .context import ToolContext

if TYPE_CHECKING:
    from .schema import Arguments

__all__ = ["FunctionTool", "code_of", "doc_of", "signature_of", "tool"]

Function = Callable[..., Any]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@overload
def tool(function: Function, /) -> FunctionTool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    requires_approval: bool = False,
    timeout: float | None = None,
    thread: Literal["worker", "main"] = "worker",
    parallel: bool = True,
    idempotent: bool = False,
    retries: int = 0,
    key_argument: str | None = None,
) -> Callable[[Function], FunctionTool]: ...
def tool(function: Function | None = None, /, **options: Any) -> FunctionTool | Callable[[Function], FunctionTool]:
    """Make a tool of a function; what it takes and says comes from its signature and docstring.

    `timeout` is in seconds; `thread="main"` runs a sync function on the main thread; `parallel=False` keeps it from
    running beside another such call; `idempotent=True` lets a call with unknown outcome run again; `retries` says how
    often a crash is tried again. A parameter annotated `ToolContext` is filled in and not shown to the model.
    Raises `ConfigError` for a function that cannot be a tool.

    >>> @tool
    ... def add(a: int, b: int = 1) -> int:
    ...     "Add two numbers."
    ...     return a + b
    >>> add, add(2), add.description
    (<Tool add>, 3, 'Add two numbers.')
    """
    if function is not None:
        return FunctionTool(function, **options)
    return lambda function: FunctionTool(function, **options)


@keywords_told
class FunctionTool(Tool):
    """A tool made of a function, and still callable like it."""

    def __init__(
        self,
        function: Function,
        *,
        name: str | None = None,
        description: str | None = None,
        requires_approval: bool = False,
        timeout: float | None = None,
        thread: Literal["worker", "main"] = "worker",
        parallel: bool = True,
        idempotent: bool = False,
        retries: int = 0,
        key_argument: str | None = None,
    ) -> None:
        if isinstance(function, FunctionTool):
            function = function.given
        #: The function as it was given: a plain one, or a staticmethod or classmethod still to be bound.
        self.given: Any = function
        self.function = _callable_of(function)
        self.name = name or _name_of(self.function)
        self._description = description
        self.requires_approval = requires_approval
        self.timeout = timeout
        self.thread = thread
        self.parallel = parallel
        self.idempotent = idempotent
        self.retries = retries
        # An instance's own value of what is a class's constant in other tools.
        vars(self)["key_argument"] = key_argument
        self._check()
        self.is_async = _is_async(self.function)
        self._names = _local_names(self.function)
        functools.update_wrapper(self, self.function, updated=())

    def _check(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"`{self.name}` cannot be a tool's name: letters, digits, _ and -, at most 64",
                hint="give a name: @alloy.tool(name='...')",
            )
        if self.thread not in ("worker", "main"):
            raise ConfigError(f"thread={self.thread!r} is unknown", hint="use thread='worker' or thread='main'")
        if self.timeout is not None and self.timeout <= 0:
            raise ConfigError(f"timeout={self.timeout!r} leaves no time", hint="give seconds above 0, or None")
        if self.retries < 0:
            raise ConfigError(f"retries={self.retries!r} is below 0", hint="give 0 or more")
        _check_signature(self.name, self.function)

    @functools.cached_property
    def arguments(self) -> Arguments:
        """What the function takes; worked out when first needed, since that imports pydantic."""
        from .schema import arguments_of

        return arguments_of(self.function, self.name, self._names)

    @property
    def description(self) -> str:  # type: ignore[override]
        """What the model is told: the option, or the docstring up to its first section."""
        from .docstring import read_docstring

        if self._description is not None:
            return self._description
        return read_docstring(doc_of(self.function)).summary

    @property
    def input_schema(self) -> Mapping[str, Any]:  # type: ignore[override]
        return self.arguments.schema

    @property
    def identity(self) -> Hashable:
        """The function: each run makes a tool of its own of one that was given as it is."""
        return self.function

    def call(self, input: Mapping[str, Any], ctx: ToolContext) -> Any:
        """Call the function with validated arguments, here and now: its value, or a coroutine when `is_async`."""
        args, kwargs = self.arguments.bind(input, ctx)
        return self.function(*args, **kwargs)

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> Any:
        value = self.call(input, ctx)
        return await value if inspect.isawaitable(value) else value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> FunctionTool:
        """Bind a method, as a plain function does."""
        bind = getattr(self.given, "__get__", None)
        bound = self.given if bind is None else bind(instance, owner)
        if bound is self.function or (instance is None and bound is self.given):
            return self
        tool = object.__new__(type(self))
        vars(tool).update(self.__getstate__(), given=bound, function=bound)
        return tool

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickled by name where it has taken the function's place in its module, so that workers find it."""
        name = getattr(self, "__name__", "")
        if self.__module__ != "__main__" and getattr(sys.modules.get(self.__module__), name, None) is self:
            return name
        return super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        """Without the pydantic model, which is made again where it is needed."""
        return {key: value for key, value in vars(self).items() if key != "arguments"}


def _callable_of(function: Any) -> Function:
    if isinstance(function, (staticmethod, classmethod)):
        function = function.__func__
    if isinstance(function, type) or not callable(function):
        raise ConfigError(f"{function!r} is no function", hint="give a function, a method or a callable object")
    found: Function = function
    return found


def _without_partial(function: Function) -> Function:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def code_of(function: Function) -> Function:
    """The function with the code: below partials, decorators and callable objects."""
    function = _without_partial(function)
    found: Function = inspect.unwrap(function if inspect.isroutine(function) else type(function).__call__)
    return found


def signature_of(function: Function) -> inspect.Signature:
    """The signature, with names in annotations that are not known yet left open."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def _name_of(function: Function) -> str:
    function = _without_partial(function)
    name: str = function.__name__ if inspect.isroutine(function) else type(function).__name__
    return name


def doc_of(function: Function) -> str:
    """A partial has the docstring of what it calls, an object that of its `__call__` or else of its class."""
    function = _without_partial(function)
    if inspect.isroutine(function):
        return inspect.getdoc(function) or ""
    return getattr(type(function).__call__, "__doc__", None) or inspect.getdoc(type(function)) or ""


def _is_async(function: Function) -> bool:
    """Also for a plain wrapper of an async function, and an async wrapper of a plain one."""
    function = _without_partial(function)
    outer = function if inspect.isroutine(function) else type(function).__call__
    return inspect.iscoroutinefunction(outer) or inspect.iscoroutinefunction(code_of(function))


def _check_signature(name: str, function: Function) -> None:
    code = code_of(function)
    if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
        raise ConfigError(
            f"tool `{name}` yields, and a tool gives one result",
            hint="return a value; tell how far it is with ctx.progress(...)",
        )
    try:
        parameters = signature_of(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the signature of tool `{name}` cannot be read", hint="wrap it in a function") from error
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            star = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            raise ConfigError(
                f"tool `{name}` takes {star}{parameter.name}, which a model cannot be told of",
                hint="name each parameter, or take one list or dict",
            )


def _local_names(function: Function) -> dict[str, Any]:
    """Names in string annotations that only the enclosing function, while it still runs, can tell."""
    code = code_of(function)
    annotations = [parameter.annotation for parameter in signature_of(function).parameters.values()]
    texts = [annotation for annotation in annotations if isinstance(annotation, str)]
    outer, nested, _ = getattr(code, "__qualname__", "").rpartition(".<locals>.")
    if not nested or not texts:
        return {}
    words = set(re.findall(r"[^\W\d]\w*", " ".join(texts)))
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_qualname == outer and frame.f_globals is code.__globals__:
            return {name: value for name, value in frame.f_locals.items() if name in words}
        frame = frame.f_back
    return {}
