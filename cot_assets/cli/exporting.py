"""``export``: training data for others' tools, made of what was measured.

Belongs here: the command. Does not belong here: what a row holds (``sql/queries``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from cot_assets.study.files import replacing
from cot_assets.study.home import DataHome

#: The named query whose rows are the lines of a format.
FORMATS = {"steps": "step_labels", "preferences": "preference_pairs"}


@click.command()
@click.option("--format", "form", type=click.Choice([*FORMATS]), required=True, help="What a line holds.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="JSONL to write."
)
@click.option("--model", help="Only what this model wrote.")
@click.option("--problem-set", help="Only this problem set.")
def export(form: str, output: Path, model: str | None, problem_set: str | None) -> None:
    """Write step labels or preference pairs as JSONL, for training.

    \b
    steps: steps of a trace with labels (potential, interval, n), for process reward models
    preferences: prompt, chosen and rejected at insights and tangents
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with the character \b
    from cot_assets.warehouse.queries import each_row

    with replacing(output) as part, part.open("w", encoding="utf-8") as file:

        def write(row: dict[str, Any]) -> None:
            file.write(json.dumps(row, allow_nan=False) + "\n")

        given = {"model": model, "problem_set": problem_set}
        n = each_row(DataHome.from_environment(), FORMATS[form], write, given, seconds=3600)
    click.echo(f"{n:,} lines: {output}")
