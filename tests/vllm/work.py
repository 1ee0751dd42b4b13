"""The sampling that the tests here do: a few prefixes of the demo model, their rollouts and verdicts.

Belongs here: registry entries, prefixes and plans, verdicts, the comparison of two samples. Does not belong
here: assertions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from scipy.stats import chi2

from cot_assets.engines.base import Engine
from cot_assets.engines.opening import open_engine
from cot_assets.grading.judge import judge_rollouts
from cot_assets.problems.load import load_problems
from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_rollouts, plan_traces, sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.sampling.tables import prompts
from cot_assets.study import DataHome, ModelEntry, Protocol, load_config

PROTOCOL = Protocol(name="p", n=48, max_tokens=250, temperature=1.0, top_p=1.0, traces_per_problem=1)
SAMPLING = sampling_of(PROTOCOL)
#: P(a comparison of two samples of one law fails). The design is fixed: nothing is looked at twice.
LEVEL = 0.001


def strong() -> ModelEntry:
    """The package's strong model in its embedded engine."""
    return load_config().model("demo-strong")


def on_vllm(**changes: Any) -> ModelEntry:
    """The same model in vLLM; the weak one has heads of 16, which vLLM's CPU build does not take."""
    return strong().model_copy(update={"engine": "vllm", "dtype": "float32", "engine_args": {}, **changes})


def on_server(url: str, **changes: Any) -> ModelEntry:
    """The same model on a vLLM server. Its CPU build takes no seeds."""
    args = {"seeds": False, "wait": 300.0, "concurrency": 16}
    fields = {"engine": "openai", "endpoint": url, "dtype": "float32", "engine_args": args, **changes}
    return strong().model_copy(update=fields)


def some_problems(root: Path) -> pl.DataFrame:
    """Eight problems of the demo, of its harder levels."""
    entry = load_config().problem_set("demo-quick")
    return load_problems(entry.model_copy(update={"generator": {"per_cell": [0, 0, 1, 1]}}), DataHome(root))


def write_prefixes(problems: pl.DataFrame, root: Path) -> list[Prefix]:
    """The empty prefix of each problem and half of a trace; kept for :func:`read_prefixes`.

    The traces are the embedded engine's, so that all engines are given the same.
    """
    engine = open_engine(strong())
    plan = plan_traces(prompts(problems, engine), PROTOCOL, engine.describe())
    store = ShardStore(root / "traces", "trace", "m")
    sample_missing(engine, plan, SAMPLING, store, lambda _: None)
    engine.close()
    ids = {row["block_key"]: row["token_ids"] for row in store.read([p.block.key for p in plan]).to_dicts()}
    prefixes: list[Prefix] = []
    for planned in plan:
        prompt, trace = planned.prefix, ids[planned.block.key]
        half = (*prompt.token_ids, *trace[: len(trace) // 2])
        prefixes += [prompt, Prefix(prompt.problem_id, half, prompt.n_prompt)]
    file = root / "prefixes.json"
    file.write_text(json.dumps([[p.problem_id, p.token_ids, p.n_prompt] for p in prefixes]))
    return prefixes


def read_prefixes(root: Path) -> list[Prefix]:
    """What another process wrote."""
    found = json.loads((root / "prefixes.json").read_text())
    return [Prefix(problem, tuple(ids), n) for problem, ids, n in found]


def plan_for(engine: Engine, prefixes: Sequence[Prefix]) -> list[PlannedBlock]:
    return plan_rollouts(prefixes, PROTOCOL, engine.describe())


def counts(
    engine: Engine, plan: Sequence[PlannedBlock], store: ShardStore, problems: pl.DataFrame
) -> pl.DataFrame:
    """Verdicts of a plan's rollouts: prefix_id, verdict, n."""
    prefixes = {p.prefix.prefix_id: p.prefix for p in plan}
    rows = store.read([p.block.key for p in plan])
    texts = pl.DataFrame(
        [(i, p.problem_id, engine.decode(p.token_ids[p.n_prompt :])) for i, p in prefixes.items()],
        ["prefix_id", "problem_id", "before"],
        orient="row",
    )
    frame = (
        rows.join(texts, on="prefix_id")
        .join(problems.select("problem_id", "gold_answer", "answer_kind"), on="problem_id")
        .with_columns(text=pl.concat_str("before", "text"))
    )
    judged = pl.concat([frame, judge_rollouts(frame).verdicts], how="horizontal")
    return judged.group_by("prefix_id", "verdict").len("n")


def agreement(one: pl.DataFrame, other: pl.DataFrame) -> tuple[float, int, float]:
    """Chi-square, degrees of freedom and p-value of two samples having the same potentials everywhere.

    A 2 x 2 table (engine, correct) per prefix. Prefixes where fewer than 5 of either outcome are expected are
    added up into one table, whose counts vary less than the test supposes.
    """
    tables: dict[str, list[tuple[int, int]]] = {}
    for frame in (one, other):
        correct = pl.col("n").filter(pl.col("verdict") == "correct").sum()
        for prefix, k, n in (
            frame.group_by("prefix_id").agg(correct, pl.col("n").sum().alias("all")).iter_rows()
        ):
            tables.setdefault(prefix, []).append((k, n - k))
    assert all(len(table) == 2 for table in tables.values()), "both samples have the same prefixes"
    large = [t for t in tables.values() if _least_expected(t) >= 5]
    small = [t for t in tables.values() if _least_expected(t) < 5]
    if small:
        large.append([tuple(map(sum, zip(*(t[i] for t in small), strict=True))) for i in (0, 1)])  # type: ignore[misc]
    statistics = [_pearson(table) for table in large if _least_expected(table) > 0]
    total = sum(statistics)
    return total, len(statistics), float(chi2.sf(total, len(statistics)))


def same_verdicts(one: pl.DataFrame, other: pl.DataFrame) -> tuple[float, int, float]:
    """The same for the verdicts of all rollouts together."""
    found = [dict(f.group_by("verdict").agg(pl.col("n").sum()).iter_rows()) for f in (one, other)]
    names = sorted(set(found[0]) | set(found[1]))
    sizes = [sum(f.values()) for f in found]
    total = 0.0
    for name in names:
        pooled = sum(f.get(name, 0) for f in found) / sum(sizes)
        total += sum(
            (f.get(name, 0) - pooled * n) ** 2 / (pooled * n) for f, n in zip(found, sizes, strict=True)
        )
    return total, len(names) - 1, float(chi2.sf(total, max(1, len(names) - 1)))


def _least_expected(table: list[tuple[int, int]]) -> float:
    rows, columns = [sum(r) for r in table], [sum(c) for c in zip(*table, strict=True)]
    return min(r * c / sum(rows) for r in rows for c in columns)


def _pearson(table: list[tuple[int, int]]) -> float:
    rows, columns = [sum(r) for r in table], [sum(c) for c in zip(*table, strict=True)]
    cells = ((table[i][j], rows[i] * columns[j] / sum(rows)) for i in (0, 1) for j in (0, 1))
    return sum((seen - expected) ** 2 / expected for seen, expected in cells)
