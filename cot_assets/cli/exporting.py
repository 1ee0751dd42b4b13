"""``export``: what was measured, for others' tools.

Belongs here: the command. Does not belong here: what a row holds (``sql/queries``), and the files of the forms that are
folders (:mod:`cot_assets.exporting`).
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from cot_assets.study.files import replacing
from cot_assets.study.home import DataHome

#: The named query whose rows are the lines of a format.
LINES = {"steps": "step_labels", "preferences": "preference_pairs"}
FOLDERS = ("hf", "inspect")


@click.command()
@click.option("--format", "form", type=click.Choice([*LINES, *FOLDERS]), required=True, help="See above.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="JSONL to write; a new folder for hf and inspect.",
)
@click.option("--model", help="Only what this model wrote.")
@click.option("--problem-set", help="Only this problem set.")
def export(form: str, output: Path, model: str | None, problem_set: str | None) -> None:
    """Write what was measured for training, for the Hugging Face hub, or for Inspect.

    \b
    steps: steps of a trace with labels (potential, interval, n), for process reward models
    preferences: prompt, chosen and rejected at insights and tangents
    hf: all of it as a data set, Parquet files with a card, that `datasets` loads and the hub takes
    inspect: a log per model and problem set, a sample per trace with its verdict and its curve
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with the character \b
    home = DataHome.from_environment()
    if form in LINES:
        n = _write_lines(home, output, LINES[form], {"model": model, "problem_set": problem_set})
        click.echo(f"{n:,} lines: {output}")
        return
    from cot_assets.exporting.dataset import write_dataset
    from cot_assets.exporting.inspect_logs import write_inspect_logs

    write = write_dataset if form == "hf" else write_inspect_logs
    for name, n in write(home, output, model, problem_set).items():
        click.echo(f"{n:>9,} {name}")
    click.echo(f"Written: {output}")


def _write_lines(home: DataHome, output: Path, query: str, given: dict[str, str | None]) -> int:
    from cot_assets.warehouse.queries import ask
    from cot_assets.warehouse.reading import stream

    if output.is_dir():
        raise click.UsageError(f"{output} is a folder; name a JSONL file with --output")
    with replacing(output) as part, part.open("w", encoding="utf-8") as file:

        def write(row: dict[str, Any]) -> None:
            file.write(json.dumps(row, allow_nan=False) + "\n")

        return ask(home, query, given, partial(stream, use=write), seconds=3600)
