"""What the report shows of the patterns found on single curves."""

from __future__ import annotations

from cot_assets.report.sections import Section

SECTIONS = (
    *(
        Section(
            query, "steps", f"The steps that {verb} the potential most", across=(),
            names={"n_before": "", "n_after": "", "cut_index": "", "by_threshold": "", "span": "Text",
                   "is_confirmed": "Confirmed", "is_recovered": "Recovered"},
        )
        for query, verb in (("largest_insights", "raise"), ("largest_tangents", "lower"))
    ),
    Section(
        "recovery", "steps", "Recovery from tangents",
        n=("n",),
    ),
    Section(
        "jumps", "steps", "What insights are made of",
        kinds=dict.fromkeys(("calculation", "self_check", "gold_answer", "first_answer", "no_sign"), "share"),
        across=("model", "step"), n=("n_steps",),
    ),
    Section(
        "drawdown_rates", "steps", "Changes over several cuts",
        kinds={"beyond_threshold": "share", "size": "change"},
        values={"trace_filter": "all"}, across=("model", "kind"), n=("n_traces",),
    ),
    Section(
        "answer_leaks", "steps", "Before and after the answer is in sight",
        kinds={"fraction": "value"}, n=("n_cuts",),
    ),
    Section(
        "true_changes", "trust", "How many events are real",
        kinds={"event": "share", "no_change": "share", "size": "change"}, n=("n_steps",),
    ),
    Section(
        "monotone_tests", "trust", "Monotone by test",
        n=("n_with", "n_traces"),
    ),
)  # fmt: skip
