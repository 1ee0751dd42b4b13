"""A small study with known numbers: two models, three problems.

``strong`` has one trace per problem: insights, tangents and a guess on p1 and p2; p3 needs no CoT and
goes wrong. ``weak`` has traces too, and reads those of ``strong``. What can be computed is computed by
the code under ``cot_assets``.
"""

from __future__ import annotations

from typing import Any

import polars as pl
from support.judged import PATTERN_VIEWS
from warehouse_rows import problems, rows

from cot_assets.measures.answers.spread import answer_entropy
from cot_assets.measures.estimates import estimates
from cot_assets.measures.patterns.judging import judge_curves
from cot_assets.measures.rates.matching import matched_rates, model_differences
from cot_assets.measures.rates.passk import measured_pass_at_k
from cot_assets.measures.rates.pattern_rates import decided_traces, pattern_rates
from cot_assets.measures.rates.sensitivity import rate_sensitivity
from cot_assets.measures.rates.summaries import summaries
from cot_assets.measures.transfer.controls import transfer_differences
from cot_assets.measures.transfer.steps import step_correlations, transfer_steps
from cot_assets.measures.transfer.unlocks import judge_unlocks, transfer_curve, transfer_gaps, unlock_rates
from cot_assets.orchestration.assets.counting import count_potentials
from cot_assets.study import DataHome, Protocol
from cot_assets.warehouse.publish import SHARD_COLUMNS
from cot_assets.warehouse.queries import Value, run_query
from cot_assets.warehouse.store import Warehouse

PROTOCOL = Protocol(name="study", n=64, cut_policy="lines")
N = PROTOCOL.sampling.n
#: Right rollouts of 64 at each cut, by model and problem.
CURVES = {
    "strong": {"p1": (8, 40, 16, 64), "p2": (8, 8, 40, 2), "p3": (64, 64, 64, 64)},
    "weak": {"p1": (0, 0, 0, 8), "p2": (0, 32, 32, 60), "p3": (16, 0, 0, 0)},
}
VERDICTS = {"strong": ("correct", "correct", "incorrect"), "weak": ("incorrect", "correct", "no_answer")}
#: Right rollouts of weak on strong's traces at fractions 0, 0.2 and 0.6.
TRANSFER = {"p1": (0, 30, 60), "p2": (0, 0, 2), "p3": (16, 30, 64)}
LINES = ("first\n", "s\x1b[31mecond\n", "third\n", "end")
ENDS = [len("".join(LINES[:i])) for i in range(len(LINES) + 1)]
STAMP = {"protocol": PROTOCOL.name, "protocol_hash": PROTOCOL.protocol_hash}
FACT = {"protocol": PROTOCOL.name, "sampling_hash": PROTOCOL.sampling_hash}


def ask(study: Warehouse, query: str, **params: Value) -> list[dict[str, Any]]:
    """The rows of a query over the published study."""
    return run_query(study.home, query, params).to_dicts()


def fill(warehouse: Warehouse) -> None:
    """Write the whole study, shards included."""
    home = warehouse.home.create()
    warehouse.write_partition(
        "problems",
        problems("p1", "p2", "p3", level=["1", "1", "2"], statement="1 + 1 = ?", gold_answer="2"),
        {"problem_set": "s"},
    )
    graded = {"answer": ["2", "2"], "gold_answer": "2", "answer_kind": "x", "verdict": "correct"}
    grades = rows("grades", **graded, grader_version=["x", "y"], reason=["by this grader", "by another"])
    warehouse.merge("grades", grades)
    warehouse.merge(
        "models",
        rows("models", model=["strong", "weak"], revision="r1", series="training", step=[2000, 1000]),
    )
    for model in CURVES:
        _fill_model(warehouse, home, model)
    _fill_transfer(warehouse)
    _fill_search(warehouse)
    _fill_comparisons(warehouse)
    warehouse.merge(
        "sampling_runs",
        rows(
            "sampling_runs", sampling_run_id=["1", "2", "3"], asset=["traces", "completions", "completions"],
            problem_set="s", model="strong", engine="e", device="d", seconds=[1.0, 10.0, 10.0],
            n_rollouts=[3, 500, 268], prompt_tokens=[30, 5000, 5000], cached_tokens=[None, 4000, 4500],
            generated_tokens=[300, 5000, 2680], tokens_per_second=[300.0, 500.0, 268.0],
        ),
    )  # fmt: skip


def _fill_model(warehouse: Warehouse, home: DataHome, model: str) -> None:
    where = {"problem_set": "s", "model": model}
    names, text = list(CURVES[model]), "".join(LINES)
    traces = rows(
        "traces", **where, **FACT, trace_id=[f"{model}-{p}" for p in names], problem_id=names, text=text,
        verdict=list(VERDICTS[model]), n_tokens=len(LINES),
    )  # fmt: skip
    warehouse.write_partition("traces", traces, where)
    cuts = pl.concat(
        rows(
            "trace_cuts", **where, **FACT, problem_id=p, trace_id=f"{model}-{p}", cut_policy="lines",
            cut_index=list(range(5)), prefix_id=[*(f"{model}-{p}-{i}" for i in range(4)), None],
            token_end=list(range(5)), char_end=ENDS, fraction=[i / 4 for i in range(5)],
            is_end=[i == 4 for i in range(5)], states_answer=[i >= 4 for i in range(5)],
            leaks_answer=[i >= 3 for i in range(5)],
        )
        for p in names
    )  # fmt: skip
    warehouse.write_partition("trace_cuts", cuts, where)
    rollouts = pl.concat(
        _rollouts({**where, "problem_id": p, "prefix_id": f"{model}-{p}-{i}", "origin": "own"}, model, k)
        for p in names
        for i, k in enumerate(CURVES[model][p])
    )
    _count(warehouse, rollouts, where, "own", "completions")
    _write_shard(home, rollouts, model)
    entropy = answer_entropy(warehouse.read_table("answer_distribution", **where), PROTOCOL)
    warehouse.write_partition("answer_entropy", entropy, where)

    curves = warehouse.read_transform("curves", where)
    found = judge_curves(curves, warehouse.read_table("problems"), PROTOCOL)
    for table, frame in found.items():
        warehouse.write_partition(table, frame, where)
    views = {name: warehouse.read_table(name, **where) for name in PATTERN_VIEWS}
    known = {"curves": curves, "traces": traces, "problems": warehouse.read_table("problems")}
    numbers = [
        summaries({**views, **known}, PROTOCOL),
        rate_sensitivity(curves, views["lucky_guesses"], PROTOCOL),
    ]
    _estimate(warehouse, numbers, where)


def _fill_blocks(warehouse: Warehouse, rollouts: pl.DataFrame, where: dict[str, str], asset: str) -> None:
    """One block per 16 rollouts, the first of each model audited."""
    blocks = rollouts.unique("block_key", keep="first", maintain_order=True)
    keys = blocks["block_key"].to_list()
    frame = rows(
        "blocks", **where, **FACT, asset=asset, problem_id=blocks["problem_id"].to_list(),
        prefix_id=blocks["prefix_id"].to_list(), block_index=[i % 4 for i in range(len(keys))], block_key=keys,
        n=16, seed=[str(i) for i in range(len(keys))], prompt="Find: 1 + 1\n", sampled_with='{"engine": "e"}',
    )  # fmt: skip
    warehouse.write_partition("blocks", frame, {**where, "asset": asset})
    audits = rows(
        "audits", **where, **STAMP, asset=asset, block_key=keys[:1], shard=blocks["shard"][0],
        prefix_id=blocks["prefix_id"][0], verdict="passed", z=1.26, log_e=-2.0,
    )  # fmt: skip
    warehouse.write_partition("audits", audits, {**where, "asset": asset})


def _fill_comparisons(warehouse: Warehouse) -> None:
    where = {"problem_set": "s"}
    judged = [warehouse.read_table(t) for t in ("tangents", "spikes", "lucky_guesses", "monotonicity")]
    decisions = decided_traces(*judged)
    traces = warehouse.read_table("traces")
    numbers = [
        pattern_rates(decisions, PROTOCOL),
        matched_rates(decisions, PROTOCOL),
        model_differences(decisions, traces, PROTOCOL),
        measured_pass_at_k(judged[3], judged[2], PROTOCOL),
    ]
    _estimate(warehouse, numbers, where)
    # The same traces under names that the paper reports on: what the query second_hand compares.
    known = {"problem_set": "aime24", "model": "Qwen/Qwen3-32B"}
    warehouse.write_partition("problems", problems("p1", problem_set="aime24"), {"problem_set": "aime24"})
    renamed = {
        at: unit.filter(model="strong").with_columns(**{name: pl.lit(value) for name, value in known.items()})
        for at, unit in decisions.items()
    }
    _estimate(warehouse, [pattern_rates(renamed, PROTOCOL)], {"problem_set": "aime24"})


def _estimate(warehouse: Warehouse, numbers: list[pl.DataFrame], where: dict[str, str]) -> None:
    for found in numbers:
        for question in found["question"].unique():
            own = found.filter(question=question)
            warehouse.write_partition("estimates", own, {**where, "question": question})


def _fill_transfer(warehouse: Warehouse) -> None:
    where, own = {"problem_set": "s", "reader": "weak"}, {"problem_set": "s", "model": "weak"}
    cuts, rollouts = [], []
    for p, counts in TRANSFER.items():
        points = [("none", f, k) for f, k in zip((0.0, 0.2, 0.6), counts, strict=True)] + [
            ("shuffled", 0.2, 0),
            *([("wrong", 0.2, 2)] if p == "p1" else []),
        ]
        for control, fraction, k in points:
            prefix = f"{p}-{control}-{fraction}"
            cuts.append(
                rows(
                    "given", **where, **FACT, writer="strong", problem_id=p, trace_id=f"strong-{p}",
                    fraction=fraction, control=control, prefix_id=prefix, n_tokens=round(4 * fraction),
                    cut_index=round(4 * fraction), share=fraction, char_end=ENDS[round(4 * fraction)], donor_trace_id=f"strong-{p}",
                    leaks_answer=fraction > 0.5,
                )
            )  # fmt: skip
            rollouts.append(
                _rollouts({**own, "problem_id": p, "prefix_id": prefix, "origin": "given"}, "weak", k)
            )
    warehouse.write_partition("given", pl.concat(cuts), where)
    _count(warehouse, pl.concat(rollouts), own, "given", "transfer_completions")
    unlocks = judge_unlocks(warehouse.read_table("transfer_potentials"), PROTOCOL)
    points = warehouse.read_transform("transfer_points", where)
    steps = transfer_steps(points, PROTOCOL)
    tables = {
        "unlocks": unlocks,
        "transfer_steps": steps,
    }
    for table, frame in tables.items():
        warehouse.write_partition(table, frame, where)
    numbers = [
        transfer_curve(warehouse.read_table("transfer_potentials"), PROTOCOL),
        unlock_rates(unlocks, PROTOCOL),
        transfer_differences(unlocks, PROTOCOL),
        step_correlations(steps, PROTOCOL),
        transfer_gaps(points, PROTOCOL),
    ]
    _estimate(warehouse, numbers, {"problem_set": "s", "model": "weak"})


def _fill_search(warehouse: Warehouse) -> None:
    """A search of ``strong`` on p1: two chunks, the second of which ends the trace."""
    where = {"problem_set": "s", "model": "strong"}
    named = {**where, **STAMP, "problem_id": "p1", "arm": "searched"}
    steps = rows(
        "search_steps", **named, cut_index=[0, 1, 2], char_start=[0, 0, 6], char_end=[0, 6, 9],
        token_end=[0, 2, 3], is_end=[False, False, True], n_candidates=[None, 4, 4],
        selection_n=[None, 16, None], selection_n_correct=[None, 12, None], selection_potential=[None, 0.75, None],
        n=[32, 32, None], n_correct=[4, 20, None], potential=[0.125, 0.625, None],
    )  # fmt: skip
    warehouse.write_partition("search_steps", steps, where)
    trace = rows("search_traces", **named, text="first\nend", verdict="correct", n_tokens=3, n_chunks=2)
    warehouse.write_partition("search_traces", trace, where)
    effects = [
        {
            **where,
            "measure": measure,
            "statistic": statistic,
            "estimate": value,
            "n": 1,
            "n_problems": 1,
            "n_of": "problems",
        }
        for measure, values in {"correct": (1.0, 0.5, 0.5), "selection_bias": (0.75, 0.625, 0.125)}.items()
        for statistic, value in zip(("mean", "reference", "difference"), values, strict=True)
    ]
    _estimate(warehouse, [estimates(effects, "search_effects", PROTOCOL)], where)


def _count(
    warehouse: Warehouse, rollouts: pl.DataFrame, where: dict[str, str], origin: str, asset: str
) -> None:
    """Write rollouts, the blocks that they came in, and what they come to."""
    _fill_blocks(warehouse, rollouts, where, asset)
    partition = {**where, "origin": origin}
    warehouse.write_partition("rollouts", rollouts, partition)
    count_potentials(warehouse, where, asset)


def _rollouts(where: dict[str, str], model: str, k: int) -> pl.DataFrame:
    n_truncated = min(2, N - k)
    n_incorrect = N - k - n_truncated
    answers = ["2"] * k + [None] * n_truncated + ["3"] * n_incorrect
    return rows(
        "rollouts", **where, **FACT, sample_index=list(range(N)), n_tokens=10,
        block_key=[f"{where['prefix_id']}-{i // 16}" for i in range(N)],
        verdict=["correct"] * k + ["truncated"] * n_truncated + ["incorrect"] * n_incorrect,
        answer=answers, answer_rule=[answer and "boxed" for answer in answers],
        shard=f"rollouts/{model}/a.parquet",
    )  # fmt: skip


def _write_shard(home: DataHome, rollouts: pl.DataFrame, model: str) -> None:
    path = home.shards / "rollouts" / model / "a.parquet"
    path.parent.mkdir(parents=True)
    shard = rollouts.select(
        "block_key", "sample_index", "prefix_id", "finish_reason", "n_tokens",
        pl.lit([1, 2], pl.List(pl.Int32)).alias("token_ids"),
        pl.format("{} says {}\x1b[2J", "prefix_id", "sample_index").alias("text"),
    )  # fmt: skip
    shard.cast(pl.Schema(SHARD_COLUMNS)).write_parquet(path)
