"""The tests that every provider must pass, each named after what it keeps."""

from __future__ import annotations

from .answers import AnswerTests
from .failures import FailureTests
from .requests import RequestTests

__all__ = ["ProviderConformance"]


class ProviderConformance(AnswerTests, FailureTests, RequestTests):
    """Subclass it, give `cases` and `make`; pytest finds the tests. See the package for an example."""
