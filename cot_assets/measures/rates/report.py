"""What the report shows of rates, difficulty and comparisons of models, with their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from cot_assets.measures.estimates import PATTERNS
from cot_assets.report.numbers import counted
from cot_assets.report.plots import FIRST, GRID, MUTED, SECOND, THIRD, legend, line, panels, title
from cot_assets.report.sections import Section
from cot_assets.report.text import natural, one_line

_LEARNED = {"v0": "chance at the start (V0)", "accuracy": "accuracy"}
_MEANS = {"accuracy": "share", "truncated": "share", "solved_without_cot": "share", "n_tokens": "count",
          "gain_over_v0": "change"}  # fmt: skip
_PAIRED = {"accuracy": "share", "v0": "value"} | dict.fromkeys(PATTERNS, "share")
_OF_PAIRS = {"rule": "", "trace_filter": "", "cut_policy": "", "value_a": "{model_a}", "value_b": "{model_b}",
             "model_a": "First model", "model_b": "Second model", "matched_difference": "Matched on V0"}  # fmt: skip
_MOST_MODELS = 6


def pattern_figure(rates: pl.DataFrame) -> Figure | None:
    """Rates of the patterns with 95% intervals, models side by side, a panel per rule.

    Args:
        rates: Rows of ``pattern_rates``; of several trace filters the paper's is drawn, of several cut policies the
            first.
    """
    known = rates.filter(pl.col("rate").is_not_null())
    if known.is_empty():
        return None
    filters = sorted(set(known["trace_filter"]), key=lambda name: (name != "paper", name))
    known = known.filter(pl.col("trace_filter") == filters[0])
    policy = _first_policy(known)
    known = known.filter(pl.col("cut_policy") == policy)
    models = sorted(set(known["model"]), key=natural)
    patterns = [pattern for pattern in PATTERNS if pattern in set(known["pattern"])]
    rules = [rule for rule in ("fitted", "threshold", "confirmed") if rule in set(known["rule"])]
    palette = _palette(len(models))
    figure, grid = panels(
        len(rules), columns=2, width=4.2, height=0.3 + 0.22 * len(patterns) * max(2, len(models))
    )
    handles: dict[str, Any] = {}
    for axes, rule in zip(grid, rules, strict=True):
        for number, model in enumerate(models):
            own = known.filter((pl.col("rule") == rule) & (pl.col("model") == model))
            beside = (number - (len(models) - 1) / 2) * 0.7 / len(models)
            place = [patterns.index(pattern) + beside for pattern in own["pattern"]]
            handles[one_line(model, 40)] = _dots(axes, own, "rate", place, palette[number])
        axes.set(xlim=(-0.02, 1.02))
        _rows_of(axes, [pattern.replace("_", " ") for pattern in patterns], "share of traces, 95% interval")
        title(axes, f"{rule} rule · {filters[0]} traces · {policy}")
    legend(figure, handles)
    return figure


def _dots(axes: Axes, rows: pl.DataFrame, value: str, place: list[float], color: Any) -> Any:
    """Draw values with their intervals at heights; returns what the legend shows."""
    axes.hlines(place, rows["ci_low"], rows["ci_high"], color=color, linewidth=1.8, alpha=0.75)
    return axes.scatter(rows[value], place, color=[color], s=26, zorder=3)


def _rows_of(axes: Axes, names: Sequence[str], label: str) -> None:
    """Name the rows of a picture of shares, the first at the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=True, axis="x", color=GRID, linewidth=0.7)
    axes.set_ylim(len(names) - 0.45, -0.55)


def _palette(n: int) -> Sequence[Any]:
    """Colors that tell ``n`` models apart."""
    if n <= 2:
        return [FIRST, SECOND]
    import seaborn as sns  # with pandas, which takes longer to load than a small report to draw

    return sns.color_palette("colorblind", n)


def sensitivity_figure(sensitivity: pl.DataFrame) -> Figure | None:
    """Share of traces with each pattern over its threshold: a line per n, a row of panels per model.

    Args:
        sensitivity: Rows of the table of one trace filter; of several cut policies the first is drawn.
    """
    known = sensitivity.filter(pl.col("rate").is_not_null())
    if known.is_empty():
        return None
    known = known.filter(pl.col("cut_policy") == _first_policy(known))
    models = sorted(set(known["model"]), key=natural)[:_MOST_MODELS]
    patterns = [pattern for pattern in PATTERNS if pattern in set(known["pattern"])]
    sizes = sorted(set(known["n"]))[-3:]
    figure, grid = panels(len(models) * len(patterns), columns=len(patterns), width=2.1, height=1.9)
    handles: dict[str, Any] = {}
    for at, axes in enumerate(grid):
        model, pattern = models[at // len(patterns)], patterns[at % len(patterns)]
        own = known.filter((pl.col("model") == model) & (pl.col("pattern") == pattern)).sort("threshold")
        for n, color in zip(sizes, [THIRD, SECOND, FIRST][-len(sizes) :], strict=True):
            rows = own.filter(pl.col("n") == n)
            if n != sizes[-1]:
                rows = rows.with_columns(ci_low=pl.lit(None), ci_high=pl.lit(None))
            for column, dashes in (("noise_flat", "--"), ("noise_monotone", "-.")) if n == sizes[-1] else ():
                noise = axes.plot(
                    rows["threshold"], rows[column], color=MUTED, linewidth=1.1, linestyle=dashes
                )
                handles[column.replace("_", ", ") + " curves"] = noise[0]
            handles[f"n = {n}"] = line(axes, rows, "threshold", "rate", color)
        for threshold in own.filter("is_in_use")["threshold"][:1]:
            axes.axvline(threshold, color=MUTED, linewidth=1, linestyle=":")
        axes.set(xlim=(0, 0.82), ylim=(-0.02, 1.02))
        axes.set_xlabel("threshold" if at >= len(grid) - len(patterns) else "")
        axes.set_ylabel("" if at % len(patterns) else "share of traces")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        n = counted(own.select(pl.max("n_traces")).item(), "trace")
        title(axes, f"{pattern.replace('_', ' ')}\n{one_line(model, 20)}, {n}")
    legend(figure, handles)
    return figure


def difference_figure(pairs: pl.DataFrame) -> Figure | None:
    """How far two models are apart in accuracy, V0 and each pattern, with 95% intervals; of many pairs the first.

    Args:
        pairs: Rows of ``model_pairs``; of several cut policies the first is drawn.
    """
    known = pairs.filter(pl.col("difference").is_not_null())
    if known.is_empty():
        return None
    patterns = known.filter(pl.col("cut_policy") != "any")
    policies = ["any"] if patterns.is_empty() else ["any", _first_policy(patterns)]
    known = known.filter(pl.col("cut_policy").is_in(policies))
    drawn = known.select("model_a", "model_b").unique(maintain_order=True).rows()[:_MOST_MODELS]
    measures = [measure for measure in _PAIRED if measure in set(known["measure"])]
    figure, (axes,) = panels(1, width=5.6, height=0.5 + 0.2 * len(measures) * max(2, len(drawn)))
    handles: dict[str, Any] = {}
    for number, ((first, second), color) in enumerate(zip(drawn, _palette(len(drawn)), strict=False)):
        own = known.filter(model_a=first, model_b=second)
        beside = (number - (len(drawn) - 1) / 2) * 0.7 / len(drawn)
        place = [measures.index(measure) + beside for measure in own["measure"]]
        pair = f"{one_line(first, 40)} minus {one_line(second, 40)}"
        handles[pair] = _dots(axes, own, "difference", place, color)
    axes.axvline(0, color=MUTED, linewidth=1, zorder=1)
    _rows_of(axes, [_LEARNED.get(m, m.replace("_", " ")) for m in measures], "difference, 95% interval")
    legend(figure, handles)
    return figure


def training_figure(curve: pl.DataFrame) -> Figure | None:
    """Chance at the start and accuracy over the steps of a training, a panel per series of checkpoints.

    Args:
        curve: Rows of ``training_curve``; those without a step are left out, and one step makes no curve.
    """
    known = curve.filter(pl.col("step").is_not_null(), pl.col("measure").is_in([*_LEARNED]))
    if known["step"].n_unique() < 2:
        return None
    known = known.with_columns(pl.col("series").fill_null(""))
    series = sorted(set(known["series"]), key=natural)[:_MOST_MODELS]
    figure, grid = panels(len(series), columns=2, width=4.2, height=2.4)
    handles: dict[str, Any] = {}
    for name, axes in zip(series, grid, strict=True):
        for (measure, said), color in zip(_LEARNED.items(), (FIRST, SECOND), strict=True):
            own = known.filter(series=name, measure=measure).sort("step")
            handles[said] = line(axes, own, "step", "estimate", color, marker="o")
        axes.set(ylim=(-0.02, 1.02), xlabel="training step")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        title(axes, one_line(name, 60))
    legend(figure, handles)
    return figure


def _first_policy(frame: pl.DataFrame) -> str:
    """The policy that sampling follows, before grids that are laid over imported curves."""
    known = ("tokens", "lines", "sentences")
    return min(set(frame["cut_policy"]), key=lambda name: (known.index(name) if name in known else 9, name))


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
        kinds={"guess_rate": "share", "mean_bound": "share"},
        n=("n_guesses", "n_traces"), names={"v0_bin": "V0", "mean_bound": "Bound", "guess_rate": "Guesses"},
    ),
    Section(
        "pass_at_k", "patterns", "pass@k with and without guesses",
        n=("n_traces",),
        names={"pass_at_k": "pass@k", "pass_at_k_without_guesses": "Without guesses", "rule": ""},
    ),
    Section(
        "sensitivity", "trust", "The same rates at other thresholds, from fewer rollouts, and from noise",
        values={"pattern": None, "in_use": "true"}, across=("model", "n"), kinds={"noise_flat": "share", "noise_monotone": "share"},
        names={"is_in_use": "", "n_problems": "", "noise_flat": "", "noise_monotone": "", "rule": "", "n_traces": ""},
        picture=lambda source, _: sensitivity_figure(source.query("sensitivity", pattern=None)),
        caption="Solid: rates from n rollouts per cut. Dashed: what noise alone gives.",
    ),
    *(
        Section(
            "difficulty", "problems", f"By {part}",
            values={"split_by": part}, by="measure", kinds=_MEANS, across=("measure",), n=("n_problems",),
            names={"split_by": "", "part": part.capitalize(), "note": ""},
        )
        for part in ("level", "subject")
    ),
    Section(
        "difficulty", "models", "How hard the problems are for each model",
        "V0 and accuracy estimate one chance: the difference is 0 but for noise, unless traces were chosen.",
        values={"split_by": "none"}, by="measure", kinds=_MEANS, n=("n_problems",), is_open=True,
        names={"split_by": "", "part": "", "note": ""},
    ),
    Section(
        "model_pairs", "models", "Two models on the same problems",
        by="measure", kinds=_PAIRED, across=(), n=("n_problems",), names=_OF_PAIRS,
        is_open=True, picture=lambda _, pairs: difference_figure(pairs),
        caption="Differences over the problems that both models have; lines: 95% intervals, bootstrap by problem.",
    ),
    Section(
        "model_pairs", "models", "The same over the paper's traces",
        "Correct traces of problems that are not solved from the start.",
        values={"trace_filter": "paper"}, by="measure", kinds=_PAIRED, across=(), n=("n_problems",), names=_OF_PAIRS,
    ),
    Section(
        "training_curve", "training", "Over the steps of a training",
        by="measure", kinds={**_MEANS, "step": "count"}, across=("measure",), n=("n_problems",), is_open=True,
        picture=lambda _, curve: training_figure(curve),
        caption="Means over problems; bands: 95% intervals.",
    ),
    Section(
        "matched_rates", "models", "Rates at like difficulty",
        n=("n_with", "n_traces"), names={"v0_bin": "V0"},
    ),
)  # fmt: skip
