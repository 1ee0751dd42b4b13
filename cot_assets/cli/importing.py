"""Commands that bring in what others published: ``import thought-anchors | cliff-token | forking-fast | inspect | traces | rollouts``.

Belongs here: arguments. Does not belong here: storing and printing (:mod:`.running.imported`), reading published files
(:mod:`cot_assets.importing`) and what follows (:mod:`cot_assets.orchestration.imports`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cot_assets.cli import Sentences
from cot_assets.cli.running.imported import finish, undo_import
from cot_assets.study import DataHome, load_config

_MODEL = click.option("--model", metavar="NAME", help="Name of the model; default: as the files say.")
_NO_REPORT = click.option(
    "--no-report", is_flag=True, help="Publish the results without the report, which takes longest."
)
_EXISTING = click.Path(exists=True, path_type=Path)


@click.group("import", cls=Sentences, invoke_without_command=True)
@click.option("--undo", is_flag=True, help="Take an import back: that of --model on --problem-set.")
@click.option("--model", metavar="NAME", help="With --undo: whose rollouts.")
@click.option("--problem-set", metavar="NAME", help="With --undo: on which problems.")
@click.pass_context
def import_(context: click.Context, undo: bool, model: str | None, problem_set: str | None) -> None:
    """Bring in rollouts that others published, as an imported model, and analyze them like sampled ones.

    They are read from disk, never sampled again, and refused by everything that samples. The same import
    again changes nothing; imports of single traces add up. Rows are stored when their analysis went through:
    an import that fails changes nothing.

    --undo takes back everything that was imported as one model on one problem set: its rows in every table, what was
    concluded from them, its partitions and its place in report and results. The files that it was read from stay.
    """
    if context.invoked_subcommand is not None:
        if undo or model or problem_set:
            raise click.UsageError(
                f"--undo needs no source: cot-assets import --undo --model NAME --problem-set NAME. Options of "
                f"{context.invoked_subcommand} come after its name"
            )
        return
    if not undo:
        click.echo(context.get_help())
        return
    if not (model and problem_set):
        raise click.UsageError("--undo needs --model and --problem-set: the names that the import was given")
    undo_import(model, problem_set)


@import_.command("thought-anchors")
@click.argument("path", type=_EXISTING)
@_MODEL
@click.option("--problem-set", metavar="NAME", default="thought-anchors", show_default=True)
@_NO_REPORT
def thought_anchors(path: Path, model: str | None, problem_set: str, no_report: bool) -> None:
    """Import traces of Thought Anchors: PATH is the folder of a trace, or any folder above.

    Both layouts are read: that of thought-anchors.com (counts per sentence) and that of the full data set
    math-rollouts (one file of rollouts per sentence).
    """
    from cot_assets.importing import import_thought_anchors

    finish(import_thought_anchors(path, problem_set=problem_set, model=model), has_report=not no_report)


@import_.command("cliff-token")
@click.argument("paths", type=_EXISTING, nargs=-1, required=True, metavar="PATH...")
@_MODEL
@click.option("--problem-set", metavar="NAME", default="cliff-token", show_default=True)
@click.option(
    "--n", type=click.IntRange(1), default=64, show_default=True, help="Rollouts behind each published score."
)
@click.option(
    "--every-position", is_flag=True, help="Every position was sampled: zeros at the end are not fill-ins."
)
@_NO_REPORT
def cliff_token(paths: tuple[Path, ...], every_position: bool, no_report: bool, **options: Any) -> None:
    """Import traces of Cliff Tokens: each PATH is a JSON file or a folder with such files."""
    from cot_assets.importing import import_cliff_token
    from cot_assets.importing.cliff_token import EARLY_STOP

    stop = None if every_position else EARLY_STOP
    imported = import_cliff_token(*paths, early_stop=stop, **options)
    finish(imported, has_report=not no_report)


@import_.command("forking-fast")
@click.argument("paths", type=_EXISTING, nargs=-1, required=True, metavar="PATH...")
@_MODEL
@click.option("--problem-set", metavar="NAME", default="forking-fast", show_default=True)
@_NO_REPORT
def forking_fast(paths: tuple[Path, ...], model: str | None, problem_set: str, no_report: bool) -> None:
    """Import outcomes at the forks of traces: each PATH is a store rowNNN.json.gz or a folder with such stores.

    The potential of a position is the share of correct rollouts, weighted by the probabilities of the next tokens that
    they begin with.
    """
    from cot_assets.importing import import_forking_fast

    finish(import_forking_fast(*paths, problem_set=problem_set, model=model), has_report=not no_report)


@import_.command("inspect")
@click.argument("paths", type=_EXISTING, nargs=-1, required=True, metavar="PATH...")
@_MODEL
@click.option("--problem-set", metavar="NAME", help="Name that the problems get; default: the task.")
@click.option("--scorer", metavar="NAME", help="Whose scores are the verdicts; default: the first.")
@_NO_REPORT
def inspect(paths: tuple[Path, ...], no_report: bool, **options: Any) -> None:
    """Import logs of Inspect: each PATH is a log (.eval, .json) or a folder with .eval files.

    What the model wrote becomes traces, and a scorer's scores their verdicts. There are no rollouts: `import traces` takes
    the same .eval file, for a model of your own to measure.
    """
    from cot_assets.importing import import_inspect

    finish(import_inspect(*paths, **options), has_report=not no_report)


@import_.command("traces")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--problem-set", required=True, metavar="NAME", help="Name that its problems get.")
@click.option(
    "--protocol",
    default="given",
    show_default=True,
    metavar="NAME",
    help="What they are measured by, in protocols.toml.",
)
def traces(file: Path, problem_set: str, protocol: str) -> None:
    """Bring in traces without rollouts from FILE, to be measured by a model of your own.

    \b
    JSONL, JSON, CSV or Parquet, a row per trace: problem_id, statement, gold_answer, trace (its whole text)
      and, where known: trace_verdict, trace_answer, answer_kind, level, subject
    or a log of Inspect (.eval)
    `cot-assets run --model M --problem-set NAME` then samples from their prefixes. A further import adds to the set.
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with the character \b
    from cot_assets.importing import import_traces
    from cot_assets.report.numbers import counted
    from cot_assets.warehouse.imported import with_imported
    from cot_assets.warehouse.store import Warehouse

    home = DataHome.from_environment()
    config = with_imported(load_config(), Warehouse(home))
    counts = import_traces(file, home, config, problem_set=problem_set, protocol=protocol)
    n = counts.pop("in all")
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items())
    click.echo(f"{problem_set}: {said}; {counted(n, 'trace')} in all")
    click.echo(f"\nTry next:\n  cot-assets run --model NAME --problem-set {problem_set}")


@import_.command("rollouts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", required=True, metavar="NAME", help="Name that the model gets.")
@click.option("--problem-set", required=True, metavar="NAME", help="Name that its problems get.")
@click.option(
    "--cut-policy",
    type=click.Choice(["sentences", "lines", "tokens"]),
    default="sentences",
    show_default=True,
    help="What the cuts of the file are.",
)
@click.option(
    "--traces",
    type=click.Choice(["sampled"]),
    help="No trace was chosen by its verdict. Else accuracy, gain, truncation and pass@k are withheld.",
)
@click.option(
    "--sum-shared",
    is_flag=True,
    help="A prefix that several traces begin with was sampled for each of them: add the counts up.",
)
@_NO_REPORT
def rollouts(file: Path, traces: str | None, no_report: bool, **options: Any) -> None:
    """Import rollouts of any other source from FILE: JSONL or Parquet, one row per rollout or per cut.

    \b
    Columns: problem_id, statement, gold_answer, trace (its whole text), cut (characters before it), and
      one row per rollout:  sample_index, verdict and/or answer
      or one row per cut:   n, n_correct
    Answers without a verdict are graded here. With a column trace_id, one row per trace may hold its text.
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with the character \b
    from cot_assets.importing import import_table

    imported = import_table(file, traces_sampled=traces == "sampled", **options)
    finish(imported, has_report=not no_report)
