"""What third parties import from `alloy_nb.providers`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alloy_nb import providers


def test_each_name_is_there() -> None:
    for name in providers.__all__:
        assert name in dir(providers)
        value = getattr(providers, name)
        assert value is getattr(providers, name)
    with pytest.raises(AttributeError, match="no attribute 'Anthropics'"):
        providers.Anthropics  # noqa: B018


def test_the_contract_is_there() -> None:
    for (
        name
    ) in """HTTPProvider VendorProvider Request ToolSpec TextDelta ThinkingDelta ToolCallDelta WholePart UsageDelta
                Done Delta Provider Vocabulary make_error OpenAICompatible encode_all find_key Secret Answer""".split():
        assert name in providers.__all__


def test_law_13_importing_it_imports_none_of_them() -> None:
    code = """
import sys, alloy_nb.providers
assert not {name for name in sys.modules if name.startswith("alloy_nb.providers.")}
assert not {"pydantic", "httpx2", "asyncio"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
