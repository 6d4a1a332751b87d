"""What a user sets of a service: wrong values are told in our words, whichever the provider."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import ConfigError
from alloy_nb.providers.vendors import VENDORS

KEY = "sk-canary-of-the-settings"


def make(name: str, **settings: Any) -> Any:
    settings = {"api_key": KEY, **settings}
    if name == "compatible":
        return alloy.OpenAICompatible("m", **{"base_url": "http://x.test", **settings})
    module, _, cls = VENDORS[name].provider.partition(":")
    return getattr(import_module(module), cls)("m", **settings)


@pytest.mark.parametrize("name", [*VENDORS, "compatible"])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"headers": ["a"]}, "headers is a list"),
        ({"headers": "x: y"}, "headers is a str"),
        ({"headers": 5}, "headers is an int"),
        ({"headers": {"a": 3}}, "the header 'a' is an int"),
        ({"headers": {3: "a"}}, "a name that no header has"),
        ({"headers": {f"Authorization: Bearer {KEY}": ""}}, "a name that no header has"),
        ({"headers": {"a": "line\nbreak"}}, "'a' holds characters"),
        ({"api_key": 5}, "the api_key argument is an int"),
        ({"api_key": b"x"}, "the api_key argument is a bytes"),
        ({"base_url": 3}, "base_url is no http address"),
        ({"base_url": b"http://x.test"}, "base_url is no http address"),
        ({"http_client": 3}, "http_client is an int"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_told_before_anything_is_sent(
    name: str, settings: dict[str, Any], words: str
) -> None:
    """They ended in an AttributeError, a TypeError or a ValueError of Python's own."""
    with pytest.raises(ConfigError, match=words) as caught:
        make(name, **settings)
    assert caught.value.hint
    assert KEY not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("name", [*VENDORS, "compatible"])
def test_headers_of_the_users_own_are_taken(name: str) -> None:
    sent = make(name, headers={"X-Team": "blue"})._all_headers({}, None)
    assert sent["x-team"] == "blue"
