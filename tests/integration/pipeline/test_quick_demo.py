"""The quick demo, for real: both models, the embedded engine, a fresh data home, through Dagster."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from support.configuration import write_sections

from cot_assets.study import DataHome, load_config
from cot_assets.warehouse import schema
from cot_assets.warehouse.queries import named_queries, run_query
from cot_assets.warehouse.schema import check_frame
from cot_assets.warehouse.store import Warehouse

pytestmark = pytest.mark.heavy

MODELS = ("demo-strong", "demo-weak")
#: Filled by imports only, and by adaptive sampling only.
ELSEWHERE = {"import_notes", "explorations"}
#: Empty where the small demo happens to show nothing of the kind.
MAY_BE_EMPTY = (
    "largest",
    "recovery",
    "guesses",
    "first_unlock",
    "jump_candidates",
    "second_hand",
    "training_curve",
)
EVENTS = {"tangents", "spikes", "lucky_guesses", "shortest_unlocks"}


def _demo(home: Path) -> str:
    """A run in which every block is audited."""
    with (files("cot_assets.study") / "protocols.toml").open("rb") as file:
        quick = tomllib.load(file)["quick"]
    sampling = {**quick["sampling"], "audit_share": 1.0}
    write_sections(home / "config" / "protocols.toml", {"quick": {**quick, "sampling": sampling}})
    done = subprocess.run(
        [sys.executable, "-m", "cot_assets.cli", "demo", "--quick"],
        env={**os.environ, "COT_ASSETS_HOME": str(home), "COT_ASSETS_CONFIG": str(home / "config")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DataHome:
    root = tmp_path_factory.mktemp("home")
    _demo(root)
    return DataHome(root)


@pytest.fixture(scope="module")
def tables(home: DataHome) -> dict[str, pl.DataFrame]:
    warehouse = Warehouse(home)
    return {name: warehouse.read_table(name) for name in schema.tables()}


def test_every_table_is_filled_and_agrees_with_its_schema(tables: dict[str, pl.DataFrame]):
    for name, frame in tables.items():
        assert check_frame(name, frame) == [], name
        if name not in ELSEWHERE | EVENTS:
            assert frame.height, f"{name} is empty"


def test_every_block_is_what_its_model_writes(tables: dict[str, pl.DataFrame]):
    audits, keys = tables["audits"], ("problem_set", "model", "block_key")
    assert set(audits["verdict"]) == {"passed"}
    assert (audits["n_judged"] == audits["n_tokens"]).all()
    left = tables["blocks"].join(audits, on=keys, how="anti")  # chunks are audited with the search
    assert left.is_empty(), left


def test_every_prefix_has_n_rollouts_and_the_potential_is_their_share(tables: dict[str, pl.DataFrame]):
    n = load_config().protocol_of("demo-quick").sampling.n
    counted = (
        tables["rollouts"]
        .group_by("model", "prefix_id")
        .agg(pl.len().alias("rows"), (pl.col("verdict") == "correct").sum().alias("right"))
    )
    joined = tables["potentials"].join(counted, on=["model", "prefix_id"], how="full")
    assert joined["rows"].null_count() == joined["n"].null_count() == 0
    assert (joined["rows"] == n).all()
    assert (joined["potential"] == joined["right"] / joined["rows"]).all()


def test_the_end_of_a_trace_has_no_prefix_and_comes_once(tables: dict[str, pl.DataFrame]):
    cuts = tables["trace_cuts"]
    assert (cuts["is_end"] == cuts["prefix_id"].is_null()).all()
    assert (cuts.group_by("trace_id").agg(pl.col("is_end").sum())["is_end"] == 1).all()


def test_verdicts_of_rollouts_are_those_of_their_texts(home: DataHome):
    """The answer of trace and completion together; texts come from the shards."""
    rows = run_query(
        home,
        "SELECT r.answer, r.verdict, p.gold_answer FROM rollout_texts r JOIN problems p USING (problem_set, problem_id)",
    )
    answered = rows.filter(pl.col("answer").is_not_null())
    assert answered.height > 1000
    # As numbers: a model may write 07.
    is_right = answered["answer"].cast(pl.Int64, strict=False) == answered["gold_answer"].cast(pl.Int64)
    assert (is_right.fill_null(False) == (answered["verdict"] == "correct")).all()


def test_transfer_at_fraction_0_is_the_readers_own_cut_0(home: DataHome, tables: dict[str, pl.DataFrame]):
    """The same prefix is sampled once, however many traces and assets ask for it."""
    start = (
        Warehouse(home)
        .read_table("transfer_potentials")
        .filter((pl.col("fraction") == 0) & (pl.col("control") == "none"))
    )
    own = tables["potentials"].select(
        pl.col("model").alias("reader"), "prefix_id", pl.col("n_correct").alias("own")
    )
    joined = start.join(own, on=["reader", "prefix_id"])
    assert joined.height == start.height > 0
    assert (joined["own"] == joined["n_correct"]).all()
    assert set(start["reader"]) == set(MODELS)


def test_named_queries_answer(home: DataHome):
    """Without parameters, except the two that show one trace."""
    trace = run_query(home, "SELECT trace_id, prefix_id FROM trace_curves WHERE n > 0 LIMIT 1").row(
        0, named=True
    )
    for name, query in named_queries().items():
        given = {p.name: trace[p.name] for p in query.parameters if p.name in trace}
        rows = run_query(home, name, given)
        assert rows.width > 1, name
        if "events" not in name and not name.startswith(MAY_BE_EMPTY):
            assert rows.height, f"{name} has no rows"


def test_report_and_results_are_there(home: DataHome):
    assert (home.reports / "demo-quick" / "index.html").exists() or os.environ.get("COT_ASSETS_REPORTS")
    assert home.results.exists()


def test_what_has_nothing_to_do_loads_no_dagster(home: DataHome):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cot_assets.cli", "demo", "--quick"],
        env={**os.environ, "COT_ASSETS_HOME": str(home.root)},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert "Everything is up to date" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "cot_assets.orchestration.presence" in imported
    assert not imported & {"dagster", "sqlalchemy", "openvino_genai"}


def test_a_second_run_samples_nothing_and_changes_no_row(home: DataHome, tables: dict[str, pl.DataFrame]):
    assert "Everything is up to date" in _demo(home.root)
    warehouse = Warehouse(home)
    for name, frame in tables.items():
        assert warehouse.read_table(name).equals(frame), name


def test_lost_shards_are_sampled_again_to_the_same_rows(home: DataHome, tables: dict[str, pl.DataFrame]):
    """The embedded engine is reproducible: a lost file costs time, not results."""
    shard = sorted((home.shards / "rollouts" / "demo-weak").glob("*.parquet"))[0]
    lost = pl.read_parquet(shard, columns=["block_key"]).unique().height
    shard.unlink()
    home.warehouse.unlink()
    _demo(home.root)
    warehouse = Warehouse(home)
    sampled = warehouse.read_table("sampling_runs")
    assert sampled["n_blocks"].sum() == lost
    for name in ("traces", "potentials", "trace_cuts", "given", "steps", "unlocks", "estimates"):
        assert warehouse.read_table(name).equals(tables[name]), name
