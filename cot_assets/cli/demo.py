"""``demo``: the two demo models on the demo problems."""

from __future__ import annotations

import click

_MODELS = ("demo-strong", "demo-weak")


@click.command()
@click.option("--quick", is_flag=True, help="A smaller problem set, for a first look: under a minute.")
def demo(quick: bool) -> None:
    """Measure the two demo models on the demo problems; everything runs on this machine."""
    from cot_assets.cli.running.updating import bring_up_to_date

    bring_up_to_date(
        [(model, "demo-quick" if quick else "demo") for model in _MODELS],
        ["cot-assets demo                the whole demo: more problems, n = 64"] if quick else [],
    )
