"""``run``: bring models on a problem set up to date."""

from __future__ import annotations

import click


@click.command()
@click.option("--model", required=True, multiple=True, help="Name in models.toml; may be repeated.")
@click.option("--problem-set", required=True, help="Name in problem_sets.toml.")
@click.option(
    "--verify", is_flag=True, help="Read every byte of what is there, and make again what is damaged."
)
@click.option(
    "--hours",
    type=click.FloatRange(0, 8760, min_open=True),
    help="Stop in order after so long, as at Ctrl-C (exit code 130); the same command goes on from there.",
)
def run(model: tuple[str, ...], problem_set: str, verify: bool, hours: float | None) -> None:
    """Bring MODEL on PROBLEM_SET up to date: sample what is missing, grade, analyze, publish, report.

    What is gone is made again, and what is damaged is set aside and made again, with a line on each.
    """
    from cot_assets.cli.running.stopping import stop

    if hours is not None:
        stop.after(hours * 3600)
    from cot_assets.cli.running.updating import bring_up_to_date
    from cot_assets.study import DataHome
    from cot_assets.study.found import recall

    recall(DataHome.from_environment(), model)
    bring_up_to_date([(name, problem_set) for name in model], is_thorough=verify)
