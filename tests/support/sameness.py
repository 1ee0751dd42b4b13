"""Whether two homes hold the same data: what a run took, and when, aside."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from polars.testing import assert_frame_equal

from cot_assets.study import DataHome
from cot_assets.warehouse.schema import tables
from cot_assets.warehouse.store import Warehouse

#: Of the moment, and of how runs came by what they found; not of what they found.
_LEDGER = "sampling_runs"
_OF_THE_MOMENT = {
    "models": ["first_seen_at"],
    "rollouts": ["shard"],
    "audits": ["shard", "audited_at"],
}


def everything(home: DataHome) -> dict[str, pl.DataFrame]:
    """Every table of a home by name."""
    with (warehouse := Warehouse(home)).together("read everything"):
        return {name: warehouse.read_table(name) for name in tables()}


def assert_same(
    before: Mapping[str, pl.DataFrame], after: Mapping[str, pl.DataFrame], tolerance: float = 0.0
) -> None:
    """Fail where a table is not as it was."""
    assert before.keys() == after.keys()
    for name, frame in before.items():
        try:
            assert_frame_equal(frame, after[name], check_exact=not tolerance, abs_tol=tolerance, rel_tol=0)
        except AssertionError as error:
            raise AssertionError(f"table {name}: {error}") from error


def assert_same_tables(one: DataHome, other: DataHome) -> None:
    """Fail where a table of one home is not that of the other."""
    found = (
        {
            name: frame.drop(_OF_THE_MOMENT.get(name, []))
            for name, frame in everything(home).items()
            if name != _LEDGER
        }
        for home in (one, other)
    )
    assert_same(*found, tolerance=1e-12)
