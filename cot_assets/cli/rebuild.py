"""``rebuild``: the warehouse again from the shards; see :mod:`cot_assets.orchestration.rebuild`."""

from __future__ import annotations

import click

from cot_assets.study import DataHome, load_config


@click.command()
def rebuild() -> None:
    """Make warehouse.duckdb again from the shards; nothing is sampled.

    The old file is kept as warehouse.duckdb.before-rebuild, in place of the one of an earlier rebuild.
    Imported rollouts and the cost ledger, which no shard holds, are carried over from it. Where shards
    lack something, the command says how much and leaves everything as it was.
    """
    from cot_assets.cli.running.stopping import stop
    from cot_assets.definitions import build_defs
    from cot_assets.orchestration.instance import open_instance
    from cot_assets.orchestration.rebuild import rebuild as rebuild_warehouse
    from cot_assets.orchestration.rebuild import shards_only
    from cot_assets.warehouse.aside import aside_path
    from cot_assets.warehouse.lock import lock_of

    home = DataHome.from_environment()
    # A second one would set aside what the first has half made.
    with open_instance(home) as instance, lock_of(aside_path(home), timeout_s=2).hold("rebuild"):
        done = rebuild_warehouse(
            build_defs(resource_overrides={"engines": shards_only()}),
            instance,
            load_config(),
            home,
            announce=stop.next_step,
        )
    for kind, pairs in (("Rebuilt", done.pairs), ("Analyzed again (imported)", done.imported)):
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
