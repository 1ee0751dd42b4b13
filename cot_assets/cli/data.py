"""Commands on data: ``sql``, ``grade`` and ``rebuild``.

Belongs here: arguments, printing. Does not belong here: what the commands do; see
:mod:`cot_assets.warehouse.queries`, :mod:`cot_assets.grading.files` and :mod:`cot_assets.orchestration.rebuild`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cot_assets.study import DataHome, load_config

if TYPE_CHECKING:
    from cot_assets.warehouse.display import Format


@click.command()
@click.argument("query", required=False)
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="Value of a $parameter.")
@click.option("--model", help="Short for --param model=...")
@click.option("--problem-set", help="Short for --param problem_set=...")
def sql(
    query: str | None, style: Format, params: tuple[str, ...], model: str | None, problem_set: str | None
) -> None:
    """Run a named query or a SELECT over results.duckdb; without one, list the named queries."""
    from cot_assets.warehouse.display import format_frame
    from cot_assets.warehouse.queries import named_queries, run_query

    if query is None:
        for name, named in sorted(named_queries().items()):
            click.echo(f"{name:<24} {named.question}")
        return
    values: dict[str, str] = {}
    for pair in params:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--param")
        values[name] = value
    values |= {k: v for k, v in (("model", model), ("problem_set", problem_set)) if v is not None}
    click.echo(format_frame(run_query(DataHome.from_environment(), query, values), style), nl=False)


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


@click.command()
def rebuild() -> None:
    """Make warehouse.duckdb again from the shards; nothing is sampled.

    The old file is kept as warehouse.duckdb.before-rebuild, in place of the one of an earlier rebuild.
    Recorded rollouts and the cost ledger, which no shard holds, are carried over from it. Where shards
    lack something, the command says how much and leaves everything as it was.
    """
    from cot_assets.definitions import build_defs
    from cot_assets.orchestration.instance import open_instance
    from cot_assets.orchestration.rebuild import rebuild as rebuild_warehouse
    from cot_assets.orchestration.rebuild import shards_only

    home = DataHome.from_environment()
    with open_instance(home) as instance:
        done = rebuild_warehouse(
            build_defs(resource_overrides={"engines": shards_only()}),
            instance,
            load_config(),
            home,
            announce=lambda line: click.echo(f"  {line}", err=True),
        )
    for kind, pairs in (("Rebuilt", done.pairs), ("Analyzed again (recorded)", done.recorded)):
        if pairs:
            click.echo(f"{kind}: " + ", ".join(f"{model} on {problem_set}" for model, problem_set in pairs))
    if done.carried:
        rows = ", ".join(f"{table} ({n:,})" for table, n in sorted(done.carried.items()))
        click.echo(f"Carried over, rows that no shard holds: {rows}")
    for sentence in done.lost:
        click.echo(f"Not there any more: {sentence}")
    if done.kept is not None:
        click.echo(f"The warehouse before: {done.kept} (kept until the next rebuild)")
    click.echo(f"Results: {home.results}")
