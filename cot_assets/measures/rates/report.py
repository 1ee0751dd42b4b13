"""What the report shows of rates, difficulty and comparisons of models, with their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from cot_assets.measures.estimates import PATTERNS
from cot_assets.report.plots import FIRST, MUTED, SECOND, THIRD, dots, facets, lines, most_of, parts
from cot_assets.report.sections import Section
from cot_assets.report.text import natural, one_line

_LEARNED = {"v0": ("chance at the start (V0)", FIRST, "o"), "accuracy": ("accuracy", SECOND, "o")}
_OF_PAIRS = {"rule": "", "trace_filter": "", "cut_policy": "", "value_a": "{model_a}", "value_b": "{model_b}",
             "model_a": "First model", "model_b": "Second model", "matched_difference": "Matched on V0"}  # fmt: skip
_MOST_MODELS = 6
_ROWS = {pattern: pattern.replace("_", " ") for pattern in PATTERNS}


def pattern_figure(rates: pl.DataFrame) -> Figure | None:
    """Rates of the patterns with 95% intervals, models side by side, a panel per rule.

    Args:
        rates: Rows of ``pattern_rates``; of several trace filters the paper's is drawn, of several cut policies the
            first.
    """
    known = rates.filter(pl.col("rate").is_not_null())
    traces = min(known["trace_filter"], key=lambda name: (name != "paper", name), default="")
    known = _of_first_policy(known.filter(trace_filter=traces))
    models = sorted(set(known["model"]), key=natural)
    rows = _there(_ROWS, known["pattern"])

    def draw(axes: Axes, own: pl.DataFrame) -> dict[str, Any]:
        of_models = [(one_line(model, 40), own.filter(model=model)) for model in models]
        return dots(axes, of_models, "rate", "pattern", rows)

    return facets(
        {(rule,): own for rule in ("fitted", "threshold", "confirmed") if (own := known.filter(rule=rule)).height},
        draw,
        lambda own, rule: f"{rule} rule · {traces} traces · {own['cut_policy'][0]}",
        columns=2, size=(4.2, 0.3 + 0.22 * len(rows) * max(2, len(models))),
        formats={"xaxis": "{x:.0%}"}, xlim=(-0.02, 1.02), xlabel="share of traces, 95% interval",
    )  # fmt: skip


def sensitivity_figure(sensitivity: pl.DataFrame) -> Figure | None:
    """Share of traces with each pattern over its threshold: a line per n, a row of panels per model.

    Args:
        sensitivity: Rows of the table of one trace filter; of several cut policies the first is drawn.
    """
    known = _of_first_policy(sensitivity.filter(pl.col("rate").is_not_null())).sort("threshold")
    models = sorted(set(known["model"]), key=natural)[:_MOST_MODELS]
    patterns = _there(_ROWS, known["pattern"])
    sizes = sorted(set(known["n"]), reverse=True)[:3]
    looks = {n: (f"n = {n}", color, "") for n, color in zip(sizes, (FIRST, SECOND, THIRD), strict=False)}
    most, *fewer = looks or [0]

    def draw(axes: Axes, own: pl.DataFrame) -> dict[str, Any]:
        plain = own.with_columns(ci_low=None, ci_high=None)
        found = lines(axes, plain, "threshold", "rate", "n", {n: looks[n] for n in reversed(fewer)})
        for column, dashes in (("noise_flat", "--"), ("noise_monotone", "-.")):
            noise = own.filter(n=most).select("threshold", column)
            drawn = axes.plot(*noise, color=MUTED, linewidth=1.1, linestyle=dashes)
            found[column.replace("_", ", ") + " curves"] = drawn[0]
        found |= lines(axes, own, "threshold", "rate", "n", {most: looks[most]})
        for threshold in own.filter("is_in_use")["threshold"][:1]:
            axes.axvline(threshold, color=MUTED, linewidth=1, linestyle=":")
        place = axes.get_subplotspec()
        axes.set_xlabel("threshold" if place and place.is_last_row() else "")
        axes.set_ylabel("share of traces" if place and place.is_first_col() else "")
        return found

    return facets(
        {(model, pattern): known.filter(model=model, pattern=pattern) for model in models for pattern in patterns},
        draw,
        lambda own, model, pattern: f"{_ROWS[pattern]}\n{one_line(model, 20)}, {most_of(own, 'trace')}",
        columns=len(patterns), size=(2.1, 1.9), formats={"yaxis": "{x:.0%}"}, xlim=(0, 0.82), ylim=(-0.02, 1.02),
    )  # fmt: skip


def difference_figure(pairs: pl.DataFrame) -> Figure | None:
    """How far two models are apart in accuracy, V0 and each pattern, with 95% intervals; of many pairs the first.

    Args:
        pairs: Rows of ``model_pairs``; of several cut policies the first is drawn.
    """
    known = _of_first_policy(pairs.filter(pl.col("difference").is_not_null()))
    of_pairs = [
        (f"{one_line(first, 40)} minus {one_line(second, 40)}", own)
        for (first, second), own in islice(known.group_by("model_a", "model_b", maintain_order=True), _MOST_MODELS)
    ]  # fmt: skip
    rows = _there(
        {measure: look[0] for measure, look in reversed(_LEARNED.items())} | _ROWS, known["measure"]
    )

    def draw(axes: Axes, _: pl.DataFrame) -> dict[str, Any]:
        axes.axvline(0, color=MUTED, linewidth=1, zorder=1)
        return dots(axes, of_pairs, "difference", "measure", rows)

    return facets(
        {(): known} if known.height else {}, draw, size=(5.6, 0.5 + 0.2 * len(rows) * max(2, len(of_pairs))),
        formats={"xaxis": "{x:.0%}"}, xlabel="difference, 95% interval",
    )  # fmt: skip


def training_figure(curve: pl.DataFrame) -> Figure | None:
    """Chance at the start and accuracy over the steps of a training, a panel per series of checkpoints.

    Args:
        curve: Rows of ``training_curve``; those without a step are left out, and one step makes no curve.
    """
    known = curve.filter(pl.col("step").is_not_null(), pl.col("measure").is_in([*_LEARNED]))
    return facets(
        parts(known, "series", most=_MOST_MODELS) if known["step"].n_unique() > 1 else {},
        lambda axes, own: lines(axes, own, "step", "estimate", "measure", _LEARNED),
        lambda _, series: one_line(series or "", 60),
        columns=2, size=(4.2, 2.4), formats={"xaxis": EngFormatter(sep="")}, ylim=(-0.02, 1.02), xlabel="training step",
    )  # fmt: skip


def _there(names: Mapping[str, str], values: pl.Series) -> dict[str, str]:
    """Those of the names that are among the values."""
    return {name: said for name, said in names.items() if name in set(values)}


def _of_first_policy(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of any policy and of the first that sampling follows, before grids that are laid over imported curves."""
    there = set(rows["cut_policy"])
    order = ("tokens", "lines", "sentences", *sorted(there - {"any"}))
    first = next((name for name in order if name in there), "any")
    return rows.filter(pl.col("cut_policy").is_in(["any", first]))


SECTIONS = (
    Section(
        "pattern_rates", "patterns", "How often each pattern occurs",
        across=("model", "rule"), n=("n_with", "n_traces"), is_open=True, picture=lambda _, rates: pattern_figure(rates),
        caption="Dots: rates; lines: 95% intervals, clustered by problem.",
    ),
    Section(
        "pattern_rates", "patterns", "The same over all measured traces",
        "Incorrect traces and problems that are solved from the start included.",
        across=("model", "rule"), values={"trace_filter": "all"}, n=("n_with", "n_traces"),
    ),
    Section(
        "second_hand", "patterns", "Our rates and the paper's",
        across=(), n=("n_with", "n_traces"), names={"paper_second_hand": "The paper, second hand"},
    ),
    Section(
        "guesses_by_v0", "patterns", "Guesses by difficulty",
        n=("n_guesses", "n_traces"), names={"v0_bin": "V0", "mean_bound": "Bound", "guess_rate": "Guesses"},
    ),
    Section(
        "pass_at_k", "patterns", "pass@k with and without guesses",
        n=("n_traces",),
        names={"pass_at_k": "pass@k", "pass_at_k_without_guesses": "Without guesses", "rule": ""},
    ),
    Section(
        "sensitivity", "trust", "The same rates at other thresholds, from fewer rollouts, and from noise",
        values={"pattern": None, "in_use": "true"}, across=("model", "n"),
        names={"is_in_use": "", "n_problems": "", "noise_flat": "", "noise_monotone": "", "rule": "", "n_traces": ""},
        picture=lambda source, _: sensitivity_figure(source.query("sensitivity", pattern=None)),
        caption="Solid: rates from n rollouts per cut. Dashed: what noise alone gives.",
    ),
    *(
        Section(
            "difficulty", "problems", f"By {part}",
            values={"split_by": part}, n=("n_problems",),
            names={"split_by": "", "part": part.capitalize(), "note": ""},
        )
        for part in ("level", "subject")
    ),
    Section(
        "difficulty", "models", "How hard the problems are for each model",
        "V0 and accuracy estimate one chance: the difference is 0 but for noise, unless traces were chosen.",
        values={"split_by": "none"}, n=("n_problems",), is_open=True,
        names={"split_by": "", "part": "", "note": ""},
    ),
    Section(
        "model_pairs", "models", "Two models on the same problems",
        across=(), n=("n_problems",), names=_OF_PAIRS,
        is_open=True, picture=lambda _, pairs: difference_figure(pairs),
        caption="Differences over the problems that both models have; lines: 95% intervals, bootstrap by problem.",
    ),
    Section(
        "model_pairs", "models", "The same over the paper's traces",
        "Correct traces of problems that are not solved from the start.",
        values={"trace_filter": "paper"}, across=(), n=("n_problems",), names=_OF_PAIRS,
    ),
    Section(
        "training_curve", "training", "Over the steps of a training",
        across=("measure",), n=("n_problems",), is_open=True,
        picture=lambda _, curve: training_figure(curve),
        caption="Means over problems; bands: 95% intervals.",
    ),
    Section(
        "matched_rates", "models", "Rates at like difficulty",
        n=("n_with", "n_traces"), names={"v0_bin": "V0"},
    ),
)  # fmt: skip
