"""The net: every named query over a recorded study gives the rows that it gave when they were recorded.

The study is ``shards/`` (a quick demo of both models) and two traces of the project's own making in the layouts
of published sets. Nothing is sampled: a run finds every block in the shards. A number that changes needs a reason of
its own; then ``python tests/integration/golden/test_golden.py`` records the files of ``expected/`` again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

from cot_assets.study import DataHome
from cot_assets.warehouse.queries import named_queries, run_query

pytestmark = pytest.mark.heavy

HERE = Path(__file__).parent
#: Seconds, rates and counts of work that was done elsewhere, and likelihoods as one machine rounds them.
NOT_COMPARED = {"answer_rules", "audits", "cost", "provenance"}
COMMANDS = (
    ("demo", "--quick"),
    ("import", "thought-anchors", "thought-anchors"),
    ("import", "cliff-token", "cliff-token"),
)


def build(root: Path) -> DataHome:
    """The recorded study in a data home of its own, by the commands that people type."""
    shutil.copytree(HERE / "shards", root / "shards")
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "cot_assets.cli", *command],
            cwd=HERE,
            env={**os.environ, "COT_ASSETS_HOME": str(root)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return DataHome(root)


def rows_of(home: DataHome, query: str) -> pl.DataFrame:
    """What the query prints as CSV, read back; lists of steps as a row per step."""
    rows = run_query(home, query)
    if lists := rows.select(cs.list()).columns:
        rows = rows.explode(lists)
    return pl.read_csv(rows.write_csv().encode(), infer_schema_length=None)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DataHome:
    return build(tmp_path_factory.mktemp("golden") / "home")


def test_nothing_was_sampled(home: DataHome) -> None:
    recorded = sorted(p.relative_to(HERE / "shards") for p in (HERE / "shards").rglob("*.parquet"))
    assert sorted(p.relative_to(home.shards) for p in home.shards.rglob("*.parquet")) == recorded


@pytest.mark.parametrize("query", sorted(set(named_queries()) - NOT_COMPARED))
def test_a_query_gives_the_recorded_rows(home: DataHome, query: str) -> None:
    expected = pl.read_csv(HERE / "expected" / f"{query}.csv", infer_schema_length=None)
    found = rows_of(home, query)
    assert found.columns == expected.columns
    assert_frame_equal(found, expected, check_dtypes=False, abs_tol=1e-9)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        study = build(Path(folder) / "home")
        shutil.rmtree(HERE / "expected", ignore_errors=True)
        (HERE / "expected").mkdir()
        for name in sorted(set(named_queries()) - NOT_COMPARED):
            rows_of(study, name).write_csv(HERE / "expected" / f"{name}.csv")
