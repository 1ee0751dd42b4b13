"""What the report shows of the answers that were still open."""

from cot_assets.report.sections import Section

SECTIONS = (
    Section(
        "headroom", "steps", "Changes by what was open before",
        n=("n_steps",), names={"n_problems": "", "n_sure_of_incorrect": "Sure of an incorrect answer"},
    ),
)  # fmt: skip
