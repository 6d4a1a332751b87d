"""A third party's provider, as a package that is installed would bring it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_MODULE = """
from alloy_nb.testing import Function


class Acme(Function):
    name = "acme"

    async def models(self):
        return ["acme-large", "acme-small"]


def make(model):
    return Acme(lambda request: f"{model} says hello", model)
"""


def install_plugin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the package `acme-models` on the path, with its metadata: the provider ``acme``, and one named as ours."""
    facts = folder / "acme_models-1.2.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-models\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text(
        "[alloy_nb.providers]\nacme = acme_models:make\nopenai = acme_models:make\n"
    )
    (folder / "acme_models.py").write_text(_MODULE)
    sys.modules.pop("acme_models", None)  # what another test has loaded
    monkeypatch.syspath_prepend(str(folder))
