"""Rows of the table ``estimates``: one way to make a number with its interval, for every room.

Belongs here: the trace filters and rules that rooms share, a group of rows with its subset, and the numbers
about it. Does not belong here: which numbers a question needs, and the statistics (:mod:`cot_assets.statistics`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.measures.frames import reals
from cot_assets.statistics.clusters import (
    NOTHING,
    Estimate,
    cluster_bootstrap_mean,
    clustered_quantile,
    clustered_share,
    jackknifed_shares,
    paired_difference,
)
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

Row = dict[str, object]
Labels = Mapping[str, object]
Tables = Mapping[str, pl.DataFrame]  #: by name

#: Patterns of which a fitted law tells, since they are changes between cuts; and those that are levels.
CHANGES = ("insight", "tangent", "monotone")
GUESSES = ("late_spike", "lucky_guess")
PATTERNS = ("insight", "tangent", *GUESSES, "monotone")
RULES: Mapping[str, str] = {
    "threshold": "by_threshold",
    "confirmed": "is_confirmed",
}  #: rule to flag of a pattern
_IS_CORRECT = pl.col("verdict") == "correct"
FILTERS: Mapping[str, pl.Expr] = {
    "paper": _IS_CORRECT & ~pl.col("is_solved_without_cot"),
    "correct": _IS_CORRECT,
    "incorrect": pl.col("verdict").is_in(["incorrect", "no_answer", "truncated"]),
    "all": pl.lit(True),
}
#: Measures that speak of all traces of a model, however few are measured.
OF_ALL_TRACES = ("accuracy", "gain_over_v0", "truncated")
CHOSEN = (
    "withheld: the imported traces may have been chosen by their verdict (--traces sampled if they were not)"
)
#: What a subset column holds where it plays no part.
NEUTRAL: Labels = {
    **dict.fromkeys(("other", "rule", "split_by", "control", "method"), "none"),
    **{"cut_policy": "any", "trace_filter": "all", "part": "all", "leaks": "kept"},
    **{"fraction": 0.0, "threshold": 0.0, "size": 0},
}


def estimates(rows: Iterable[Labels], question: str, protocol: Protocol) -> pl.DataFrame:
    """The rows as the table ``estimates``: neutral values where a row is silent, question and protocol filled in."""
    stamp = {
        "question": question,
        "protocol": protocol.name,
        "sampling_hash": protocol.sampling_hash,
        "analysis_hash": protocol.analysis_hash,
    }
    filled = [{**NEUTRAL, **stamp, **row} for row in rows]
    return pl.DataFrame(filled, schema=polars_schema("estimates"))


def withheld(frame: pl.DataFrame, models: Sequence[str]) -> pl.DataFrame:
    """The rows with what says nothing of these models, whose traces may have been chosen by their verdict, as NULL."""
    is_hidden = pl.col("measure").is_in(OF_ALL_TRACES) & (
        pl.col("model").is_in(models) | pl.col("other").is_in(models)
    )
    numbers = ("estimate", "ci_low", "ci_high", "n_eff", "k")
    return frame.with_columns(
        *(pl.when(~is_hidden).then(pl.col(name)).alias(name) for name in numbers),
        method=pl.when(is_hidden).then(pl.lit("none")).otherwise("method"),
        note=pl.when(is_hidden).then(pl.lit(CHOSEN)).otherwise("note"),
    )


def row(measure: str, statistic: str, found: Estimate, n_of: str, method: str, labels: Labels) -> Row:
    """One number as a row; what is NaN is unknown."""
    ends = {"estimate": found.mean, "ci_low": found.low, "ci_high": found.high, "n_eff": found.n_eff}
    known: Row = {name: None if np.isnan(value) else value for name, value in ends.items()}
    counts: Row = {"k": found.k, "n": found.n, "n_problems": found.n_clusters, "n_of": n_of}
    method = "none" if known["ci_low"] is None else method
    return {**labels, "measure": measure, "statistic": statistic, "method": method, **known, **counts}


def comparison(
    measure: str, sides: Sequence[Estimate], n_of: str, labels: Labels, scale: float = 1.0
) -> list[Row]:
    """Rows ``mean``, ``reference`` and ``difference``, from bootstraps in units of ``scale``."""
    names = ("mean", "reference", "difference")
    return [
        row(measure, name, found.scaled(scale), n_of, "bootstrap", labels)
        for name, found in zip(names, sides, strict=True)
    ]


def paired(first: pl.DataFrame, second: pl.DataFrame, value: str, seed: int) -> tuple[Estimate, ...]:
    """Means of both sides over the problems that both have, each counting once, and their paired difference."""
    means = [
        side.filter(pl.col("problem_id").is_in(other["problem_id"].unique().implode()))
        .group_by("problem_id")
        .agg(pl.col(value).cast(pl.Float64).mean())
        .sort("problem_id")
        for side, other in ((first, second), (second, first))
    ]
    (x, a), (y, b) = ((reals(side, value), side["problem_id"].to_numpy()) for side in means)
    sides = cluster_bootstrap_mean(x, a, seed), cluster_bootstrap_mean(y, b, seed)
    return *sides, paired_difference(x, a, y, b, seed)


@dataclass(frozen=True)
class Group:
    """Rows that numbers are about; ``n_of`` says what a row is, ``labels`` which subset they are."""

    frame: pl.DataFrame
    n_of: str
    labels: Labels = field(default_factory=dict[str, object])
    seed: int = 0

    def share(self, measure: str, flag: pl.Expr, statistic: str = "share") -> Row:
        """Share of rows with the flag; rows where it is NULL are left out."""
        values, problems = self._known(flag)
        return self._row(measure, statistic, clustered_share(values, problems), "jeffreys")

    def mean(self, measure: str, value: pl.Expr, bounds: tuple[float, float] = (0.0, 1.0)) -> Row:
        """Mean over rows; those where it is NULL are left out."""
        found = cluster_bootstrap_mean(*self._known(value), self.seed, bounds=bounds)
        return self._row(measure, "mean", found, "bootstrap")

    def quantile(self, measure: str, value: pl.Expr, share: float) -> Row:
        """Quantile over rows; those where it is NULL are left out."""
        statistic = "median" if share == 0.5 else f"{100 * share:.0f}% quantile"
        return self._row(measure, statistic, clustered_quantile(*self._known(value), share), "woodruff")

    def fitted(
        self, measures: Sequence[Labels], fit: Callable[[npt.NDArray[np.bool_]], Sequence[float]]
    ) -> list[Row]:
        """Shares of rows that a fit to all of them gives; ``measures`` holds their labels."""
        found = [NOTHING] * len(measures)
        if self.frame.height:
            found = jackknifed_shares(fit, self.frame["problem_id"].to_numpy())
        return [
            {**self._row("", "fitted share", estimate, "jackknife"), **labels}
            for labels, estimate in zip(measures, found, strict=True)
        ]

    def count(self, measure: str, statistic: str, k: int | None, n: int | None = None) -> Row:
        """``k`` of the group's rows, or of ``n``, as a share without an interval; n alone where k is None."""
        n = self.frame.height if n is None else n
        found = NOTHING._replace(n=n, n_clusters=self.frame["problem_id"].n_unique(), k=k)
        return self._row(
            measure, statistic, found._replace(mean=k / n) if n and k is not None else found, "none"
        )

    def _known(self, value: pl.Expr) -> tuple[Floats, npt.NDArray[np.int64]]:
        known = self.frame.select(value.cast(pl.Float64).alias("value"), "problem_id").drop_nulls("value")
        # In the order of their names, so that the same problems are resampled alike.
        clusters = known["problem_id"].rank("dense").cast(pl.Int64)
        return reals(known, "value"), clusters.to_numpy()

    def _row(self, measure: str, statistic: str, found: Estimate, method: str) -> Row:
        return row(measure, statistic, found, self.n_of, method, self.labels)


@dataclass(frozen=True)
class Unit:
    """What is summarized together: the rows of every table about one problem set, model and perhaps cut policy."""

    tables: Tables
    protocol: Protocol

    @classmethod
    def of(cls, tables: Tables, names: Mapping[str, str], protocol: Protocol) -> Unit:
        """The rows with these names; a table without one of the columns says the same of all."""

        def own(frame: pl.DataFrame) -> pl.DataFrame:
            return frame.filter(pl.col(n) == value for n, value in names.items() if n in frame.columns)

        return cls({table: own(frame) for table, frame in tables.items()}, protocol)

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]

    def group(self, frame: pl.DataFrame, n_of: str, **labels: object) -> Group:
        """A subset of the rows, resampled by the protocol's seed."""
        return Group(frame, n_of, labels, self.protocol.sampling.seed)
