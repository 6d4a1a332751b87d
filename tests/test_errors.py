from __future__ import annotations

import copy
import inspect
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Callable

import pytest

import alloy_nb as alloy
from alloy_nb import errors

TREE = [getattr(errors, name) for name in errors.__all__]


def test_the_tree_drawn_in_the_docstring_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.search(r"[A-Z]\w+", line)
        if not found or not re.match(r"\s*(AlloyError|[│├└])", line):
            continue
        depth = found.start()
        while path and path[-1][0] >= depth:
            path.pop()
        if path:
            drawn[found.group()] = path[-1][1]
        path.append((depth, found.group()))
    real = {error.__name__: error.__bases__[0].__name__ for error in TREE if error is not errors.AlloyError}
    assert drawn == real


@pytest.mark.parametrize("error", TREE)
def test_every_error_has_a_message_and_may_have_a_hint(error: type[alloy.AlloyError]) -> None:
    assert inspect.getdoc(error)
    made = error("it broke", hint="mend it")
    assert (made.message, made.hint, str(made)) == ("it broke", "mend it", "it broke")


@pytest.mark.parametrize("error", TREE)
def test_ipython_shows_message_and_hint_instead_of_a_traceback(error: type[alloy.AlloyError]) -> None:
    assert error("it broke", hint="mend it")._render_traceback_() == [f"{error.__name__}: it broke", "Hint: mend it"]


@pytest.mark.parametrize("error", TREE)
def test_the_hint_stands_once_below_a_plain_traceback(error: type[alloy.AlloyError]) -> None:
    """A script without IPython showed the message alone."""
    shown = "".join(traceback.format_exception(error("it broke", hint="mend it")))
    assert shown.endswith(f"{error.__name__}: it broke\nHint: mend it\n")


def test_a_hint_that_is_changed_later_replaces_the_first_one_and_keeps_other_notes() -> None:
    error = alloy.AuthError("no")
    error.add_note("in cell 3")
    error.hint = "sign in"
    assert error.__notes__ == ["Hint: sign in", "in cell 3"]
    assert error._render_traceback_() == ["AuthError: no", "Hint: sign in"]
    error.hint = None
    assert error.__notes__ == ["in cell 3"]


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_made_again_has_its_hint_once(again: Callable[[alloy.AlloyError], alloy.AlloyError]) -> None:
    error = alloy.AuthError("no", hint="sign in")
    made = again(error)
    assert (made.hint, made.__notes__) == ("sign in", ["Hint: sign in"])
    made.hint = "look again"
    assert error.__notes__ == ["Hint: sign in"]


def test_a_script_that_fails_shows_the_hint() -> None:
    script = "import alloy_nb; alloy_nb.run('hi', model='nonsense:x')"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 1
    assert said.stderr.count("Hint: the providers are: ") == 1


def test_provider_errors_say_whether_trying_again_can_help() -> None:
    assert alloy.RateLimitError("x").retryable
    assert not alloy.RateLimitError("quota", retryable=False).retryable
    assert not alloy.AuthError("x").retryable


def test_an_error_carries_its_result() -> None:
    with pytest.raises(alloy.ProviderError) as caught:
        alloy.run("x", model=alloy.Scripted([{"error": "bad"}]), max_retries=0)
    assert caught.value.result is not None
    assert caught.value.result.error is caught.value


def test_a_failed_result_can_be_pickled() -> None:
    """A scheduler or a cluster sends results between processes."""
    error = {"type": "ServerError", "message": "bad", "hint": "mend it"}
    result = alloy.run("x", model=alloy.Scripted([{"error": error}]), max_retries=0, check=False)
    copied = pickle.loads(pickle.dumps(result))
    assert copied == result
    assert str(copied.error) == str(result.error)
    assert copied.error is not None
    assert getattr(copied.error, "__notes__", None) == ["Hint: mend it"]


def test_a_message_that_quotes_hostile_text_steers_no_terminal_and_can_be_written() -> None:
    error = alloy.AlloyError("\x1b[2J\x1b]0;owned\x07it said \ud800no", hint="\u202etry\x00 again")
    told = "\n".join([str(error), *error._render_traceback_()])
    assert told.encode("utf-8").decode() == "it said no\nAlloyError: it said no\nHint: try again"


@pytest.mark.parametrize("error", [error for error in TREE if error is not errors.AlloyError])
def test_an_error_that_nobody_gave_a_hint_has_one(error: type[alloy.AlloyError]) -> None:
    assert error("it broke").hint


def test_an_error_may_be_raised_without_a_message() -> None:
    def shrug() -> str:
        """Shrug."""
        raise alloy.ToolError

    result = alloy.run("x", model=alloy.Scripted([{"tool_calls": [{"name": "shrug"}]}, "well"]), tools=[shrug])
    assert result.tool_calls[0].error is not None
    assert "TypeError" not in result.tool_calls[0].error


def test_a_failed_result_keeps_what_the_service_said_when_it_is_pickled() -> None:
    """Its status, request id and pause were lost."""
    error = {"type": "RateLimitError", "message": "no", "status": 429, "request_id": "r1", "retry_after": 900}
    result = alloy.run("x", model=alloy.Scripted([{"error": error}]), max_retries=0, check=False)
    copied = pickle.loads(pickle.dumps(result)).error
    assert isinstance(copied, alloy.RateLimitError)
    assert (copied.status, copied.request_id, copied.retry_after, copied.retryable) == (429, "r1", 900, True)
    assert copied.result is not None


class Elsewhere(alloy.ToolError):
    """One of another package, which is made in a way of its own."""

    def __init__(self, place: str, *, depth: int) -> None:
        super().__init__(f"{place} is {depth} m deep")
        self.depth = depth


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_that_takes_something_else_can_be_copied(again: Callable[[Elsewhere], Elsewhere]) -> None:
    made = again(Elsewhere("the well", depth=9))
    assert (str(made), made.depth, made.hint) == ("the well is 9 m deep", 9, alloy.ToolError.default_hint)
