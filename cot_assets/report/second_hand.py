"""Figures of the paper as digests repeat them, beside ours for the same models and problems.

Belongs here: the figures, and what counts as the same. Does not belong here: our rates, which the tables hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from cot_assets.report.data import ReportData
from cot_assets.report.tables import Row, policy_order

PATTERNS = ("insight", "tangent", "late_spike", "monotone")
#: AIME 2024, shares of traces in percent, from digests of arXiv 2602.14903: not checked against it.
_FIGURES: dict[str, tuple[float, float, float, float]] = {
    "Qwen2.5-1.5B": (40, 5, 20, 45),
    "Qwen2.5-7B": (62, 9.5, 14, 42),
    "Llama-3.1-8B": (46, 33, 6, 15),
    "Llama-3.1-70B": (37, 40, 5, 17),
    "Qwen3-0.6B": (55, 41, 10, 15),
    "Qwen3-32B": (36, 18, 0, 36),
}
_PROBLEM_SET = re.compile(r"aime[-_ ]?(?:20)?24(?![0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class SecondHand:
    """The paper's figures of one model, in percent, and our rates: cut policy and one per pattern or None."""

    model: str
    figures: tuple[float, float, float, float]
    ours: list[tuple[str, list[Row | None]]]


def second_hand(data: ReportData) -> list[SecondHand]:
    """Figures of models that were measured here, if the problems are the paper's; else none.

    Ours are by the threshold rule under the paper's filter, one row per cut policy. A model's name matches if
    it is the same but for an owner before it, capitals and ``-Instruct`` behind it; the problem set if its
    name, or where all of its problems come from, says AIME 2024.
    """
    if not _is_of_the_paper(data):
        return []
    rates = data.pattern_rates.filter(
        (pl.col("rule") == "threshold") & (pl.col("trace_filter") == "paper") & pl.col("rate").is_not_null()
    )
    found: list[SecondHand] = []
    for name, figures in _FIGURES.items():
        same = [model for model in sorted(set(rates["model"])) if _plain_name(model) == _plain_name(name)]
        own = rates.filter(pl.col("model").is_in(same[:1]))
        ours: list[tuple[str, list[Row | None]]] = []
        for policy in sorted(set(own["cut_policy"]), key=policy_order):
            here = {row["pattern"]: row for row in own.filter(pl.col("cut_policy") == policy).to_dicts()}
            ours.append((policy, [here.get(pattern) for pattern in PATTERNS]))
        if ours:
            found.append(SecondHand(name, figures, ours))
    return found


def _is_of_the_paper(data: ReportData) -> bool:
    sources = data.problems["source"].unique().to_list()
    return bool(_PROBLEM_SET.search(data.problem_set)) or (
        bool(sources) and all(_PROBLEM_SET.search(source or "") for source in sources)
    )


def _plain_name(model: str) -> str:
    return model.rpartition("/")[2].casefold().removesuffix("-instruct")
