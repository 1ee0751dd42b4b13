"""Made-up but lifelike sources of reports, from the texts of the demo's corpus.

Tables and views of the schema are plain tables of a database in memory, so that the real queries run on rows that a test
decides. The potentials follow from what the text does (a slip that is mended, a shorter way, a guess) plus sampling
noise; events by the thresholds alone.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import polars as pl

from cot_assets.demo import corpus, families, writer
from cot_assets.report.source import Source
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.study import Protocol
from cot_assets.warehouse.reading import select
from cot_assets.warehouse.schema import tables as all_tables
from cot_assets.warehouse.schema import views as all_views

PROTOCOL = Protocol(
    name="demo", n=64, max_tokens=400, temperature=1.0, top_p=1.0, cut_policy="lines", max_cuts=16
)
MODELS = {"demo-strong": corpus.STRONG, "demo-weak": corpus.WEAK}
Rows = list[dict[str, Any]]


def source_of(tables: Mapping[str, Rows], problem_set: str = "demo", *, is_imported: bool = False) -> Source:
    """A source whose tables and views hold these rows; columns that a row lacks are NULL."""
    con = duckdb.connect()
    known = {name: table.columns for name, table in {**all_tables(), **all_views()}.items()}
    for name, described in known.items():
        columns = ", ".join(f'"{column.name}" {column.type}' for column in described)
        con.execute(f'CREATE TABLE "{name}" ({columns})')
    for name, rows in tables.items():
        names = {column.name for column in known[name]}
        stamp = {"problem_set": problem_set, "protocol": "demo", "protocol_hash": "h", "sampling_hash": "h"}
        frame = pl.DataFrame(
            [{k: v for k, v in {**stamp, **row}.items() if k in names} for row in rows],
            infer_schema_length=None,
        )
        if frame.height:
            con.register("rows", frame)
            con.execute(f'INSERT INTO "{name}" BY NAME SELECT * FROM rows')
    said = {(row["block_key"], row["sample_index"]): row["text"] for row in tables.get("provenance", ())}

    def with_texts(rollouts: pl.DataFrame) -> pl.DataFrame:
        keys = rollouts.select("block_key", "sample_index").iter_rows()
        return rollouts.with_columns(text=pl.Series([said[key] for key in keys], dtype=pl.String))

    return Source(
        lambda sql, params: select(con, sql, params), problem_set, PROTOCOL, is_imported, with_texts
    )


def curve_rows(
    trace: Mapping[str, Any], policy: str, ends: list[int], counts: list[tuple[int, int] | None]
) -> Rows:
    """Rows of trace_curves: cuts at characters ``ends`` with (correct, n) there, None at the end of the trace."""
    text = trace["text"]
    rows: Rows = []
    for index, (end, count) in enumerate(zip(ends, counts, strict=True)):
        is_end = count is None
        k, n = count or (0, 0)
        low, high = (float(x[0]) for x in jeffreys_interval(np.array([k]), np.array([max(n, 1)])))
        potential = k / n if n else None
        before = rows[-1] if rows else None
        ended = None if trace["verdict"] == "unscored" else float(trace["verdict"] == "correct")
        known = before is not None and before["potential"] is not None and potential is not None
        rows.append(
            {
                **{name: trace[name] for name in ("model", "problem_id", "trace_id", "sample_index", "verdict")},
                "cut_policy": policy, "cut_index": index, "is_end": is_end, "fraction": end / max(1, ends[-1]),
                "token_end": end // 2, "char_end": end, "chunk": text[ends[index - 1] if index else 0 : end],
                "states_answer": is_end, "leaks_answer": False, "n": None if is_end else n,
                "n_correct": None if is_end else k, "potential": potential,
                "ci_low": low if n else None, "ci_high": high if n else None,
                "value": ended if is_end else potential, "v0": rows[0]["potential"] if rows else potential,
                "delta": potential - before["potential"] if known else None,
                "truncated_share": 0.0 if n else None, "no_answer_share": 0.0 if n else None,
                "is_n_approximate": False if not is_end else None,
            }
        )  # fmt: skip
    return rows


def judged(curve: Rows) -> dict[str, Rows]:
    """Spikes, tangents, guesses and monotonicity of a curve by the thresholds, and the events among them."""
    found: dict[str, Rows] = {
        "spikes": [],
        "tangents": [],
        "lucky_guesses": [],
        "monotonicity": [],
        "events": [],
    }
    base = {name: curve[0][name] for name in ("model", "problem_id", "trace_id", "cut_policy")}
    for before, after in itertools.pairwise(curve):
        delta = after["delta"]
        if delta is None or -0.3 <= delta <= 0.4:
            continue
        kind = "spikes" if delta > 0 else "tangents"
        event = {
            **base, "cut_index": before["cut_index"], "n_before": before["n"], "n_after": after["n"],
            "potential_before": before["potential"], "potential_after": after["potential"], "delta": delta,
            "delta_low": delta - 0.1, "delta_high": delta + 0.1, "threshold": 0.4 if delta > 0 else 0.3,
            "by_threshold": True, "probability": 0.97, "fitted_probability": 0.81, "is_confirmed": abs(delta) > 0.5, "span": after["chunk"],
            "token_start": before["token_end"], "token_end": after["token_end"], "is_recovered": False,
        }  # fmt: skip
        found[kind].append(event)
        found["events"].append({**event, "pattern": "insight" if delta > 0 else "tangent"})
    sampled = [cut for cut in curve if not cut["is_end"] and cut["potential"] is not None]
    if curve[-1]["verdict"] == "correct" and sampled:
        last = sampled[-1]
        for rule in ("late_spike", "lucky_guess"):
            guess = {
                **base, "rule": rule, "cut_index": last["cut_index"], "n": last["n"], "potential": last["potential"],
                "ci_low": last["ci_low"], "ci_high": last["ci_high"], "threshold": 0.05,
                "by_threshold": last["potential"] < 0.05, "probability": 1 - last["potential"],
                "is_confirmed": last["potential"] < 0.01, "v0": curve[0]["potential"], "guess_bound": 0.1,
            }  # fmt: skip
            found["lucky_guesses"].append(guess)
            if guess["by_threshold"]:
                found["events"].append({**guess, "pattern": rule})
    drops = [-cut["delta"] for cut in sampled if cut["delta"] is not None]
    found["monotonicity"].append(
        {
            **base, "n_cuts": len(sampled), "n_pairs": len(drops), "v0": curve[0]["potential"],
            "is_solved_without_cot": False, "max_drop": max([*drops, 0.0]), "max_rise": 0.0, "tolerance": 0.1,
            "by_threshold": max([*drops, 0.0]) <= 0.1, "probability": 0.5, "is_confirmed": False,
        }
    )  # fmt: skip
    return found


def _true_curve(lines: list[str], is_correct: bool, start: float, rng: random.Random) -> list[float]:
    """Potential before each line and after the last but one, told from what the lines do."""
    value, values = start, [start]
    broken_at = None if is_correct else rng.randrange(1, max(2, len(lines) - 1))
    for number, line in enumerate(lines[:-1]):
        if lines[number + 1] == writer.CHECK:
            values.append(0.25 * value)
            continue
        if line == writer.GUESS:
            value = 0.01
        elif line in (writer.SHORTER, "Look for a cycle.", "Factorize it.", "Pair the ends."):
            value = value + 0.75 * (1 - value)
        elif broken_at is not None and number >= broken_at:
            value = max(0.0, 0.08 * rng.random())
        else:
            value = min(0.995, value + 0.15 * rng.random() * (1 - value) + 0.02)
        values.append(value)
    return values


def demo_tables(per_cell: tuple[int, ...] = (1, 1, 2, 2), seed: int = 14) -> dict[str, Rows]:
    """24 problems by default, two models, four traces each of which one is measured, and what follows from them."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    tables: dict[str, Rows] = {
        "problems": [],
        "traces": [],
        "trace_curves": [],
        "trace_cuts": [],
        "potentials": [],
    }
    for family in families.FAMILIES:
        for level, count in zip(families.LEVELS, per_cell, strict=True):
            for number in range(count):
                problem = families.make_problem(family, level, rng, held_out=True)
                problem_id = f"{family}-{level}-{number + 1}"
                tables["problems"].append(
                    {"problem_id": problem_id, "statement": problem.statement, "gold_answer": str(problem.answer),
                     "level": str(level), "subject": family, "source": "generated:demo"}
                )  # fmt: skip
                for model, habits in MODELS.items():
                    start = max(0.02, (0.85 if model == "demo-strong" else 0.4) - 0.16 * (level - 1))
                    for sample in range(4):
                        text = corpus.write_solution(problem, rng, habits)
                        answer = re.findall(r"\\boxed\{(\d+)\}", text)[-1]
                        is_correct = int(answer) == problem.answer
                        trace = {
                            "model": model, "trace_id": f"{model}:{problem_id}:{sample}", "problem_id": problem_id,
                            "sample_index": sample, "text": text, "answer": answer, "finish_reason": "stop",
                            "verdict": "correct" if is_correct else "incorrect", "n_tokens": len(text) // 2,
                            "token_ids": [1], "model_revision": "5f1d0c2ab977",
                        }  # fmt: skip
                        tables["traces"].append(trace)
                        if sample == 0:
                            lines = text.split("\n")
                            values = _true_curve(lines, is_correct, start, rng)
                            ends = [0, *np.cumsum([len(line) + 1 for line in lines]).tolist()]
                            ends[-1] = len(text)
                            counts: list[Any] = [(int(noise.binomial(64, v)), 64) for v in values]
                            _add(tables, curve_rows(trace, "lines", ends, [*counts, None]))
    return add_rollouts({**tables, **_estimates(tables), **given_texts(tables["trace_curves"])})


def given_texts(curves: Rows, reader: str = "demo-weak") -> dict[str, Rows]:
    """The reader on every other cut of the other model's traces: it solves nothing alone, and all from the last of them."""
    points: Rows = []
    for trace_id, cuts in itertools.groupby(curves, key=lambda cut: cut["trace_id"]):
        given = [cut for cut in cuts if not cut["is_end"] and cut["model"] != reader][::2]
        for cut in given:
            k = 60 * (cut is given[-1] and cut is not given[0])
            low, high = (float(x[0]) for x in jeffreys_interval(np.array([k]), np.array([64])))
            points.append(
                {"reader": reader, "writer": cut["model"], "problem_id": cut["problem_id"], "trace_id": trace_id,
                 "fraction": cut["fraction"], "share": cut["fraction"], "cut_index": cut["cut_index"], "control": "none",
                 "n": 64, "n_correct": k, "potential": k / 64, "ci_low": low, "ci_high": high,
                 "status": "unlocked" if k else "not_unlocked"}
            )  # fmt: skip
    return {"transfer_potentials": points, "unlocks": [point for point in points if point["fraction"] > 0]}


def add_rollouts(tables: dict[str, Rows], wrote: str = "", **columns: Any) -> dict[str, Rows]:
    """The tables with two rollouts of each cut in them, as many as a page shows, and one more."""
    rollouts: Rows = []
    for cut in tables["trace_curves"]:
        if cut["is_end"]:
            continue
        cut["prefix_id"] = f"{cut['trace_id']}:{cut['cut_index']}"
        for index, verdict in enumerate(("incorrect", "correct", "incorrect")):
            settings = {"engine": "openvino 2026.1", "temperature": 1.0, "max_tokens": 400 - cut["token_end"],
                        "is_reproducible": True, "note": "", "settings": {"enable_prefix_caching": False}}  # fmt: skip
            rollouts.append(
                {
                    **{name: cut[name] for name in ("model", "problem_id", "prefix_id")},
                    "sample_index": index, "verdict": verdict, "answer": str(7 * index), "answer_rule": "boxed",
                    "decided_by": "equal numbers", "finish_reason": "stop", "block_key": f"{cut['prefix_id']}:block",
                    "seed": str(2**63 + cut["cut_index"]), "sampled_with": json.dumps(settings), "audit": "passed",
                    "prompt": f"Problem: {cut['problem_id']}\nSolution:\n", "shard": "rollouts/m/s.parquet",
                    "text": wrote or f"so it is \\boxed{{{7 * index}}}, says rollout {index} of cut {cut['cut_index']}",
                    **columns,
                }
            )  # fmt: skip
    return {**tables, "trace_cuts": tables["trace_curves"], "rollouts": rollouts, "provenance": rollouts}


def _add(tables: dict[str, Rows], curve: Rows) -> None:
    """Add a curve and what is found on it."""
    for name, rows in {"trace_curves": curve, "trace_cuts": curve[:1], **judged(curve)}.items():
        tables.setdefault(name, []).extend(rows)


def _estimates(tables: dict[str, Rows]) -> dict[str, Rows]:
    """Rates, means, differences and a transfer curve with made-up intervals: enough for every kind of section."""
    rates: Rows = []
    for model in MODELS:
        for pattern in ("insight", "tangent", "late_spike", "lucky_guess", "monotone"):
            found = sum(event["model"] == model and event["pattern"] == pattern for event in tables["events"])
            for rule in ("fitted", "threshold", "confirmed"):
                for name in ("paper", "all"):
                    rates.append(
                        {"model": model, "pattern": pattern, "rule": rule, "cut_policy": "lines", "trace_filter": name,
                         "n_with": None if rule == "fitted" else min(found, 24), "n_traces": 24, "n_problems": 24, "rate": min(found, 24) / 24,
                         "ci_low": max(0.0, min(found, 24) / 24 - 0.1), "ci_high": min(1.0, min(found, 24) / 24 + 0.1)}
                    )  # fmt: skip
    means = [
        {"figure": "difficulty", "model": model, "cut_policy": "any", "split_by": "none", "part": "all",
         "measure": measure, "rule": "none", "trace_filter": "all", "statistic": "mean", "estimate": value,
         "ci_low": value - 0.05, "ci_high": value + 0.05, "n": 24, "n_problems": 24}
        for model, shift in (("demo-strong", 0.0), ("demo-weak", -0.2))
        for measure, value in (("v0", 0.45 + shift), ("accuracy", 0.7 + shift), ("gain_over_v0", 0.25))
    ]  # fmt: skip
    transfer = [
        {"reader": "demo-weak", "writer": "demo-strong", "control": control, "trace_filter": "all", "leaks": "kept",
         "fraction": fraction, "n_problems": 24, "n_traces": 24, "potential": 0.3 + lift, "ci_low": 0.2 + lift,
         "ci_high": 0.4 + lift, "n_paired": 24, "lift": lift, "lift_low": lift - 0.05, "lift_high": lift + 0.05}
        for control in ("none", "shuffled")
        for fraction, lift in ((0.0, 0.0), (0.2, 0.15 if control == "none" else -0.02), (0.6, 0.4))
    ]  # fmt: skip
    checkpoints = [{"model": m, "series": "training", "step": 1000 * i} for i, m in enumerate(MODELS, 1)]
    pairs = [
        {"model_a": "demo-strong", "model_b": "demo-weak", "measure": measure, "rule": rule, "trace_filter": "all",
         "cut_policy": policy, "n_problems": n, "value_a": 0.5, "value_b": 0.2, "difference": 0.3, "ci_low": 0.1,
         "ci_high": 0.5}
        for measure, rule, policy, n in (("accuracy", "none", "any", 24), ("insight", "threshold", "lines", 23),
                                         ("tangent", "threshold", "lines", 0))
    ]  # fmt: skip
    return {"pattern_rates": rates, "summaries": means, "transfer_curve": transfer, "models": checkpoints,
            "model_differences": pairs}  # fmt: skip


def imported_tables(n_sentences: int = 300) -> dict[str, Rows]:
    """An imported trace: two policies, hundreds of cuts, unknown potentials, n approximate, no costs."""
    rng, noise = random.Random(3), np.random.default_rng(3)
    words = [
        "so",
        "we",
        "have",
        "the",
        "area",
        "of",
        "a",
        "triangle",
        "then",
        "check",
        "whether",
        "it",
        "equals",
        "half",
        "base",
        "times",
        "height",
        "again",
    ]
    sentences = [
        " ".join(rng.choice(words) for _ in range(rng.randint(4, 16))).capitalize() + rng.choice([". ", ".\n\n", "? "])
        for _ in range(n_sentences)
    ]  # fmt: skip
    sentences[-1] = "The final answer is \\boxed{\\frac{10}{3}}."
    sentences[0] = "<think>\n" + sentences[0]
    ends = [0, *np.cumsum([len(s) for s in sentences]).tolist()]
    walk = np.clip(
        0.3 + np.cumsum(noise.normal(0, 0.03, n_sentences)) + np.linspace(0, 0.5, n_sentences), 0, 1
    )
    trace = {
        "model": "deepseek-r1-distill-qwen-14b", "problem_id": "problem_1591", "trace_id": "imported/1591",
        "sample_index": 0, "text": "".join(sentences), "answer": "\\frac{10}{3}", "verdict": "correct",
        "finish_reason": "stop", "n_tokens": ends[-1] // 2, "token_ids": [1], "model_revision": "unknown",
    }  # fmt: skip
    problem = {
        "problem_id": "problem_1591", "statement": "What is the area of the region?", "source": "imported",
        "gold_answer": "\\frac{10}{3}", "level": "Level 5", "subject": "Geometry",
    }  # fmt: skip
    tables: dict[str, Rows] = {"problems": [problem], "traces": [trace]}
    for policy, keep in (
        ("sentences", list(range(n_sentences))),
        ("grid21", sorted({round(i * n_sentences / 20) for i in range(20)})),
    ):
        counts: list[Any] = []
        for place in keep:
            is_unknown = policy == "sentences" and (place % 37 in (5, 6, 7) or 200 < place < 220)
            n = 0 if is_unknown else 97 + place % 5
            counts.append((int(noise.binomial(n, walk[place])), n))
        curve = curve_rows(trace, policy, [*(ends[p] for p in keep), ends[-1]], [*counts, None])
        for cut in curve[:-1]:
            cut |= {"is_n_approximate": True, "truncated_share": None, "no_answer_share": None}
        _add(tables, curve)
    return tables


def tables_around(text: str, **columns: Any) -> dict[str, Rows]:
    """One trace of two stretches whose every text is hostile."""
    trace = {
        "problem_id": "../../<p>", "model": "m", "trace_id": 't/../\\"><b>', "verdict": "correct", "sample_index": 0,
        "text": text, "answer": text, "finish_reason": "stop", "n_tokens": 9, "token_ids": [1], "model_revision": text,
        **columns,
    }  # fmt: skip
    problem = dict.fromkeys(("statement", "gold_answer", "level", "subject", "source", "chosen"), text)
    tables: dict[str, Rows] = {
        "problems": [{**problem, "problem_id": trace["problem_id"]}],
        "traces": [trace],
    }
    _add(tables, curve_rows(trace, "lines", [0, len(text) // 2, len(text)], [(0, 64), (60, 64), None]))
    return tables


def only_trace(tables: dict[str, Rows], trace_id: str) -> dict[str, Rows]:
    """One trace of the tables and all that belongs to it."""
    return {
        name: [row for row in rows if row.get("trace_id", trace_id) == trace_id]
        for name, rows in tables.items()
    }
