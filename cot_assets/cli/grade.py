"""``grade``: the grader of the pipeline on a file; see :mod:`cot_assets.grading.files`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from cot_assets.study import ANSWER_KINDS, ANSWER_RULES, AnswerRule


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the verdicts go, one JSON line per response; default: FILE with .graded.jsonl.",
)
@click.option("--response-field", default="response", show_default=True, help="The model's text, or a list.")
@click.option(
    "--answer-field",
    help="A final answer, already extracted; default: 'answer' in rows without a response.",
)
@click.option("--gold-field", default="gold", show_default=True, help="The gold answer.")
@click.option(
    "--kind",
    type=click.Choice(ANSWER_KINDS),
    default="expression",
    show_default=True,
    help="How answers are read; 'expression': as what the gold answer is.",
)
@click.option(
    "--rule",
    "rules",
    type=click.Choice(ANSWER_RULES),
    multiple=True,
    default=("boxed",),
    show_default=True,
    help="Where a response has its answer; repeat it for rules that are tried in turn.",
)
@click.option(
    "--explain", is_flag=True, help="Say how each answer and gold answer is read, and what decided."
)
@click.option("--overwrite", is_flag=True, help="The output may exist.")
def grade(
    file: Path, output: Path | None, rules: tuple[AnswerRule, ...], explain: bool, **options: Any
) -> None:
    r"""Grade a FILE of responses (JSONL, JSON, CSV or Parquet, also as .gz) with the grader of the pipeline.

    The last \boxed answer of each response is compared with the gold answer; nothing in a text is ever
    executed. A number with a unit equals the same number without one if the row's "statement" names the unit; without a
    statement, only units that the grader knows count as named. A response ends as correct, incorrect, no_answer,
    truncated or unscored (the grader could not tell in its time; it leaves the accuracy's denominator).
    """
    from cot_assets.grading.files import grade_file

    summary = grade_file(file, output, rules=tuple(dict.fromkeys(rules)), explained=explain, **options)
    if explain:
        with summary.output.open(encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                click.echo(
                    f"{line['row']:>5}  {line['verdict']:<9}  {line['reason']}\n"
                    f"       answer: {line['answer_reading'][:200]}\n       gold:   {line['gold_reading'][:200]}"
                )
    click.echo(str(summary))
