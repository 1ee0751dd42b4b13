"""Entries of ``problem_sets.toml``: where problems come from and what measures them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field

from cot_assets.study.entries import RECORDED, Entry

#: How the answers of a problem set are read. ``expression``: as what the gold answer is, as it is written.
AnswerKind = Literal[
    "expression", "integer", "number", "quantity", "relation", "interval", "list", "set", "tuple", "matrix", "date",
    "time", "text", "multiple_choice",
]  # fmt: skip
ANSWER_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)
#: Where an answer is found in a text; see :mod:`cot_assets.grading.text.extract`.
AnswerRule = Literal["boxed", "statement", "hash", "last_number"]
ANSWER_RULES: tuple[AnswerRule, ...] = get_args(AnswerRule)


class ProblemSetEntry(Entry):
    """One problem set: where it comes from and the one protocol that it is measured with."""

    name: str
    source: str = Field(description="'generated:demo', 'reasoning-gym:<task>', a file path, or an hf:// path")
    protocol: str
    statement: str = Field("problem", description="column with the question")
    answer: str = Field("answer", description="column with the gold answer")
    id: str | None = Field(None, description="column with the problem's id; else the row number")
    level: str | None = None
    subject: str | None = None
    options: tuple[str, ...] = Field((), description="columns with the wrong options (multiple choice)")
    answer_kind: AnswerKind = Field(
        "expression", description="how answers are read; 'expression': as what the gold answer is"
    )
    answer_rules: tuple[AnswerRule, ...] = Field(
        ("boxed",), min_length=1, description="where a response has its answer, tried in this order"
    )
    gold_rules: tuple[AnswerRule, ...] = Field(
        (), description="where the answer column has the gold answer; none: the column is the answer"
    )
    prompt: str = Field("{statement}", description="text put in the place of the model template's statement")
    revision: str | None = Field(
        None, description="hub: the commit, tag or branch to read; a file: a label for its contents"
    )
    limit: int | None = Field(None, ge=1, description="use only the first so many problems")
    generator: Mapping[str, Any] = Field(default_factory=dict, description="arguments of a generated set")
    config: Mapping[str, Any] = Field(
        default_factory=dict, description="arguments of a reasoning-gym task, but for seed and size"
    )
    size: int | None = Field(None, ge=1, description="how many distinct problems a reasoning-gym task makes")
    seed: int = 0

    @property
    def is_recorded(self) -> bool:
        """Whether the problems came with rollouts that others published; nothing is sampled on them."""
        return self.source.startswith(RECORDED)
