"""What the report shows of the answers that were still open."""

from cot_assets.report.sections import Section

SECTIONS = (
    Section(
        "headroom",
        "steps",
        "Changes by what was open before",
        "A step can change only what is not settled: steps by the entropy of the answers at their first cut. Settled and "
        "open are said where the 95% interval says so. A model that is sure of an incorrect answer has nothing open either.",
        kinds={"median_change": "change", "change_of_the_largest_tenth": "change", "largest_change": "change"},
        n=("n_steps",),
        names={"n_problems": "", "n_sure_of_incorrect": "Sure of an incorrect answer"},
    ),
)  # fmt: skip
