from __future__ import annotations

import inspect
import pickle
import re

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
    result = alloy.run("x", model=alloy.Scripted([{"error": "bad"}]), max_retries=0, check=False)
    copy = pickle.loads(pickle.dumps(result))
    assert copy == result
    assert str(copy.error) == str(result.error)


def test_a_message_that_quotes_hostile_text_steers_no_terminal_and_can_be_written() -> None:
    error = alloy.AlloyError("\x1b[2J\x1b]0;owned\x07it said \ud800no", hint="\u202etry\x00 again")
    told = "\n".join([str(error), *error._render_traceback_()])
    assert told.encode("utf-8").decode() == "it said no\nAlloyError: it said no\nHint: try again"
