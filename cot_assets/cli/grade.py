"""``grade``: the grader of the pipeline on a file; see :mod:`cot_assets.grading.files`."""

from __future__ import annotations

from pathlib import Path

import click


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
@click.option("--gold-field", default="gold", show_default=True, help="The right answer.")
@click.option(
    "--kind",
    type=click.Choice(["integer", "expression", "multiple_choice"]),
    default="expression",
    show_default=True,
    help="How answers are compared.",
)
@click.option("--allow-unboxed", is_flag=True, help="Take 'the answer is ...' where there is no \\boxed.")
@click.option("--overwrite", is_flag=True, help="The output may exist.")
def grade(
    file: Path,
    output: Path | None,
    response_field: str,
    answer_field: str | None,
    gold_field: str,
    kind: str,
    allow_unboxed: bool,
    overwrite: bool,
) -> None:
    r"""Grade a JSONL FILE of responses with the grader of the pipeline.

    The last \boxed answer of each response is compared with the gold answer; nothing in a text is ever
    executed. A response ends as correct, incorrect, no_answer, truncated or unscored (the grader could not
    tell in its time; it leaves the accuracy's denominator).
    """
    from cot_assets.grading.files import grade_file

    summary = grade_file(
        file,
        output,
        response_field=response_field,
        answer_field=answer_field,
        gold_field=gold_field,
        kind=kind,
        allow_unboxed=allow_unboxed,
        overwrite=overwrite,
    )
    click.echo(str(summary))
