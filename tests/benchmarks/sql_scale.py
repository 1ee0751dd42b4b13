"""How time and memory grow from ten thousand to ten million rollouts.

    python tests/benchmarks/sql_scale.py
    python tests/benchmarks/sql_scale.py --rollouts 10000 1000000 --cores 2

Each size runs on a number of cores, on synthetic rollouts in partitions of about half a million (41
problems, 5 traces each, 20 cuts, 128 rollouts per prefix). Timed: rollouts to potentials to events to
pattern rates, with the calls that the assets make, one process per core as Dagster runs partitions;
beside it loading, publishing and a query over every rollout. Memory is the sum of the peaks of all
processes. Exits with 1 if the largest size takes longer or more memory than the limits.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from cot_assets.measures.patterns.judging import judge_curves
from cot_assets.measures.rates.pattern_rates import decided_traces, pattern_rates
from cot_assets.orchestration.assets.counting import count_potentials
from cot_assets.study import DataHome, Protocol
from cot_assets.warehouse.queries import run_query
from cot_assets.warehouse.schema import conform
from cot_assets.warehouse.store import Warehouse

TRACES, CUTS, N = 5, 20, 128
PER_PROBLEM = (1 + TRACES * (CUTS - 1)) * N
PARTITION = 500_000
PROTOCOL = Protocol(name="paper", n=N, max_cuts=CUTS)


def main() -> int:
    """Measure every size and print one line for each; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rollouts", type=int, nargs="+", default=[10_000, 1_000_000, 10_000_000])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--limit-seconds", type=float, default=60)
    parser.add_argument("--limit-gb", type=float, default=4)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.cores)))
        return 0
    results = [child(size, options.cores) for size in sorted(options.rollouts)]
    print(
        "  rollouts | wall s | us/rollout | cpu s: potentials | events+rates | load s | publish s | query s | peak GB"
    )
    for r in results:
        print(
            f"{r['rollouts']:>10,.0f} | {r['wall']:>6.1f} | {1e6 * r['wall'] / r['rollouts']:>10.2f} | "
            f"{r['potentials']:>17.2f} | {r['events']:>12.2f} | {r['load']:>6.1f} | {r['publish']:>9.2f} | "
            f"{r['query']:>7.2f} | {r['peak_gb']:>7.2f}"
        )
    last = results[-1]
    return int(last["wall"] > options.limit_seconds or last["peak_gb"] > options.limit_gb)


def child(rollouts: int, cores: int) -> dict[str, float]:
    """Measure one size in a new process, so that its peak memory is its own."""
    threads = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS"), str(cores))
    output = subprocess.run(
        [sys.executable, __file__, "--one", str(rollouts), "--cores", str(cores)],
        env={**os.environ, **threads}, check=True, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores]),
    ).stdout  # fmt: skip
    return json.loads(output.splitlines()[-1])


def measure(target: int, cores: int) -> dict[str, float]:
    """Seconds per stage, rollouts and peak memory (gigabytes) of one size."""
    partitions = max(1, round(target / PARTITION))
    n_problems = max(1, round(target / partitions / PER_PROBLEM))
    names = [f"model-{i}" for i in range(partitions)]
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(DataHome(Path(folder)))
        load = 0.0
        for i, model in enumerate(names):
            where = {"problem_set": "synthetic", "model": model}
            frames = synthetic(i, n_problems, where)
            start = time.perf_counter()
            for table, frame in frames.items():
                warehouse.write_partition(table, frame, where)
            load += time.perf_counter() - start
            del frames, frame
        start = time.perf_counter()
        if partitions == 1:
            done = [analyze(folder, names[0])]
        else:
            with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
                done = list(pool.map(analyze, [folder] * partitions, names))
        wall = time.perf_counter() - start
        start = time.perf_counter()
        warehouse.publish()
        publish = time.perf_counter() - start
        start = time.perf_counter()
        sql = "SELECT model, verdict, count(*) AS n, avg(n_tokens) FROM rollouts GROUP BY ALL"
        total = run_query(warehouse.home, sql)["n"].sum()
        query = time.perf_counter() - start
    peaks = {os.getpid(): peak_gb(), **{d["pid"]: d["peak_gb"] for d in done}}
    return {
        "rollouts": float(total), "wall": wall, "load": load, "publish": publish, "query": query,
        "potentials": sum(d["potentials"] for d in done), "events": sum(d["events"] for d in done),
        "peak_gb": sum(peaks.values()),
    }  # fmt: skip


def analyze(folder: str, model: str) -> dict[str, float]:
    """Potentials, events and rates of one partition: CPU seconds, this process and its peak memory."""
    warehouse, where = Warehouse(DataHome(Path(folder))), {"problem_set": "synthetic", "model": model}
    start = time.process_time()
    count_potentials(warehouse, where, "completions")
    middle = time.process_time()
    curves = warehouse.read_transform("curves", where)
    tables = judge_curves(curves, warehouse.read_table("problems", problem_set="synthetic"), PROTOCOL)
    for table, frame in tables.items():
        warehouse.write_partition(table, frame, where)
    judged = [
        warehouse.read_table(t, **where) for t in ("tangents", "spikes", "lucky_guesses", "monotonicity")
    ]
    rates = pattern_rates(decided_traces(*judged), PROTOCOL)
    warehouse.write_partition("estimates", rates, {**where, "question": "pattern_rates"})
    end = time.process_time()
    return {"potentials": middle - start, "events": end - middle, "pid": os.getpid(), "peak_gb": peak_gb()}


def peak_gb() -> float:
    """Peak resident memory of this process so far, gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def synthetic(seed: int, n_problems: int, where: dict[str, str]) -> dict[str, pl.DataFrame]:
    """Traces, cuts, prefixes and rollouts of one partition; potentials are random walks."""
    rng = np.random.default_rng(seed)
    constant = {**where, "protocol": PROTOCOL.name, "sampling_hash": PROTOCOL.sampling_hash}
    text = "".join(f"Step {i}: 12 * 7 = 84, so x = {i}.\n" for i in range(CUTS))
    walk = rng.normal(0, 1.2, (n_problems, TRACES, CUTS)).cumsum(axis=2)
    start = rng.normal(0, 1.5, (n_problems, 1, 1))
    share = 1 / (1 + np.exp(-(start + walk - walk[:, :, :1])))
    share[:, :, 0] = share[:, :1, 0]

    problem, trace, cut = (a.ravel() for a in np.indices(share.shape))
    cuts = pl.DataFrame(
        {"problem": problem, "trace": trace, "cut_index": cut, "share": share.ravel()}
    ).with_columns(
        pl.format("{}-p{}", pl.lit(where["model"]), "problem").alias("problem_id"),
        pl.format("{}-p{}-t{}", pl.lit(where["model"]), "problem", "trace").alias("trace_id"),
    )
    owner = pl.when(pl.col("cut_index") == 0).then(0).otherwise(pl.col("trace"))
    cuts = cuts.with_columns(
        pl.format("{}-{}-{}-{}", pl.lit(where["model"]), "problem", owner, "cut_index").hash(0).cast(pl.String)
        .str.zfill(32).alias("prefix_id")
    )  # fmt: skip
    verdicts = np.where(rng.random((n_problems, TRACES)) < share[:, :, -1], "correct", "incorrect").ravel()
    traces = cuts.filter(pl.col("cut_index") == 0).select(
        "trace_id", "problem_id", sample_index="trace", prompt_token_ids=pl.lit([1, 2, 3]),
        token_ids=pl.lit(list(range(10 * CUTS))), char_ends=pl.lit(list(range(10 * CUTS))), text=pl.lit(text),
        answer=pl.lit("84"), answer_rule=pl.lit("boxed"), verdict=pl.Series(verdicts), finish_reason=pl.lit("stop"), n_tokens=pl.lit(10 * CUTS),
        model_revision=pl.lit("r"), grader_version=pl.lit("g"),
    )  # fmt: skip
    step = len(text) // CUTS
    measured = cuts.select(
        "problem_id", "trace_id", "prefix_id", "cut_index", cut_policy=pl.lit("tokens"),
        token_end=10 * pl.col("cut_index"), char_end=step * pl.col("cut_index"),
        fraction=pl.col("cut_index") / CUTS, is_end=False, states_answer=False, leaks_answer=False,
    )  # fmt: skip
    ends = measured.filter(pl.col("cut_index") == 0).with_columns(
        prefix_id=pl.lit(None, pl.String), cut_index=pl.lit(CUTS, pl.Int64), token_end=pl.lit(10 * CUTS, pl.Int64),
        char_end=pl.lit(len(text), pl.Int64), fraction=pl.lit(1.0), is_end=True, states_answer=True, leaks_answer=True,
    )  # fmt: skip
    distinct = cuts.unique("prefix_id", keep="first", maintain_order=True)
    blocks = distinct.select(
        "problem_id", "prefix_id", asset=pl.lit("completions"), block_index=0, block_key="prefix_id", n=pl.lit(N),
        seed=pl.lit("1"), model_revision=pl.lit("r"), sampled_with=pl.lit("{}"), prompt=pl.lit("p"),
    )  # fmt: skip
    rollouts = (
        distinct.select("problem_id", "prefix_id", "share")
        .join(pl.DataFrame({"sample_index": range(N)}), how="cross")
        .with_columns(u=pl.Series(rng.random(distinct.height * N)))
        .select(
            "problem_id", "prefix_id", "sample_index", origin=pl.lit("own"),
            block_key=pl.format("{}{}", pl.col("prefix_id").str.tail(30), pl.col("sample_index") // 16),
            answer=pl.when(pl.col("u") < 0.97).then((pl.col("u") * 1000).cast(pl.Int32).cast(pl.String)),
            answer_rule=pl.when(pl.col("u") < 0.97).then(pl.lit("boxed")),
            verdict=pl.when(pl.col("u") < pl.col("share") * 0.97).then(pl.lit("correct"))
            .when(pl.col("u") < 0.97).then(pl.lit("incorrect"))
            .when(pl.col("u") < 0.99).then(pl.lit("truncated")).otherwise(pl.lit("no_answer")),
            finish_reason=pl.lit("stop"), n_tokens=(pl.col("u") * 400).cast(pl.Int32),
            shard=pl.lit(f"rollouts/{where['model']}/0123456789abcdef.parquet"), grader_version=pl.lit("g"),
        )
    )  # fmt: skip
    made = {
        "traces": traces,
        "trace_cuts": pl.concat([measured, ends]),
        "blocks": blocks,
        "rollouts": rollouts,
    }
    return {
        table: conform(table, frame.with_columns(**{k: pl.lit(v) for k, v in constant.items()}))
        for table, frame in made.items()
    }


if __name__ == "__main__":
    sys.exit(main())
