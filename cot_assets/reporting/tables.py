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

from cot_assets.config.settings import CONTROLS
from cot_assets.potential.guesses import guess_rates_by_v0
from cot_assets.reporting.data import ReportData

Row = dict[str, Any]
PATTERNS = ("insight", "tangent", "late_spike", "lucky_guess", "monotone")
RULES = ("threshold", "confirmed")
FILTERS = ("paper", "correct", "incorrect", "all")
STATUSES = ("unlocked", "not_unlocked", "undecided", "solved_before")

#: AIME 2024, shares of traces in percent, from digests of arXiv 2602.14903: not checked against it.
SECOND_HAND: tuple[tuple[str, float, float, float, float], ...] = (
    ("Qwen2.5-1.5B", 40, 5, 20, 45),
    ("Qwen2.5-7B", 62, 9.5, 14, 42),
    ("Llama-3.1-8B", 46, 33, 6, 15),
    ("Llama-3.1-70B", 37, 40, 5, 17),
    ("Qwen3-0.6B", 55, 41, 10, 15),
    ("Qwen3-32B", 36, 18, 0, 36),
)


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
    """Guesses by bins of V0 for one model, rule and cut policy; ``matched`` weighs the bins equally."""

    model: str
    rule: str
    cut_policy: str
    bins: list[Row]
    matched: float | None
    empty: list[str]
    n_undecided: int


def guess_tables(data: ReportData) -> list[GuessTable]:
    """How often correct traces were guessed, by V0: the two are confounded, so they stand side by side.

    ``bound`` of a bin is the mean over its traces of the largest share of guesses at their V0.
    """
    guesses = data.lucky_guesses.with_columns(pl.lit(data.problem_set).alias("problem_set"))
    if guesses.is_empty():
        return []
    key = ("model", "rule", "cut_policy")
    rates = guess_rates_by_v0(guesses).partition_by(*key, as_dict=True)
    decided = guesses.filter(pl.col("by_threshold").is_not_null() & pl.col("v0_bin").is_not_null())
    beside = {
        row[:4]: row[4:]
        for row in decided.group_by(*key, "v0_bin")
        .agg(pl.col("is_confirmed").sum(), pl.col("guess_bound").mean(), pl.col("problem_id").n_unique())
        .iter_rows()
    }
    n_all = {row[:3]: row[3] for row in guesses.group_by(*key).len().iter_rows()}
    tables: list[GuessTable] = []
    for group in sorted(rates, key=lambda k: (natural(str(k[0])), str(k[1]), policy_order(str(k[2])))):
        bins: list[Row] = []
        for row in rates[group].iter_rows(named=True):
            confirmed, bound, problems = beside.get((*group, row["v0_bin"]), (0, None, 0))
            bins.append({**row, "n_confirmed": confirmed, "bound": bound, "n_problems": problems})
        model, rule, policy = (str(part) for part in group)
        tables.append(
            GuessTable(
                model=model,
                rule=rule,
                cut_policy=policy,
                bins=[row for row in bins if row["n_traces"]],
                matched=bins[0]["matched_rate"],
                empty=[row["v0_bin"] for row in bins if not row["n_traces"]],
                n_undecided=n_all[group] - sum(row["n_traces"] for row in bins),
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


def second_hand_matches(data: ReportData) -> dict[str, dict[str, Row]]:
    """Our rates under the paper's rule and filter for models of the second-hand table, by its names.

    A name matches if it is the same but for an owner before it, capitals and ``-Instruct`` behind it.
    """
    known = {_plain_name(row[0]): row[0] for row in SECOND_HAND}
    found: dict[str, dict[str, Row]] = {}
    ours = data.pattern_rates.filter(
        (pl.col("rule") == "threshold") & (pl.col("trace_filter") == "paper") & pl.col("rate").is_not_null()
    )
    for row in ours.sort("cut_policy").iter_rows(named=True):
        if name := known.get(_plain_name(row["model"])):
            found.setdefault(name, {}).setdefault(row["pattern"], row)
    return found


def _plain_name(model: str) -> str:
    return model.rpartition("/")[2].casefold().removesuffix("-instruct")


def headline_fraction(data: ReportData) -> float:
    """The protocol's headline fraction, else 20%."""
    return data.protocol.headline_fraction if data.protocol is not None else 0.2


@dataclass(frozen=True)
class UnlockTable:
    """Unlocks of one reader by one writer at the headline fraction; ``problems`` lists every trace."""

    reader: str
    writer: str
    counts: list[Row]
    by_fraction: list[Row]
    problems: list[Row]


def _status_counts(frame: pl.DataFrame) -> Row:
    counts = Counter(frame["status"].to_list())
    return {
        **{status: counts.get(status, 0) for status in STATUSES},
        "n_traces": frame.height,
        "n_problems": frame["problem_id"].n_unique(),
        "n_solved": int(frame["is_solved"].fill_null(value=False).sum()),
    }


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
    groups = data.unlocks.partition_by("reader", "writer", as_dict=True)
    for key in sorted(groups, key=lambda k: (natural(str(k[0])), natural(str(k[1])))):
        frame = groups[key]
        at = frame.filter((pl.col("fraction") - headline).abs() < 1e-9)
        none, shuffled = (at.filter(pl.col("control") == control) for control in ("none", "shuffled"))
        views = [
            ("all traces", none),
            ("correct traces only", none.filter(pl.col("trace_verdict") == "correct")),
            ("gold answer not in the text", none.filter(~pl.col("leaks_answer"))),
            ("control: another problem's text", shuffled),
            *(
                (label, at.filter(pl.col("control") == control))
                for control, label in (
                    ("wrong", "control: a wrong trace"),
                    ("own", "control: the reader's own"),
                )
            ),
        ]
        fractions = sorted(set(frame["fraction"].to_list()))
        series = [
            {"control": control, "fraction": f, **_status_counts(part)}
            for control in ("none", *CONTROLS)
            for f in fractions
            if (part := frame.filter((pl.col("control") == control) & (pl.col("fraction") == f))).height
        ]
        controlled = {row["trace_id"]: with_intervals(row) for row in shuffled.iter_rows(named=True)}
        problems = [
            {**with_intervals(row), "shuffled": controlled.get(row["trace_id"])}
            for row in none.iter_rows(named=True)
        ]
        problems.sort(key=lambda row: (_order(row["status"], STATUSES), natural(row["problem_id"])))
        tables.append(
            UnlockTable(
                reader=str(key[0]),
                writer=str(key[1]),
                counts=[{"view": view, **_status_counts(part)} for view, part in views],
                by_fraction=series,
                problems=problems,
            )
        )
    return tables


def curve_rows(data: ReportData) -> list[Row]:
    """Every point of the transfer curves, ordered for reading."""
    return data.transfer_curve.sort("reader", "writer", "trace_filter", "control", "fraction").to_dicts()


@dataclass(frozen=True)
class CostTable:
    """What one model cost on one engine: a row per asset and, where there are several, their total."""

    model: str
    engine: str
    device: str
    revision: str
    is_reproducible: bool
    is_retokenised: bool
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
        flags = bool(runs["is_reproducible"].all()), bool(runs["is_retokenised"].any())
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
