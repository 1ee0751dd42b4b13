"""Figures about the demo models: what stands in their model cards, each by one command.

Belongs here: accuracy by family and level, and lucky guesses on many traces. Does not belong here:
training (:mod:`cot_assets.demo.train`) and the demo's own tables, which SQL over results.duckdb shows.

    uv run python tests/benchmarks/demo_models.py accuracy demo-strong
    uv run python tests/benchmarks/demo_models.py guesses demo-strong --traces 1000
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl

from cot_assets.demo import families
from cot_assets.engines.base import Engine
from cot_assets.engines.opening import open_engine
from cot_assets.grading.text.extract import extract_answer
from cot_assets.grading.text.statements import states_answer_at
from cot_assets.sampling.cuts import char_ends, cut_positions
from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_rollouts, plan_traces, sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.statistics.clusters import cluster_bootstrap_mean
from cot_assets.statistics.estimates import jeffreys_interval, probability_below
from cot_assets.study import Protocol, load_config


def _problems(per_cell: int, seed: int) -> dict[str, families.Problem]:
    rng = random.Random(seed)
    return {
        f"{family}-{level}-{i}": families.make_problem(family, level, rng, held_out=True)
        for family in families.FAMILIES
        for level in families.LEVELS
        for i in range(per_cell)
    }


def _prompts(problems: dict[str, families.Problem], engine: Engine) -> list[Prefix]:
    ids = {name: engine.render_prompt(problem.statement) for name, problem in problems.items()}
    return [Prefix(name, tokens, len(tokens)) for name, tokens in ids.items()]


def _sampled(engine: Engine, plan: list[PlannedBlock], protocol: Protocol) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        store = ShardStore(Path(folder), "rollout", "benchmark")
        sample_missing(engine, plan, sampling_of(protocol), store, lambda _: None)
        owner = pl.DataFrame(
            [(p.block.key, p.prefix.problem_id) for p in plan],
            schema=["block_key", "problem_id"],
            orient="row",
        )
        return store.read([p.block.key for p in plan]).join(owner, on="block_key")


def accuracy(engine: Engine, protocol: Protocol, per_cell: int) -> None:
    """Share of correct answers without any prefix, 16 samples a problem, interval by problem."""
    problems = _problems(per_cell, seed=11)
    plan = plan_rollouts(_prompts(problems, engine), protocol.model_copy(update={"n": 16}), engine.describe())
    rows = _sampled(engine, plan, protocol)
    right = [
        extract_answer(text, "integer").answer == str(problems[name].answer)
        for name, text in rows.select("problem_id", "text").iter_rows()
    ]
    print("family level problems accuracy 95%-interval")
    cells: dict[tuple[str, int], tuple[list[float], list[str]]] = defaultdict(lambda: ([], []))
    for name, value in zip(rows["problem_id"], right, strict=True):
        values, clusters = cells[problems[name].family, problems[name].level]
        values.append(float(value))
        clusters.append(name)
    for (family, level), (values, clusters) in sorted(cells.items()):
        mean = cluster_bootstrap_mean(values, clusters, seed=0)
        print(f"{family} {level} {per_cell} {mean.mean:.2f} {mean.low:.2f}-{mean.high:.2f}")
    print(f"all - {len(problems)} {np.mean(right):.2f}")


def guesses(engine: Engine, protocol: Protocol, traces: int) -> None:
    """Lucky guesses among unfiltered traces, measured at cut 0 and at the last cut before the answer."""
    per_problem = protocol.sampling.traces_per_problem
    problems = _problems(-(-traces // (16 * per_problem)), seed=12)
    info, prompts = engine.describe(), _prompts(problems, engine)
    prompt_of = {p.problem_id: p for p in prompts}
    sampled = _sampled(engine, plan_traces(prompts, protocol, info), protocol)
    last: list[Prefix] = []
    correct = 0
    for name, text, ids in sampled.select("problem_id", "text", "token_ids").iter_rows():
        answer = extract_answer(text, "integer").answer
        if answer is None or answer != str(problems[name].answer):
            continue
        correct += 1
        stated = states_answer_at(text, answer, "integer")
        ends = char_ends(engine.decode, ids)
        positions = cut_positions(protocol.sampling.cut_policy, text, ends, max_cuts=10_000)
        before = [p for p in positions if stated is None or (ends[p - 1] if p else 0) < stated]
        prompt = prompt_of[name]
        last.append(Prefix(name, (*prompt.token_ids, *ids[: before[-1]]), prompt.n_prompt))
    rows = _sampled(engine, plan_rollouts([*prompts, *last], protocol, info), protocol)
    is_right = [
        extract_answer(engine.decode(ids), "integer").answer == str(problems[name].answer)
        for name, ids in rows.select("problem_id", "token_ids").iter_rows()
    ]
    counts = (
        rows.with_columns(right=pl.Series(is_right))
        .group_by("prefix_id")
        .agg(k=pl.col("right").sum(), n=pl.len(), problem_id=pl.col("problem_id").first())
    )
    k_n = {row["prefix_id"]: (row["k"], row["n"]) for row in counts.iter_rows(named=True)}
    pairs = [k_n[p.prefix_id] for p in last]
    by_threshold = sum(k / n < protocol.analysis.guess_threshold for k, n in pairs)
    k, n = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    confirmed = int((probability_below(k, n, protocol.analysis.guess_threshold) >= 0.95).sum())
    low, high = jeffreys_interval(np.array([by_threshold]), np.array([correct]))
    v0 = np.mean([k_n[p.prefix_id][0] / k_n[p.prefix_id][1] for p in prompts])
    print(f"traces {sampled.height}, correct {correct}, mean V0 {v0:.2f}, n = {protocol.sampling.n}")
    print(
        f"lucky guesses by threshold {by_threshold} ({by_threshold / correct:.1%}, {low[0]:.1%}-{high[0]:.1%})"
    )
    print(f"lucky guesses with probability >= 0.95: {confirmed}")


def main() -> None:
    """Command line entry; see the module docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["accuracy", "guesses"])
    parser.add_argument("model")
    parser.add_argument("--per-cell", type=int, default=20, help="problems per family and level")
    parser.add_argument("--traces", type=int, default=1000, help="traces, at least")
    arguments = parser.parse_args()
    config = load_config()
    engine = open_engine(config.model(arguments.model))
    protocol = config.protocol_of("demo")
    if arguments.what == "accuracy":
        accuracy(engine, protocol, arguments.per_cell)
    else:
        guesses(engine, protocol, arguments.traces)


if __name__ == "__main__":
    main()
