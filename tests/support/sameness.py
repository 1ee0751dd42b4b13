"""Whether two homes hold the same data: what a run took, and when, aside."""

from __future__ import annotations

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


def assert_same_tables(one: DataHome, other: DataHome) -> None:
    """Fail where a table of one home is not that of the other."""
    for name in set(tables()) - {_LEDGER}:
        frames = (
            Warehouse(home).read_table(name).drop(_OF_THE_MOMENT.get(name, [])) for home in (one, other)
        )
        try:
            assert_frame_equal(*frames, abs_tol=1e-12, rel_tol=0)
        except AssertionError as error:
            raise AssertionError(f"table {name}: {error}") from error
