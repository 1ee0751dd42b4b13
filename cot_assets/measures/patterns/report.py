"""What the report shows of the patterns found on single curves."""

from __future__ import annotations

from cot_assets.report.sections import Section

_TOKENS = {"recovery_tokens_25": "count", "recovery_tokens_50": "count", "recovery_tokens_75": "count"}

SECTIONS = (
    Section(
        "largest_insights",
        "steps",
        "The steps that raise the potential most",
        "Rises between neighboring cuts, largest first, with the text between them.",
        kinds={"before": "value", "after": "value", "rise": "change"},
        across=(),
        names={"n_before": "", "n_after": "", "cut_index": "", "by_threshold": "", "span": "Text", "is_confirmed": "Confirmed"},
    ),
    Section(
        "largest_tangents",
        "steps",
        "The steps that lower it most",
        "Drops between neighboring cuts, largest first. Recovered: a later cut is back within the tolerance.",
        kinds={"before": "value", "after": "value"},
        across=(),
        names={"n_before": "", "n_after": "", "cut_index": "", "by_threshold": "", "span": "Text",
               "is_confirmed": "Confirmed", "is_recovered": "Recovered"},
    ),
    Section(
        "recovery",
        "steps",
        "Recovery from tangents",
        "Tangents after which a later cut is back within the tolerance, the tokens that this took, and how many of the "
        "traces with a tangent end correct. Traces end, so slow recoveries are missed; part of a recovery is chance.",
        by="measure", kinds={"recovered": "share", "ends_correct": "share", **_TOKENS},
        n=("n",), names={"n_with": "", "n_problems": "", "n_of": "", "statistic": ""},
    ),
    Section(
        "jumps",
        "steps",
        "What insights are made of",
        "A jump is an insight that no reader can explain; no rule decides that. Shares of insights whose text holds a "
        "calculation, a self-check such as “wait”, the gold answer, or the first statement of the trace's own answer, "
        "and of all other steps.",
        by="measure",
        kinds={**dict.fromkeys(("calculation", "self_check", "gold_answer", "first_answer", "no_sign"), "share"),
               "n_characters": "count", "n_tokens": "count"},
        across=("model", "step"), n=("n_steps",), names={"n_with": "", "n_problems": "", "statistic": ""},
    ),
    Section(
        "drawdown_rates",
        "steps",
        "Changes over several cuts",
        "The largest drop (drawdown) and rise (run-up) of a trace between any two cuts. Confirmed: a lower bound that "
        "holds for all cuts at once lies beyond the threshold. Size, split: one half of the rollouts chose the cuts, the "
        "other measured the change; plain is the largest difference itself, which noise inflates.",
        by="measure", kinds={"beyond_threshold": "share", "size": "change"},
        values={"trace_filter": "all"}, across=("model", "kind"), n=("n_traces",), names={"n_with": "", "n_problems": "", "statistic": ""},
    ),
    Section(
        "answer_leaks",
        "steps",
        "Before and after the answer is in sight",
        "Mean potential over cuts: before any answer, with the gold answer in the text (outside the problem), and after "
        "the trace has stated its own answer.",
        by="measure", kinds={"share_of_cuts": "share"}, n=("n_cuts",), names={"n_problems": ""},
    ),
    Section(
        "true_changes",
        "trust",
        "How many events are real",
        "The law of true changes, fitted to all pairs of neighboring cuts with sampling noise removed: how many events it "
        "expects (fitted), found by the threshold rule, and confirmed at a false discovery rate of 5%. The fit errs "
        "toward no change at all.",
        by="measure", kinds={"event": "share", "no_change": "share", "size": "change"},
        n=("n_steps",), names={"n_events": "", "n_with": "", "n_problems": "", "statistic": ""},
    ),
    Section(
        "monotone_tests",
        "trust",
        "Monotone by test",
        "Share of traces for which a potential that never falls is not ruled out: likelihood ratio of the isotonic fit, "
        "p ≥ 0.05, or at a false discovery rate of 5%. By tolerance: the rule of the pattern table on the same traces, "
        "which noise alone often breaks.",
        by="measure", kinds={"monotone": "share"},
        n=("n_with", "n_traces"), names={"n_problems": "", "statistic": ""},
    ),
)  # fmt: skip
