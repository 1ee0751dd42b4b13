"""``models``: what the registry holds, whether a model is what its entry says, and conversion.

Belongs here: arguments and printing. Does not belong here: what is found out (:mod:`cot_assets.engines.survey`,
:mod:`cot_assets.engines.trial`).
"""

from __future__ import annotations

from importlib import import_module

import click

from cot_assets.cli import Sentences
from cot_assets.study import DataHome, load_config


@click.group(cls=Sentences, invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the registry with sizes and revisions; `check NAME` tries a model, `convert NAME` converts it."""
    if context.invoked_subcommand is not None:
        return
    from cot_assets.engines.survey import survey

    config = load_config()
    if config.sources:
        from cot_assets.engines.finding import look_for_models

        look_for_models(config.sources, DataHome.from_environment())
        config = load_config()
    rows = [("model", "engine", "weights", "size", "state", "context", "revision")]
    for name in sorted(config.models):
        entry = config.model(name)
        found = survey(entry)
        size = "" if found.size is None else f"{found.size / 1e6:,.1f} MB"
        context_length = "" if found.context is None else f"{found.context:,}"
        rows.append((name, entry.engine, found.kind, size, found.state, context_length, found.revision))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@models.command()
@click.argument("name")
def check(name: str) -> None:
    """Load NAME, write a few completions, and say whether prompt, template and ends look right."""
    from cot_assets.engines.trial import try_model

    DataHome.from_environment().create()
    found = try_model(load_config().model(name))
    click.echo(f"{name}: {found.identity}")
    click.echo(f"  loaded in {found.load_seconds:.1f} s; memory {found.memory / 1e9:.2f} GB")
    click.echo(f"  {found.speed}")
    click.echo(f"  prompt      {found.prompt!r}")
    click.echo(f"  completion  {found.completion!r} ({found.ended})")
    for remark in found.remarks:
        click.echo(f"  ! {remark}")
    if not found.remarks:
        click.echo("  prompt, template and ends look right")


@models.command()
@click.argument("name")
@click.option("--delete", is_flag=True, help="Delete what was sampled of it, too.")
def forget(name: str, delete: bool) -> None:
    """Take NAME out of tables, partitions, report and graph; what was sampled stays, unless --delete is given.

    Automation leaves it alone from then on, even if models.toml lists it, until `cot-assets run --model NAME`.
    """
    from cot_assets.orchestration.forgetting import forget_model
    from cot_assets.orchestration.instance import open_instance
    from cot_assets.warehouse.imported import with_imported
    from cot_assets.warehouse.store import Warehouse

    home = DataHome.from_environment()
    if not home.root.is_dir():
        raise click.ClickException(f"{home.root}: nothing was run in this data home; set COT_ASSETS_HOME")
    warehouse = Warehouse(home)
    import_module("cot_assets.definitions")  # which assets there are
    with open_instance(home) as instance:
        config = with_imported(load_config(), warehouse)
        n_rows, others = forget_model(instance, warehouse, config, name, with_shards=delete)
    kept = "what was sampled of it is deleted" if delete else "what was sampled of it stays in shards/"
    click.echo(f"{name} is forgotten: {n_rows:,} rows deleted; {kept}.")
    if name in config.models:
        click.echo(
            f"Its entry is still there: `cot-assets run --model {name} --problem-set …` takes it up again."
        )
    sampled = [
        pair
        for pair in others
        if not (config.model(pair[0]).is_imported or config.problem_set(pair[1]).is_imported)
    ]
    if sampled:
        from cot_assets.cli.running.updating import bring_up_to_date

        bring_up_to_date(sampled)


@models.command()
@click.argument("name")
def convert(name: str) -> None:
    """Convert the weights of NAME into what the embedded engine takes, once; a stopped conversion goes on."""
    from cot_assets.engines.weights.convert import convert as convert_weights
    from cot_assets.engines.weights.source import find_source

    entry = load_config().model(name)
    if entry.engine != "openvino":
        raise click.ClickException(
            f'model {name!r}: only models of engine "openvino" are converted; this one\'s is {entry.engine!r}'
        )
    DataHome.from_environment().create()
    folder = convert_weights(entry, find_source(entry), lambda line: click.echo(line, err=True))
    if folder is None:
        click.echo(f"{name}: OpenVINO takes its weights as they are; nothing is converted")
    else:
        click.echo(f"{name}: {folder}")
