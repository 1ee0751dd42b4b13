"""The tables of a report's index, worked out from the frames.

Belongs here: choosing, grouping, counting and ordering rows. Does not belong here: estimates, which the
frames already hold, and markup (templates). Numbers stay numbers; the templates format them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl

from cot_assets.measures.rates.matching import EQUAL_WEIGHTS
from cot_assets.report.data import ReportData
from cot_assets.study import CONTROLS

Row = dict[str, Any]
PATTERNS = ("insight", "tangent", "late_spike", "lucky_guess", "monotone")
RULES = ("threshold", "confirmed")
FILTERS = ("paper", "correct", "incorrect", "all")
STATUSES = ("unlocked", "not_unlocked", "undecided", "solved_before")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which ``p10`` follows ``p9``; runs of more than 18 digits sort as text."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", text[:200])
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def policy_order(policy: str) -> tuple[int, str]:
    """Policies that sampling follows come before grids laid over imported curves."""
    known = ("tokens", "lines", "sentences")
    return (known.index(policy) if policy in known else len(known), policy)


def models_of(data: ReportData) -> list[str]:
    """Every model with traces, rates or costs, by name."""
    frames = (data.traces, data.pattern_rates, data.sampling_runs)
    return sorted({model for frame in frames for model in frame["model"].to_list()}, key=natural)


def _order(value: str, known: tuple[str, ...]) -> tuple[int, str]:
    return (known.index(value) if value in known else len(known), value)


@dataclass(frozen=True)
class RateTable:
    """Rates of one trace filter and cut policy; ``rows`` by model and pattern, both rules in each."""

    trace_filter: str
    cut_policy: str
    rows: list[Row]


def rate_tables(data: ReportData) -> list[RateTable]:
    """Tables of rates, the paper's filter and the sampled policies first."""
    tables: list[RateTable] = []
    groups = data.pattern_rates.partition_by("trace_filter", "cut_policy", as_dict=True)
    for key in sorted(groups, key=lambda k: (_order(str(k[0]), FILTERS), policy_order(str(k[1])))):
        rows: dict[tuple[str, str], Row] = {}
        for rate in groups[key].iter_rows(named=True):
            row = rows.setdefault(
                (rate["model"], rate["pattern"]), {"model": rate["model"], "pattern": rate["pattern"]}
            )
            row[rate["rule"]] = rate
        ordered = sorted(rows, key=lambda k: (natural(k[0]), _order(k[1], PATTERNS)))
        tables.append(RateTable(str(key[0]), str(key[1]), [rows[k] for k in ordered]))
    return tables


def shown_sensitivity(sensitivity: pl.DataFrame) -> pl.DataFrame:
    """The rows that the report shows: with a rate, of one trace filter and one cut policy."""
    known = sensitivity.filter(pl.col("rate").is_not_null())
    if known.is_empty():
        return known
    filters = set(known["trace_filter"].to_list())
    chosen = "paper" if "paper" in filters else sorted(filters)[0]
    policy = min(set(known["cut_policy"].to_list()), key=policy_order)
    return known.filter((pl.col("trace_filter") == chosen) & (pl.col("cut_policy") == policy))


def model_rows(data: ReportData) -> list[Row]:
    """One row per model: how many traces, their verdicts, how many have a curve, events by the rules."""
    measured = data.curves.select("model", "trace_id").unique()
    rows: list[Row] = []
    for model in models_of(data):
        traces = data.traces.filter(pl.col("model") == model)
        with_curve = measured.filter(pl.col("model") == model)
        known = data.curves.filter((pl.col("model") == model) & ~pl.col("is_end"))
        events = {
            name: int(
                frame.filter((pl.col("model") == model) & pl.col("by_threshold"))["trace_id"].n_unique()
            )
            for name, frame in (("insight", data.spikes), ("tangent", data.tangents))
        }
        rows.append(
            {
                "model": model,
                "revisions": sorted(set(traces["model_revision"].to_list())),
                "n_traces": traces.height,
                "n_problems": traces["problem_id"].n_unique(),
                "verdicts": Counter(traces["verdict"].to_list()),
                "n_measured": with_curve.height,
                "n_cuts": known.height,
                "n_unknown": int(known["potential"].is_null().sum()),
                "n_tokens": traces["n_tokens"].median(),
                "is_in_words": bool(traces["is_in_words"].fill_null(value=False).any()),
                "events": events,
            }
        )
    return rows


@dataclass(frozen=True)
class GuessTable:
    """Guesses by bins of V0 for one model, rule and cut policy; ``matched`` weighs the bins equally.

    Each of ``bins`` and ``matched`` is a row of ``matched_rates`` with ``n_confirmed`` and ``bound``, the row
    of ``summaries`` with the mean over its traces of the largest share of guesses at their V0, or None.
    """

    model: str
    rule: str
    cut_policy: str
    bins: list[Row]
    matched: Row
    empty: list[str]
    n_undecided: int


def guess_tables(data: ReportData) -> list[GuessTable]:
    """How often correct traces were guessed, by V0: the two are confounded, so they stand side by side."""
    key = ("model", "pattern", "cut_policy")
    rates = data.matched_rates.filter(
        pl.col("pattern").is_in(["late_spike", "lucky_guess"]) & (pl.col("trace_filter") == "correct")
    )
    confirmed = {
        (*(row[name] for name in key), row["v0_bin"]): row["n_with"]
        for row in rates.filter(pl.col("rule") == "confirmed").iter_rows(named=True)
    }
    bounds = {
        (row["model"], row["rule"], row["cut_policy"], row["part"]): row
        for row in data.summaries.filter(pl.col("measure") == "guess_bound").iter_rows(named=True)
    }
    judged = data.lucky_guesses.group_by("model", pl.col("rule").alias("pattern"), "cut_policy").len()
    n_judged = {row[:3]: row[3] for row in judged.iter_rows()}
    groups = rates.filter(pl.col("rule") == "threshold").partition_by(*key, as_dict=True)
    tables: list[GuessTable] = []
    for group in sorted(groups, key=lambda k: (natural(str(k[0])), str(k[1]), policy_order(str(k[2])))):
        model, pattern, policy = (str(part) for part in group)
        rows = [
            {
                **row,
                "n_confirmed": confirmed.get((*group, row["v0_bin"]), 0),
                "bound": bounds.get((*group, row["v0_bin"])),
            }
            for row in groups[group].sort("v0_bin").iter_rows(named=True)
        ]
        matched = next(row for row in rows if row["v0_bin"] == EQUAL_WEIGHTS)
        bins = [row for row in rows if row["v0_bin"] != EQUAL_WEIGHTS]
        if not n_judged.get(group, 0):
            continue
        tables.append(
            GuessTable(
                model=model,
                rule=pattern,
                cut_policy=policy,
                bins=[row for row in bins if row["n_traces"]],
                matched=matched,
                empty=[row["v0_bin"] for row in bins if not row["n_traces"]],
                n_undecided=n_judged[group] - matched["n_traces"],
            )
        )
    return tables


def pass_rows(data: ReportData) -> list[Row]:
    """pass@k per model, cut policy and k: with guesses (``kept``), and without those of either rule."""
    rows: dict[tuple[str, str, int], Row] = {}
    for row in data.pass_at_k.iter_rows(named=True):
        key = (row["model"], row["cut_policy"], row["k"])
        rows.setdefault(key, dict(zip(("model", "cut_policy", "k"), key, strict=True)))[row["guesses"]] = row
    return [rows[key] for key in sorted(rows, key=lambda k: (natural(k[0]), policy_order(k[1]), k[2]))]


def headline_fraction(data: ReportData) -> float:
    """The protocol's headline fraction, else 20%."""
    return data.protocol.headline_fraction if data.protocol is not None else 0.2


@dataclass(frozen=True)
class UnlockTable:
    """Unlocks of one reader by one writer at the headline fraction; ``problems`` lists every trace.

    ``counts`` and ``by_fraction`` are rows of ``unlock_rates``; those of ``counts`` have a ``view``.
    """

    reader: str
    writer: str
    counts: list[Row]
    by_fraction: list[Row]
    problems: list[Row]


#: What is shown at the headline fraction: control, trace filter, leaks, and how it is called.
_VIEWS = (
    ("none", "all", "kept", "all traces"),
    ("none", "correct", "kept", "correct traces only"),
    ("none", "all", "dropped", "gold answer not in the text"),
    ("shuffled", "all", "kept", "control: another problem's text"),
    ("wrong", "all", "kept", "control: a wrong trace"),
    ("own", "all", "kept", "control: the reader's own"),
)


def unlock_tables(data: ReportData) -> list[UnlockTable]:
    """Per reader and writer: counts of statuses with and without control, leaks and wrong traces."""
    headline = headline_fraction(data)
    intervals = {
        (row[0], row[1], row[2], round(row[3], 9)): (row[4], row[5])
        for row in data.transfer_potentials.select(
            "reader", "trace_id", "control", "fraction", "ci_low", "ci_high"
        ).iter_rows()
    }

    def with_intervals(row: Row) -> Row:
        unknown = (None, None)
        place = (row["reader"], row["trace_id"], row["control"], round(row["fraction"], 9))
        start = (row["reader"], row["trace_id"], "none", 0.0)
        return {**row, "ci": intervals.get(place, unknown), "ci0": intervals.get(start, unknown)}

    tables: list[UnlockTable] = []
    rates = data.unlock_rates.partition_by("reader", "writer", as_dict=True)
    groups = data.unlocks.partition_by("reader", "writer", as_dict=True)
    for key in sorted(groups, key=lambda k: (natural(str(k[0])), natural(str(k[1])))):
        at = groups[key].filter((pl.col("fraction") - headline).abs() < 1e-9)
        own = rates.get(key, data.unlock_rates.clear()).sort("fraction").to_dicts()
        there = {
            (row["control"], row["trace_filter"], row["leaks"]): row
            for row in own
            if abs(row["fraction"] - headline) < 1e-9
        }
        series = [row for row in own if row["trace_filter"] == "all" and row["leaks"] == "kept"]
        shuffled = at.filter(pl.col("control") == "shuffled")
        controlled = {row["trace_id"]: with_intervals(row) for row in shuffled.iter_rows(named=True)}
        problems = [
            {**with_intervals(row), "shuffled": controlled.get(row["trace_id"])}
            for row in at.filter(pl.col("control") == "none").iter_rows(named=True)
        ]
        problems.sort(key=lambda row: (_order(row["status"], STATUSES), natural(row["problem_id"])))
        tables.append(
            UnlockTable(
                reader=str(key[0]),
                writer=str(key[1]),
                counts=[
                    {"view": view, **there[control, name, leaks]}
                    for control, name, leaks, view in _VIEWS
                    if (control, name, leaks) in there
                ],
                by_fraction=sorted(series, key=lambda row: _order(row["control"], ("none", *CONTROLS))),
                problems=problems,
            )
        )
    return tables


def curve_rows(data: ReportData) -> list[Row]:
    """Every point of the transfer curves, ordered for reading; prefixes that leak the answer included."""
    kept = data.transfer_curve.filter((pl.col("leaks") == "kept") & (pl.col("n_traces") > 0))
    return kept.sort("reader", "writer", "trace_filter", "control", "fraction").to_dicts()


@dataclass(frozen=True)
class CostTable:
    """What one model cost on one engine: a row per asset and, where there are several, their total."""

    model: str
    engine: str
    device: str
    revision: str
    is_reproducible: bool
    is_retokenized: bool
    rows: list[Row]


def cost_tables(data: ReportData) -> list[CostTable]:
    """Sums over the engine runs; ``tokens_per_second`` is that of the sums."""
    key = ("model", "engine", "device", "model_revision")
    groups = data.sampling_runs.partition_by(*key, as_dict=True)
    tables: list[CostTable] = []
    for group in sorted(groups, key=lambda k: tuple(map(str, k))):
        runs = groups[group]
        rows = [
            {"asset": str(asset[0]), "is_total": False, **_cost(runs.filter(pl.col("asset") == asset[0]))}
            for asset in sorted(runs.select("asset").unique().rows())
        ]
        if len(rows) > 1:
            rows.append({"asset": "together", "is_total": True, **_cost(runs)})
        model, engine, device, revision = (str(part) for part in group)
        flags = bool(runs["is_reproducible"].all()), bool(runs["is_retokenized"].any())
        tables.append(CostTable(model, engine, device, revision, *flags, rows))
    return tables


def _cost(runs: pl.DataFrame) -> Row:
    sums: Row = {
        name: runs[name].sum()
        for name in ("n_blocks", "n_rollouts", "prompt_tokens", "generated_tokens", "seconds")
    }
    # unknown, not 0, where any engine run did not tell how much came from the cache
    cached = None if runs["cached_tokens"].null_count() else runs["cached_tokens"].sum()
    speed = sums["generated_tokens"] / sums["seconds"] if sums["seconds"] > 0 else None
    return {**sums, "cached_tokens": cached, "tokens_per_second": speed, "n_runs": runs.height}


def asked(data: ReportData) -> Row:
    """The thresholds behind the events, as the frames or else the protocol state them; None if neither."""

    def stated(frame: pl.DataFrame, column: str, fallback: str) -> float | None:
        values = sorted(set(frame[column].drop_nulls().to_list()))
        if values:
            return float(values[0])
        return None if data.protocol is None else float(getattr(data.protocol, fallback))

    return {
        "insight": stated(data.spikes, "threshold", "insight_threshold"),
        "tangent": stated(data.tangents, "threshold", "tangent_threshold"),
        "guess": stated(data.lucky_guesses, "threshold", "late_spike_threshold"),
        "tolerance": stated(data.monotonicity, "tolerance", "monotone_tolerance"),
        "solved": 0.95 if data.protocol is None else data.protocol.solved_threshold,
    }
