"""What the report shows of the patterns found on single curves."""

from __future__ import annotations

from cot_assets.report.sections import Section

_TOKENS = {"recovery_tokens_25": "count", "recovery_tokens_50": "count", "recovery_tokens_75": "count"}

SECTIONS = (
    Section(
        "largest_insights", "steps", "The steps that raise the potential most",
        kinds={"before": "value", "after": "value", "rise": "change"}, across=(),
        names={"n_before": "", "n_after": "", "cut_index": "", "by_threshold": "", "span": "Text", "is_confirmed": "Confirmed"},
    ),
    Section(
        "largest_tangents", "steps", "The steps that lower it most",
        kinds={"before": "value", "after": "value"}, across=(),
        names={"n_before": "", "n_after": "", "cut_index": "", "by_threshold": "", "span": "Text",
               "is_confirmed": "Confirmed", "is_recovered": "Recovered"},
    ),
    Section(
        "recovery", "steps", "Recovery from tangents",
        by="measure", kinds={"recovered": "share", "ends_correct": "share", **_TOKENS}, n=("n",),
    ),
    Section(
        "jumps", "steps", "What insights are made of",
        by="measure",
        kinds={**dict.fromkeys(("calculation", "self_check", "gold_answer", "first_answer", "no_sign"), "share"),
               "n_characters": "count", "n_tokens": "count"},
        across=("model", "step"), n=("n_steps",),
    ),
    Section(
        "drawdown_rates", "steps", "Changes over several cuts",
        by="measure", kinds={"beyond_threshold": "share", "size": "change"},
        values={"trace_filter": "all"}, across=("model", "kind"), n=("n_traces",),
    ),
    Section(
        "answer_leaks", "steps", "Before and after the answer is in sight",
        by="measure", kinds={"share_of_cuts": "share"}, n=("n_cuts",),
    ),
    Section(
        "true_changes", "trust", "How many events are real",
        by="measure", kinds={"event": "share", "no_change": "share", "size": "change"}, n=("n_steps",),
    ),
    Section(
        "monotone_tests", "trust", "Monotone by test",
        by="measure", kinds={"monotone": "share"}, n=("n_with", "n_traces"),
    ),
)  # fmt: skip
