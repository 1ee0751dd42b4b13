"""``plan``: what a study will take, before anything is sampled.

Belongs here: arguments, reading what is known, printing. Does not belong here: the arithmetic
(:mod:`cot_assets.sampling.budget`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cot_assets.cli import say
from cot_assets.study import Config, DataHome, load_config

if TYPE_CHECKING:
    from cot_assets.sampling.budget import Known, Work
    from cot_assets.warehouse.store import Warehouse


@click.command()
@click.option("--model", required=True, multiple=True, help="Name in models.toml; may be repeated.")
@click.option("--problem-set", required=True, help="Name in problem_sets.toml.")
@click.option(
    "--tokens-per-second",
    type=click.FloatRange(0, min_open=True),
    help="Generated tokens per second of your engine; default: as measured when the model last ran.",
)
def plan(model: tuple[str, ...], problem_set: str, tokens_per_second: float | None) -> None:
    """Say what `cot-assets run` with the same options would take: rollouts, tokens, hours, disk.

    Nothing is sampled. "At most" follows from the protocol alone; "expected" rests on what the same model
    did before, and is "unknown" where it did nothing comparable.
    """
    from cot_assets.engines.survey import require
    from cot_assets.sampling.budget import plan_work
    from cot_assets.warehouse.errors import WarehouseError
    from cot_assets.warehouse.imported import refuse_imported, with_imported
    from cot_assets.warehouse.store import Warehouse

    home = DataHome.from_environment()
    here = Warehouse(home)
    warehouse = here if home.warehouse.exists() else None
    config = with_imported(load_config(), here)
    models = list(dict.fromkeys(model))
    for name in models:
        refuse_imported(config, problem_set, name)
        require(config.model(name))
    protocol = config.protocol_of(problem_set)
    try:
        n_problems = _problem_count(config, home, warehouse, problem_set)
    except WarehouseError as error:
        raise click.ClickException(str(error)) from error
    rules = protocol.sampling
    say(
        f"{problem_set}: {n_problems:,} problems; protocol {protocol.name} ({protocol.sampling_hash}): n = {rules.n}, "
        f"{rules.traces_per_problem} traces per problem, measured: {rules.measured}, at most {rules.max_cuts} cuts per trace, "
        f"{rules.max_tokens:,} tokens",
        mark="",
    )
    for name in models:
        known = _known(warehouse, name, problem_set, protocol.sampling_hash)
        writers = [m for m in models if m != name and not config.model(m).reads_only]
        works = plan_work(protocol, n_problems, known, writers, reads_only=config.model(name).reads_only)
        if config.problem_set(problem_set).has_given_traces:
            works = [work for work in works if work.asset != "traces"]
        _show(config, home, name, works, known, tokens_per_second)
    _notes(config, models, problem_set, n_problems, warehouse)


def _problem_count(config: Config, home: DataHome, warehouse: Warehouse | None, problem_set: str) -> int:
    if warehouse is not None:
        there = warehouse.read(
            "SELECT count(*) FROM problems WHERE problem_set = $name", {"name": problem_set}
        ).item()
        if there:
            return int(there)
    from cot_assets.problems.load import load_problems

    return load_problems(config.problem_set(problem_set), home).height


def _known(warehouse: Warehouse | None, model: str, problem_set: str, sampling_hash: str) -> Known:
    """What the warehouse holds of the model, and of its possible writers."""
    from cot_assets.sampling.budget import Known
    from cot_assets.warehouse.schema import polars_schema

    if warehouse is None:
        traces = polars_schema("traces").to_frame()
        cuts = traces.select("sampling_hash", n_cuts="n_tokens")
        return Known(traces, cuts, polars_schema("sampling_runs").to_frame(), frozenset(), {}, frozenset())
    here = {"model": model, "problem_set": problem_set, "hash": sampling_hash}
    done = warehouse.read(
        "SELECT 'traces' AS asset FROM traces "
        "WHERE model = $model AND problem_set = $problem_set AND sampling_hash = $hash "
        "UNION SELECT asset FROM blocks "
        "WHERE model = $model AND problem_set = $problem_set AND sampling_hash = $hash",
        here,
    )
    writers = warehouse.read(
        "SELECT model, count(DISTINCT trace_id) AS n FROM trace_cuts "
        "WHERE problem_set = $problem_set AND model <> $model GROUP BY model",
        {"model": model, "problem_set": problem_set},
    )
    read_before = warehouse.read(
        "SELECT DISTINCT writer FROM given "
        "WHERE reader = $model AND problem_set = $problem_set AND sampling_hash = $hash",
        here,
    )
    return Known(
        warehouse.read(
            "SELECT problem_set, sampling_hash, n_tokens FROM traces WHERE model = $model", {"model": model}
        ),
        warehouse.read(
            "SELECT sampling_hash, count(*) FILTER (WHERE NOT is_end) AS n_cuts FROM trace_cuts "
            "WHERE model = $model GROUP BY trace_id, cut_policy, sampling_hash",
            {"model": model},
        ),
        warehouse.read_table("sampling_runs", model=model),
        frozenset(done["asset"]),
        dict(writers.iter_rows()),
        frozenset(read_before["writer"]),
    )


def _show(
    config: Config, home: DataHome, model: str, works: list[Work], known: Known, stated: float | None
) -> None:
    from cot_assets.sampling.budget import measured_rate, total

    click.echo(f"\n{model}")
    click.echo(f"{'rollouts:':>43}{'tokens:':>24}")
    click.echo(f"  {'':<30}{'at most':>11}{'expected':>11}{'at most':>13}{'expected':>13}")
    for work in works:
        if work.is_done:
            click.echo(f"  {work.label:<30} measured under this protocol: nothing to sample")
            continue
        _row(
            work.label,
            (work.most_rollouts, work.expected_rollouts, work.most_tokens, work.expected_tokens),
        )
    most_rollouts, most_tokens, rollouts, tokens = total(works)
    _row("together", (most_rollouts, rollouts, most_tokens, tokens))
    for basis in dict.fromkeys(work.basis for work in works if work.basis and not work.is_done):
        say(basis, "  - ")
    if not most_rollouts:
        return
    measured = measured_rate(known.runs)
    rate = (stated, "as you say") if stated is not None else measured
    gpus = config.model(model).engine_args.get("tensor_parallel_size", 1)
    if rate is None:
        say("Time: unknown, the model has not run yet; state a rate with --tokens-per-second")
    else:
        entry = config.model(model)
        is_cpu = " CPU" in measured[1] if measured else entry.engine == "openvino" and entry.device == "CPU"
        unit = "" if is_cpu else "GPU-"
        most, likely = (None if t is None else t / rate[0] / 3600 * int(gpus) for t in (most_tokens, tokens))
        by = f" x {gpus} GPUs" if gpus != 1 else ""
        say(
            f"Time: {_hours(likely, unit)} expected, {_hours(most, unit)} at most, at {rate[0]:,.0f} generated "
            f"tokens/s{by} ({rate[1]}); reading prompts and prefixes, loading and grading are not counted"
        )
    per_token, basis = _bytes_per_token(home, model)
    say(
        f"Disk: {_size(None if tokens is None else tokens * per_token)} expected, "
        f"{_size(most_tokens * per_token)} at most, in shards ({basis}); the warehouse is not counted"
    )


def _row(label: str, values: tuple[float | None, ...]) -> None:
    cells = ["unknown" if value is None else f"{value:,.0f}" for value in values]
    click.echo(f"  {label:<30}{cells[0]:>11}{cells[1]:>11}{cells[2]:>13}{cells[3]:>13}")


def _hours(value: float | None, unit: str) -> str:
    """Hours in words, with a unit before them."""
    if value is None:
        return "unknown"
    if value < 1:
        return f"{60 * value:.0f} {unit}minutes" if value > 1 / 60 else f"under a {unit}minute"
    return f"{value:,.0f} {unit}hours" if value >= 100 else f"{value:.1f} {unit}hours"


def _size(value: float | None) -> str:
    if value is None:
        return "unknown"
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.3g} TB"


def _bytes_per_token(home: DataHome, model: str) -> tuple[float, str]:
    """Of the model's shards, else of all, else an assumption."""
    import polars as pl

    from cot_assets.sampling.budget import ASSUMED_BYTES

    for name, folders in (
        (f"shards of {model}", [home.shards / "rollouts" / model, home.shards / "traces" / model]),
        ("shards of other models", [home.shards]),
    ):
        files: list[Path] = [f for folder in folders for f in sorted(folder.rglob("*.parquet"))]
        tokens = sum(
            int(pl.read_parquet(f, columns=["n_tokens"], glob=False)["n_tokens"].sum()) for f in files
        )
        if tokens:
            size = sum(f.stat().st_size for f in files)
            return size / tokens, f"{size / tokens:.1f} bytes a token, as in the {name}"
    return ASSUMED_BYTES, f"{ASSUMED_BYTES:.0f} bytes a token, assumed: nothing was sampled here yet"


def _notes(
    config: Config, models: list[str], problem_set: str, n_problems: int, warehouse: Warehouse | None
) -> None:
    """What the tables above leave out."""
    from cot_assets.sampling.budget import given_prefixes, measured_traces

    click.echo("\nNot in these figures:")
    say("what shards hold of another n or of an interrupted run: it is found again, not sampled", "  - ")
    say("changed weights or problems: they make everything new, even what was measured before", "  - ")
    readers = [] if warehouse is None else _other_readers(warehouse, models, problem_set)
    if readers:
        protocol = config.protocol_of(problem_set)
        prefixes = measured_traces(protocol, n_problems) * given_prefixes(protocol)
        each = prefixes * protocol.sampling.n * len(models)
        say(
            f"other models that will read the new traces when they are brought up to date: "
            f"{', '.join(readers)}, at most {each:,} rollouts each",
            "  - ",
        )


def _other_readers(warehouse: Warehouse, models: list[str], problem_set: str) -> list[str]:
    frame = warehouse.read(
        "SELECT DISTINCT model FROM blocks WHERE problem_set = $name ORDER BY model", {"name": problem_set}
    )
    return [name for name in frame["model"] if name not in models]
