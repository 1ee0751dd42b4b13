"""Entries of ``problem_sets.toml``: where problems come from and what measures them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from cot_assets.study.entries import RECORDED, Entry


class ProblemSetEntry(Entry):
    """One problem set: where it comes from and the one protocol that it is measured with."""

    name: str
    source: str = Field(description="'generated:demo', a file path, or an hf:// path")
    protocol: str
    statement: str = Field("problem", description="column with the question")
    answer: str = Field("answer", description="column with the gold answer")
    id: str | None = Field(None, description="column with the problem's id; else the row number")
    level: str | None = None
    subject: str | None = None
    options: tuple[str, ...] = Field((), description="columns with the wrong options (multiple choice)")
    answer_kind: Literal["integer", "expression", "multiple_choice"] = "expression"
    prompt: str = Field("{statement}", description="text put in the place of the model template's statement")
    revision: str | None = Field(
        None, description="hub: the commit, tag or branch to read; a file: a label for its contents"
    )
    limit: int | None = Field(None, ge=1, description="use only the first so many problems")
    generator: Mapping[str, Any] = Field(default_factory=dict, description="arguments of a generated set")
    seed: int = 0

    @property
    def is_recorded(self) -> bool:
        """Whether the problems came with rollouts that others published; nothing is sampled on them."""
        return self.source.startswith(RECORDED)
