"""Commands that run the pipeline or show it: ``demo``, ``run``, ``ui``.

Belongs here: arguments, progress bars, printing. Does not belong here: deciding and executing
(:mod:`cot_assets.orchestration.runs`), and commands on data (:mod:`cot_assets.cli.data`).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cot_assets.sampling.run import SamplingStatus
from cot_assets.study import DataHome, load_config

_DEMO_MODELS = ("demo-strong", "demo-weak")
console = Console(stderr=True)


class _Rate(ProgressColumn):
    """Rollouts per second of this run."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.fields.get('rate', 0):,.0f} rollouts/s", style="dim")


class BarProgress:
    """Progress bars on a terminal, plain lines elsewhere; the ``progress`` resource of the command line."""

    def __init__(self) -> None:
        self.bars = Progress(
            TextColumn("  {task.description:<52}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:>7,.0f}/{task.total:,.0f}"),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._plain = not console.is_terminal

    def track(self, label: str, log: Callable[[str], Any]) -> Callable[[SamplingStatus], None]:
        """One bar per engine run; the run's log gets the last line."""
        task: TaskID | None = None
        said: str | None = None

        def report(status: SamplingStatus) -> None:
            nonlocal task, said
            done = status.n_before + status.n_done
            rate = status.n_done / status.seconds if status.seconds else 0.0
            if task is None:
                task = self.bars.add_task(label, total=status.n_total, completed=status.n_before, rate=0.0)
            self.bars.update(task, total=status.n_total, completed=done, rate=rate)
            if status.waiting_for and status.waiting_for != said:
                console.print(f"  {label}: {status.waiting_for}", highlight=False, markup=False)
                log(f"{label}: {status.waiting_for}")
            said = status.waiting_for
            if status.is_finished:
                line = f"{label}: {done:,} rollouts, {status.n_before:,} found, {rate:,.0f} rollouts/s"
                log(line)
                if self._plain:
                    console.print(f"  {line}", highlight=False)

        return report


@click.command()
@click.option("--quick", is_flag=True, help="A smaller problem set, for a first look: under a minute.")
def demo(quick: bool) -> None:
    """Measure the two demo models on the demo problems; everything runs on this machine."""
    problem_set = "demo-quick" if quick else "demo"
    home = _bring_up_to_date([(model, problem_set) for model in _DEMO_MODELS])
    suffix = " --quick" if quick else ""
    click.echo(f"\nResults: {home.results}")
    click.echo(f"Report:  {home.reports / problem_set / 'index.html'}")
    click.echo("\nTry next:")
    click.echo("  cot-assets sql pattern_table          how often each pattern happens, with intervals")
    click.echo("  cot-assets ui                         the Dagster UI: assets, runs, checks, pictures")
    click.echo("  cot-assets sql                        all named queries")
    if not suffix:
        return
    click.echo("  cot-assets demo                       the whole demo: more problems, n = 64")


@click.command()
@click.option("--model", required=True, multiple=True, help="Name in models.toml; may be repeated.")
@click.option("--problem-set", required=True, help="Name in problem_sets.toml.")
def run(model: tuple[str, ...], problem_set: str) -> None:
    """Bring MODEL on PROBLEM_SET up to date: sample what is missing, grade, analyze, publish, report."""
    home = _bring_up_to_date([(name, problem_set) for name in model])
    click.echo(f"Results: {home.results}")
    click.echo(f"Report:  {home.reports / problem_set / 'index.html'}")


def _bring_up_to_date(pairs: list[tuple[str, str]]) -> DataHome:
    from cot_assets.definitions import build_defs
    from cot_assets.orchestration.imports import lost_imports
    from cot_assets.orchestration.instance import open_instance
    from cot_assets.orchestration.runs import bring_up_to_date
    from cot_assets.warehouse.recorded import with_recorded
    from cot_assets.warehouse.store import Warehouse

    home = DataHome.from_environment()
    config = with_recorded(load_config(), Warehouse(home))
    progress = BarProgress()
    is_gone = not home.warehouse.exists()
    with open_instance(home) as instance, progress.bars:
        if is_gone and (commands := lost_imports(instance, Warehouse(home))):
            console.print(
                f"{home.warehouse.name} is gone, and with it recorded rollouts; import them again:",
                highlight=False,
            )
            for command in commands:
                console.print(f"  {command}", highlight=False, soft_wrap=True, markup=False)
        runs = bring_up_to_date(
            build_defs(resource_overrides={"progress": progress}),
            instance,
            config,
            pairs,
            announce=lambda want: console.print(
                f"[bold]{want.unit.job}[/bold] {want.unit.model} {want.unit.problem_set}", highlight=False
            ),
        )
    if not runs:
        click.echo("Everything is up to date; nothing was sampled.")
    return home


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the web server.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def ui(port: int, host: str) -> None:
    """Start the Dagster web server and daemon on the data home; Ctrl-C stops both."""
    from cot_assets.orchestration.instance import prepare_instance

    home = DataHome.from_environment()
    prepare_instance(home)
    location = ["-m", "cot_assets.definitions"]
    tools = Path(sys.executable).parent
    commands = [
        [str(tools / "dagster-webserver"), *location, "--host", host, "--port", str(port)],
        [str(tools / "dagster-daemon"), "run", *location],
    ]
    click.echo(f"Dagster UI: http://{host}:{port}  (data home {home.root}; Ctrl-C stops it)")
    processes = [subprocess.Popen(command) for command in commands]

    def stop(*_: object) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # One without the other is of no use: where one ends (a port that is taken, say), so does the other.
    while all(process.poll() is None for process in processes):
        time.sleep(0.5)
    stop()
    sys.exit(max(process.wait() for process in processes))
