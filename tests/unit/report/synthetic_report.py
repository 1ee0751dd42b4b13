"""A made-up but lifelike problem set for the tests of the report, from the texts of the demo's corpus.

The texts, verdicts and cuts are those of the corpus' writer; the potentials follow from what the text
does (a slip that is mended, a shorter way, a guess) plus sampling noise of n rollouts. Everything after
that (intervals, events, rates, unlocks) comes from ``cot_assets.measures``, as in the real pipeline.
"""

from __future__ import annotations

import random
import re

import numpy as np
import polars as pl

from cot_assets.demo import corpus, families
from cot_assets.measures.patterns.changes import change_priors, judge_changes
from cot_assets.measures.patterns.drawdowns import find_drawdowns
from cot_assets.measures.patterns.events import find_insights, find_tangents
from cot_assets.measures.patterns.guesses import judge_guesses
from cot_assets.measures.patterns.isotonic import judge_falls
from cot_assets.measures.patterns.monotonicity import judge_monotonicity
from cot_assets.measures.patterns.text_signs import measure_jumps
from cot_assets.measures.rates.matching import matched_rates, model_differences
from cot_assets.measures.rates.passk import measured_pass_at_k
from cot_assets.measures.rates.pattern_rates import decided_traces, pattern_rates
from cot_assets.measures.rates.sensitivity import rate_sensitivity
from cot_assets.measures.rates.summaries import summaries
from cot_assets.measures.transfer.controls import shortest_unlocks, transfer_differences
from cot_assets.measures.transfer.steps import step_correlations, transfer_steps
from cot_assets.measures.transfer.unlocks import judge_unlocks, transfer_curve, unlock_rates
from cot_assets.report.data import ReportData
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.study import Protocol

PROTOCOL = Protocol(
    name="demo", n=64, max_tokens=400, temperature=1.0, top_p=1.0, cut_policy="lines", max_cuts=16
)
MODELS = {"demo-strong": corpus.STRONG, "demo-weak": corpus.WEAK}
_FRACTIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def _tokens(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\d|[^\W\d]+|[^\w]", text)]


def _true_curve(lines: list[str], right: bool, start: float, rng: random.Random) -> list[float]:
    """Potential before each line and after the last but one, told from what the lines do."""
    value, values = start, [start]
    broken_at = None if right else rng.randrange(1, max(2, len(lines) - 1))
    for number, line in enumerate(lines[:-1]):
        following = lines[number + 1]
        if following == corpus.CHECK:
            values.append(0.25 * value)
            continue
        if line == corpus.GUESS:
            value = 0.03 + 0.1 * rng.random()
        elif line in (corpus.SHORTER, "Look for a cycle.", "Factorize it.", "Pair the ends."):
            value = value + 0.75 * (1 - value)
        elif broken_at is not None and number >= broken_at:
            value = max(0.0, 0.08 * rng.random())
        else:
            value = min(0.995, value + 0.15 * rng.random() * (1 - value) + 0.02)
        if number == len(lines) - 2:
            value = 1.0 if right and line != corpus.GUESS else value
        values.append(value)
    return values


def _estimated(frame: pl.DataFrame) -> pl.DataFrame:
    low, high = jeffreys_interval(frame["n_correct"].to_numpy(), frame["n"].to_numpy())
    return frame.with_columns(
        pl.when(pl.col("n") > 0).then(pl.col("n_correct") / pl.col("n")).alias("potential"),
        pl.Series("ci_low", low, dtype=pl.Float64).fill_nan(None),
        pl.Series("ci_high", high, dtype=pl.Float64).fill_nan(None),
    )


def demo_data(per_cell: tuple[int, ...] = (1, 1, 2, 2), seed: int = 14) -> ReportData:
    """A report's data: 24 problems by default, two models, one measured trace each, transfer both ways."""
    rng = random.Random(seed)
    noise = np.random.default_rng(seed)
    stamp = {"problem_set": "demo", "protocol": PROTOCOL.name, "protocol_hash": PROTOCOL.protocol_hash}
    problems: list[dict] = []
    drawn: dict[str, families.Problem] = {}
    for family in families.FAMILIES:
        for level, count in zip(families.LEVELS, per_cell, strict=True):
            for number in range(count):
                problem = families.make_problem(family, level, rng, held_out=True)
                drawn[f"{family}-{level}-{number + 1}"] = problem
    for problem_id, problem in drawn.items():
        problems.append(
            {
                "problem_set": "demo",
                "problem_id": problem_id,
                "statement": problem.statement,
                "prompt": problem.statement,
                "gold_answer": str(problem.answer),
                "answer_kind": "integer",
                "level": str(problem.level),
                "subject": problem.family,
                "source": "generated:demo",
                "revision": "1",
            }
        )
    traces: list[dict] = []
    cuts: list[dict] = []
    for model, habits in MODELS.items():
        for problem_id, problem in drawn.items():
            start = (0.85 if model == "demo-strong" else 0.4) - 0.16 * (problem.level - 1) * (
                1 if model == "demo-strong" else 0.7
            )
            for sample in range(4):
                text = corpus.write_solution(problem, rng, habits)
                answer = re.findall(r"\\boxed\{(\d+)\}", text)[-1]
                right = int(answer) == problem.answer
                spans = _tokens(text)
                trace_id = f"{model}:{problem_id}:{sample}"
                traces.append(
                    {
                        **stamp,
                        "model": model,
                        "trace_id": trace_id,
                        "problem_id": problem_id,
                        "sample_index": sample,
                        "text": text,
                        "answer": answer,
                        "verdict": "correct" if right else "incorrect",
                        "finish_reason": "stop",
                        "n_tokens": len(spans),
                        "model_revision": "5f1d0c2ab977",
                        "grader_version": "1",
                    }
                )
                if sample:
                    continue
                lines = text.split("\n")
                values = _true_curve(lines, right, max(0.02, start), rng)
                ends = [0]
                for line in lines:
                    ends.append(ends[-1] + len(line) + 1)
                ends[-1] -= 1
                ends[-1] = len(text)
                for index, end in enumerate(ends):
                    token_end = sum(stop <= end for _, stop in spans)
                    is_end = index == len(ends) - 1
                    n = None if is_end else PROTOCOL.n
                    before = text[:end]
                    cuts.append(
                        {
                            **stamp,
                            "model": model,
                            "problem_id": problem_id,
                            "trace_id": trace_id,
                            "cut_policy": "lines",
                            "cut_index": index,
                            "prefix_id": None if is_end else f"{trace_id}@{index}",
                            "token_end": token_end,
                            "char_end": end,
                            "fraction": token_end / len(spans),
                            "is_end": is_end,
                            "states_answer": is_end,
                            "leaks_answer": f"= {problem.answer}." in before,
                            "n": n,
                            "n_correct": None if is_end else int(noise.binomial(PROTOCOL.n, values[index])),
                            "n_truncated": None if is_end else 0,
                            "n_no_answer": None if is_end else int(noise.binomial(2, 0.1)),
                            "n_unscored": None if is_end else 0,
                            "is_n_approximate": None if is_end else False,
                        }
                    )
    trace_frame = pl.DataFrame(traces)
    curves = _estimated(pl.DataFrame(cuts, infer_schema_length=None))
    transfer = _transfer(drawn, trace_frame, noise, stamp)
    return assemble("demo", pl.DataFrame(problems), trace_frame, curves, PROTOCOL, transfer, _costs())


def assemble(
    problem_set: str,
    problems: pl.DataFrame,
    traces: pl.DataFrame,
    curves: pl.DataFrame,
    protocol: Protocol,
    transfer: pl.DataFrame | None = None,
    costs: pl.DataFrame | None = None,
    *,
    is_recorded: bool = False,
) -> ReportData:
    """The tables that follow from curves and transfer potentials."""
    judged = curves.join(traces.select("trace_id", "text", "verdict"), on="trace_id")
    tangents, spikes = find_tangents(judged, protocol), find_insights(judged, protocol)
    guesses, monotone = judge_guesses(judged, protocol), judge_monotonicity(judged, protocol)
    more: dict[str, pl.DataFrame] = {}
    if transfer is not None:
        more["transfer_potentials"] = transfer
        more["transfer_curve"] = transfer_curve(transfer, protocol)
        more["unlocks"] = judge_unlocks(transfer, protocol)
        more["unlock_rates"] = unlock_rates(more["unlocks"], protocol)
        more["transfer_differences"] = transfer_differences(more["unlocks"], protocol)
        more["shortest_unlocks"] = shortest_unlocks(more["unlocks"], protocol)
        steps = transfer_steps(_points(transfer, curves), protocol)
        more["step_correlations"] = step_correlations(steps, protocol)
    if costs is not None:
        more["sampling_runs"] = costs
    if not is_recorded:
        more["pass_at_k"] = measured_pass_at_k(monotone, guesses, protocol)
    decisions = decided_traces(tangents, spikes, guesses, monotone)
    rules = {
        "changes": judge_changes, "change_priors": change_priors, "monotone_tests": judge_falls,
        "drawdowns": find_drawdowns, "sensitivity": rate_sensitivity,
    }  # fmt: skip
    more |= {name: rule(judged, protocol) for name, rule in rules.items()}
    gold = (
        problems
        if "answer_kind" in problems.columns
        else problems.with_columns(answer_kind=pl.lit("expression"))
    )
    more["jumps"] = measure_jumps(judged, gold, protocol)
    more["matched_rates"] = matched_rates(decisions, protocol)
    more["model_differences"] = model_differences(decisions, traces, protocol)
    summed_up = {"curves": judged, "tangents": tangents, "spikes": spikes, "lucky_guesses": guesses}
    summed_up |= {"monotonicity": monotone, "traces": traces, "problems": problems, **more}
    more["summaries"] = summaries(summed_up, protocol)
    return ReportData(
        problem_set=problem_set,
        problems=problems,
        traces=traces,
        curves=curves,
        tangents=tangents,
        spikes=spikes,
        lucky_guesses=guesses,
        monotonicity=monotone,
        pattern_rates=pattern_rates(tangents, spikes, guesses, monotone, protocol),
        protocol=None if is_recorded else protocol,
        **more,
    )


def _points(transfer: pl.DataFrame, curves: pl.DataFrame) -> pl.DataFrame:
    """Both models' counts at the cuts that a fraction stands for here: the cut of that number."""
    writer = curves.select("trace_id", "cut_index", writer_n="n", writer_n_correct="n_correct")
    given = transfer.filter(pl.col("control") == "none").unique(["reader", "trace_id", "cut_index"])
    return given.with_columns(pl.col("cut_index").cast(writer.schema["cut_index"])).join(
        writer, on=["trace_id", "cut_index"]
    )


def _transfer(
    drawn: dict[str, families.Problem], traces: pl.DataFrame, noise: np.random.Generator, stamp: dict
) -> pl.DataFrame:
    rows: list[dict] = []
    first = traces.filter(pl.col("sample_index") == 0)
    for reader, writer in (("demo-weak", "demo-strong"), ("demo-strong", "demo-weak")):
        for trace in first.filter(pl.col("model") == writer).iter_rows(named=True):
            level = drawn[trace["problem_id"]].level
            start = max(0.0, (0.42 if reader == "demo-weak" else 0.85) - 0.17 * (level - 1))
            n_correct = int(noise.binomial(64, start))
            for fraction in _FRACTIONS:
                for control in ("none", "shuffled", "wrong", "own"):
                    if control != "none" and fraction != 0.2:
                        continue
                    if control == "wrong" and level == 1:
                        continue
                    reach = fraction if trace["verdict"] == "correct" else -0.6 * fraction
                    value = (
                        start if control != "none" else min(0.99, max(0.0, start + reach * (1.05 - start)))
                    )
                    k = (
                        n_correct
                        if fraction == 0
                        else int(noise.binomial(64, 0.8 * value if control == "shuffled" else value))
                    )
                    rows.append(
                        {
                            **stamp,
                            "reader": reader,
                            "writer": writer,
                            "problem_id": trace["problem_id"],
                            "trace_id": trace["trace_id"],
                            "fraction": fraction,
                            "control": control,
                            "cut_index": round(10 * fraction),
                            "share": fraction,
                            "n_tokens": round(100 * fraction),
                            "trace_verdict": trace["verdict"],
                            "leaks_answer": fraction >= 0.8,
                            "n": 64,
                            "n_correct": k,
                        }
                    )
    return _estimated(pl.DataFrame(rows))


def _costs() -> pl.DataFrame:
    rows = []
    for model, speed in (("demo-strong", 9100.0), ("demo-weak", 17400.0)):
        for asset, rollouts, tokens in (
            ("traces", 96, 11_300),
            ("completions", 14_080, 1_032_113),
            ("transfer_completions", 17_920, 1_400_220),
        ):
            rows.append(
                {
                    "problem_set": "demo",
                    "asset": asset,
                    "model": model,
                    "model_revision": "5f1d0c2ab977",
                    "engine": "openvino 2026.4.0",
                    "device": "CPU f32",
                    "seconds": tokens / speed,
                    "n_blocks": rollouts // 16,
                    "n_rollouts": rollouts,
                    "prompt_tokens": rollouts * 9,
                    "cached_tokens": None,
                    "generated_tokens": tokens,
                    "tokens_per_second": speed,
                    "is_reproducible": True,
                    "is_retokenized": False,
                }
            )
    return pl.DataFrame(rows, schema_overrides={"cached_tokens": pl.Int64})


def recorded_data(n_sentences: int = 300) -> ReportData:
    """Imported curves: two policies, hundreds of cuts, unknown potentials, n approximate, no costs."""
    noise = np.random.default_rng(3)
    rng = random.Random(3)
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
        " ".join(rng.choice(words) for _ in range(rng.randint(4, 16))).capitalize()
        + rng.choice([". ", ".\n\n", "? "])
        for _ in range(n_sentences)
    ]
    sentences[-1] = "The final answer is \\boxed{\\frac{10}{3}}."
    text = "".join(sentences)
    ends = [0, *np.cumsum([len(s) for s in sentences]).tolist()]
    stamp = {"problem_set": "recorded", "protocol": "recorded", "protocol_hash": "none"}
    walk = np.clip(
        0.3 + np.cumsum(noise.normal(0, 0.06, n_sentences)) * 0.5 + np.linspace(0, 0.5, n_sentences), 0, 1
    )
    rows: list[dict] = []
    for policy, keep in (
        ("sentences", list(range(n_sentences + 1))),
        ("grid21", sorted({round(i * n_sentences / 20) for i in range(21)})),
    ):
        for index, place in enumerate(keep):
            is_end = place == n_sentences
            unknown = not is_end and policy == "sentences" and (place % 37 in (5, 6, 7) or 200 < place < 220)
            n = None if is_end else 0 if unknown else 97 + place % 5
            rows.append(
                {
                    **stamp,
                    "model": "deepseek-r1-distill-qwen-14b",
                    "problem_id": "problem_1591",
                    "trace_id": "recorded/1591",
                    "cut_policy": policy,
                    "cut_index": index,
                    "prefix_id": None if is_end else f"p{place}",
                    "token_end": ends[place] // 4,
                    "char_end": ends[place],
                    "fraction": ends[place] / ends[-1],
                    "is_end": is_end,
                    "states_answer": is_end or place > n_sentences - 20,
                    "leaks_answer": place > n_sentences - 60,
                    "n": n,
                    "n_correct": None if is_end else 0 if unknown else int(noise.binomial(n, walk[place])),
                    "is_n_approximate": None if is_end else True,
                }
            )
    problems = pl.DataFrame(
        [
            {
                "problem_set": "recorded",
                "problem_id": "problem_1591",
                "statement": "What is the area of the region?",
                "gold_answer": "\\frac{10}{3}",
                "level": "Level 5",
                "subject": "Geometry",
                "source": "recorded",
                "revision": "1",
            }
        ]
    )
    traces = pl.DataFrame(
        [
            {
                **stamp,
                "model": "deepseek-r1-distill-qwen-14b",
                "trace_id": "recorded/1591",
                "problem_id": "problem_1591",
                "sample_index": 0,
                "text": text,
                "answer": "\\frac{10}{3}",
                "verdict": "correct",
                "finish_reason": "stop",
                "n_tokens": ends[-1] // 4,
                "model_revision": "unknown",
            }
        ]
    )
    curves = _estimated(pl.DataFrame(rows, infer_schema_length=None))
    protocol = Protocol(name="recorded")
    return assemble("recorded", problems, traces, curves, protocol, is_recorded=True)
