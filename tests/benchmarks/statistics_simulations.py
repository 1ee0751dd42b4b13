"""Simulations behind the figures of docs/methods.md.

Run ``python tests/benchmarks/statistics_simulations.py NAME [--repeats R]`` from the root of the project;
NAME is one of the functions listed by ``--help``. Every simulation has a stated seed: the same numbers
come out again. Standard errors are those of the repeats.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "unit" / "measures")]

from simulations import (  # noqa: E402
    Row,
    answers,
    estimates,
    events,
    guesses,
    martingales,
    print_rows,
    rates,
    search,
    summaries,
    transfers,
)

#: By name: the simulation, and its usual number of repeats (1: exact, nothing is repeated).
SIMULATIONS: dict[str, tuple[Callable[[int], Iterator[Row]], int]] = {
    "intervals": (estimates.intervals, 1),
    "change_intervals": (estimates.change_intervals, 1),
    "false_discoveries": (events.false_discoveries, 100),
    "event_curves": (events.event_curves, 100),
    "recovery": (events.recovery, 500),
    "monotone": (events.monotone, 1000),
    "drawdowns": (events.drawdowns, 300),
    "guess_bounds": (guesses.guess_bounds, 2000),
    "clustered_rates": (rates.clustered_rates, 1000),
    "matched_means": (rates.matched_means, 300),
    "fitted_rates": (rates.fitted_pattern_rates, 100),
    "bootstrap": (rates.bootstrap, 1000),
    "hard_sets": (rates.hard_sets, 1000),
    "differences": (rates.differences, 1000),
    "quantiles": (summaries.quantiles, 1000),
    "fitted_shares": (summaries.fitted_shares, 200),
    "unlocks": (transfers.unlocks, 1),
    "least_rollouts": (transfers.least_rollouts, 1),
    "step_correlation": (transfers.step_correlation, 300),
    "martingale": (martingales.martingale, 300),
    "detectable": (martingales.detectable, 100),
    "answer_entropy": (answers.answer_entropy, 2000),
    "selection_bias": (search.selection_bias, 300),
}


def main() -> None:
    """Run one simulation and print it as a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=SIMULATIONS)
    parser.add_argument("--repeats", type=int)
    arguments = parser.parse_args()
    simulate, usual = SIMULATIONS[arguments.name]
    repeats = arguments.repeats or usual
    print_rows(simulate(repeats), f"{repeats} repeats")


if __name__ == "__main__":
    main()
