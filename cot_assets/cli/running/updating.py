"""Bringing partitions up to date from the command line: progress while it runs, and what matters at its end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import click

from cot_assets.cli import say
from cot_assets.cli.running.stopping import stop
from cot_assets.orchestration.presence import look_at_warehouse, nothing_to_do
from cot_assets.study import DataHome, load_config
from cot_assets.warehouse.imported import refuse_imported, with_imported
from cot_assets.warehouse.store import Warehouse

if TYPE_CHECKING:
    from cot_assets.cli.running.progress import Screen
    from cot_assets.orchestration.runs import Outcome
    from cot_assets.orchestration.staleness import Wanted
    from cot_assets.study import Config

_HEADLINE = """
SELECT model, sum(cuts)::BIGINT AS cuts, count(DISTINCT problem_id) AS problems, coalesce(sum(n), 0)::BIGINT AS rollouts
FROM ( -- traces of a problem share their first prefix, and its rollouts
    SELECT model, problem_id, any_value(n) AS n, count(*) FILTER (WHERE n > 0) AS cuts
    FROM trace_curves WHERE problem_set = $problem_set GROUP BY model, problem_id, prefix_id
) GROUP BY model ORDER BY model
"""


def bring_up_to_date(
    pairs: Sequence[tuple[str, str]], next_commands: Sequence[str] = (), *, is_thorough: bool = False
) -> None:
    """Run what is missing or stale, then print what came out and what to type next."""
    home = DataHome.from_environment()
    warehouse, note = Warehouse(home), partial(click.echo, err=True)
    for line in look_at_warehouse(warehouse, is_thorough=is_thorough or home.is_unpublished):
        note(line)
    config = with_imported(load_config(), warehouse)
    for model, problem_set in pairs:
        config.model(model)
        refuse_imported(config, problem_set, model)
    load = partial(import_module, "cot_assets.definitions")  # takes a second or two
    if not is_thorough and nothing_to_do(warehouse, config, pairs, load, note):
        click.echo("Everything is up to date; nothing was sampled.")
    else:
        _print_outcome(_run(warehouse, config, pairs, is_thorough=is_thorough), warehouse, config, pairs)
    problem_set = pairs[0][1]
    click.echo(f"\nResults: {home.results}")
    click.echo(f"Report:  {home.reports / problem_set / 'index.html'}")
    click.echo("\nTry next:")
    click.echo("  cot-assets sql pattern_table  how often each pattern happens, with intervals")
    click.echo("  cot-assets report --open      the report, in the browser")
    click.echo("  cot-assets ui                 the Dagster UI: assets, runs, checks, pictures")
    click.echo("  cot-assets sql                all named queries")
    for command in next_commands:
        click.echo(f"  {command}")


def _run(
    warehouse: Warehouse, config: Config, pairs: Sequence[tuple[str, str]], *, is_thorough: bool
) -> Outcome:
    from cot_assets.cli.running.progress import Screen
    from cot_assets.definitions import build_defs
    from cot_assets.orchestration.imports import lost_imports
    from cot_assets.orchestration.instance import open_instance
    from cot_assets.orchestration.runs import bring_up_to_date as bring

    home, screen = warehouse.home, Screen()
    stop.say_with(lambda: _kept(screen))
    is_gone = not home.warehouse.exists()
    with open_instance(home) as instance, screen:
        if is_gone and (commands := lost_imports(instance, warehouse)):
            screen.say(f"{home.warehouse.name} is gone, and with it imported rollouts; import them again:")
            for command in commands:
                screen.say(f"  {command}")

        def announce(want: Wanted) -> None:
            stop.heed()
            screen.say(_name(want))

        return bring(
            build_defs(resource_overrides={"progress": screen}),
            instance,
            config,
            pairs,
            announce=announce,
            say=screen.say,
            is_thorough=is_thorough,
        )


def _name(want: Wanted) -> str:
    what = "analysis only" if want.is_analysis and want.unit.model else ""
    return " ".join(word for word in (want.unit.job, want.unit.model, want.unit.problem_set, what) if word)


def _kept(screen: Screen) -> str:
    kept, total = screen.kept
    return (
        f"Stopped. {kept:,} of {total:,} rollouts are kept; run again to go on."
        if total
        else "Stopped. Run again to go on."
    )


def _print_outcome(
    outcome: Outcome, warehouse: Warehouse, config: Config, pairs: Sequence[tuple[str, str]]
) -> None:
    from cot_assets.report.numbers import counted
    from cot_assets.report.pages import told_findings
    from cot_assets.report.source import Source

    if not outcome.done:
        click.echo("Everything is up to date; nothing was sampled.")
        return
    click.echo(
        f"\n{outcome.n_made} of {counted(outcome.n_made + outcome.n_skipped, 'partition')} brought up to date; "
        f"{outcome.n_skipped} needed nothing."
    )
    for problem_set in dict.fromkeys(problem_set for _, problem_set in pairs):
        for row in warehouse.read(_HEADLINE, {"problem_set": problem_set}).iter_rows(named=True):
            click.echo(
                f"  {row['model']} on {problem_set}: {counted(row['problems'], 'problem')}, "
                f"{counted(row['cuts'], 'measured cut')}, {counted(row['rollouts'], 'rollout')}"
            )
        source = Source(warehouse.read, problem_set, config.protocol_of(problem_set))
        for headline, sentence, _ in told_findings(source):
            say(f"{headline}.")
            say(sentence, "    ")
    for remark in outcome.remarks:
        say(remark)
