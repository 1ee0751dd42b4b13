"""``cot-assets rebuild``: the warehouse again from shards, nothing sampled, nothing lost, nothing half done."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from filelock import FileLock
from polars.testing import assert_frame_equal
from support.command_line import Cli
from support.lab import Lab, ScriptedEngines, write_counts
from support.sameness import assert_same, everything
from support.scripted import ScriptedEngine

from cot_assets.definitions import build_defs
from cot_assets.engines.base import Block, Completion, Sampling
from cot_assets.importing import import_table
from cot_assets.orchestration.imports import Imports
from cot_assets.orchestration.rebuild import MissingBlocksError, Rebuilt, rebuild, shards_only
from cot_assets.orchestration.runs import PipelineError, bring_up_to_date
from cot_assets.sampling.plan import Purpose
from cot_assets.sampling.shards import ShardsInUseError, ShardStore
from cot_assets.statistics.surprise import TILTS, Evidence
from cot_assets.warehouse.aside import aside_path
from cot_assets.warehouse.errors import WarehouseLockedError
from cot_assets.warehouse.imported import with_imported
from cot_assets.warehouse.store import Warehouse

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]

PAIRS = [("strong", "sums"), ("weak", "sums")]
IMPORTED = "theirs"
COMMAND = "cot-assets import rollouts /somewhere/mine.jsonl"


def add_imported(lab: Lab) -> None:
    file = write_counts(lab.root / "mine.jsonl")
    imported = import_table(file, model=IMPORTED, problem_set=IMPORTED)
    with lab.instance() as instance:
        warehouse = Warehouse(lab.home)
        config = with_imported(lab.config(), warehouse)
        Imports(build_defs(), instance, warehouse, config).bring_in(imported, command=COMMAND)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, Path]:
    """Two models on two problems and an imported model, and a copy of all of it."""
    lab = Lab(tmp_path_factory.mktemp("rebuild") / "study")
    lab.write_sums(n=2)
    lab.write_script("strong", skill=0.9)
    lab.write_script("weak", skill=0.6)
    lab.bring_up_to_date(PAIRS)
    add_imported(lab)
    return lab, Path(shutil.copytree(lab.root, lab.root.with_name("copy")))


@pytest.fixture
def study(built: tuple[Lab, Path]) -> Lab:
    """The study as it was built: making it anew for every test would take seconds each."""
    lab, copy = built
    shutil.rmtree(lab.root)
    shutil.copytree(copy, lab.root)
    return lab


def rebuilt(lab: Lab) -> Rebuilt:
    with lab.instance() as instance:
        definitions = build_defs(resource_overrides={"engines": shards_only(ScriptedEngines)})
        return rebuild(definitions, instance, lab.config(), lab.home)


@pytest.fixture
def nothing_is_sampled() -> Iterator[None]:
    """Fails a test in which an engine sampled after its set-up."""
    before = len(ScriptedEngine.sampled)
    yield
    assert len(ScriptedEngine.sampled) == before


def test_every_table_comes_back(study: Lab) -> None:
    before, n_sampled = everything(study.home), len(ScriptedEngine.sampled)
    assert all(before[table].height for table in ("rollouts", "unlocks", "sampling_runs", "import_notes")[:3])
    done = rebuilt(study)
    assert set(done.pairs) == set(PAIRS)
    assert done.imported == ((IMPORTED, IMPORTED),)
    assert done.lost == ()
    assert done.kept == aside_path(study.home)
    assert done.carried["sampling_runs"] == before["sampling_runs"].height
    assert done.carried["traces"] == 1  # the imported one; others come from shards
    assert_same(before, everything(study.home), 1e-12)
    assert len(ScriptedEngine.sampled) == n_sampled
    assert study.bring_up_to_date(PAIRS) == []  # and Dagster knows


def test_audits_of_a_reader_are_kept_while_its_writers_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(
        _: ScriptedEngine, written: Iterable[tuple[Block, Sequence[Completion]]], sampling: Sampling
    ) -> Iterator[Evidence]:
        return (Evidence(9, 0, 0.0, 9.0, np.zeros((2, len(TILTS) + 1)), 9) for _ in written)

    monkeypatch.setattr(ScriptedEngine, "score", score)
    lab = Lab(tmp_path)
    lab.write_sums(n=2, protocol={"search_problems": 0})
    lab.write_script("strong", skill=0.9)
    lab.write_script("weak", skill=0.6)
    lab.bring_up_to_date(PAIRS)
    before = lab.table("audits")
    assert set(before.filter(pl.col("asset") == "transfer_completions")["model"]) == {"strong", "weak"}
    assert rebuilt(lab).lost == ()
    assert_frame_equal(before, lab.table("audits"), check_row_order=False)


def test_a_reader_that_has_not_read_a_later_writer_waits_for_the_next_run(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=2, protocol={"search_problems": 0})
    for model, skill in (("strong", 0.9), ("weak", 0.2)):
        lab.write_script(model, skill=skill)
        lab.bring_up_to_date([(model, "sums")])  # so the first has not read the second
    before, n_sampled = everything(lab.home), len(ScriptedEngine.sampled)
    done = rebuilt(lab)
    assert len(ScriptedEngine.sampled) == n_sampled
    assert set(done.pairs) == set(PAIRS)
    (said,) = done.lost
    assert said.startswith("the transfer to strong on sums")
    after = everything(lab.home)
    for table in ("traces", "rollouts", "potentials", "steps", "unlocks"):  # the first reads nobody so far
        assert_frame_equal(before[table], after[table], abs_tol=1e-12, rel_tol=0)
    assert lab.home.results.exists()
    left = {want.unit for want in lab.bring_up_to_date(PAIRS)}
    assert {(unit.job, unit.model) for unit in left} == {
        ("measure_transfer", "strong"),
        ("compare_models", ""),
    }
    assert lab.bring_up_to_date(PAIRS) == []
    assert set(lab.table("unlocks")["reader"]) == {"strong", "weak"}
    lab.home.warehouse.unlink()
    aside_path(lab.home).unlink()
    for file in ShardStore(lab.home.shards, "rollout", "strong").folder.glob("*.parquet"):
        file.rename(file.with_suffix(".elsewhere"))
    lacking = build_defs(resource_overrides={"engines": shards_only(ScriptedEngines)})
    with (
        lab.instance() as instance,
        pytest.raises(PipelineError, match="in no shard"),
    ):  # whoever would leave it
        bring_up_to_date(lacking, instance, lab.config(), PAIRS, leaves=lambda _, __: True)


def test_without_a_warehouse_dagster_says_what_to_rebuild(study: Lab) -> None:
    before = everything(study.home)
    study.home.warehouse.unlink()
    done = rebuilt(study)
    assert set(done.pairs) == set(PAIRS)
    assert (done.imported, done.kept) == ((), None)
    assert done.lost[-1].endswith(COMMAND)
    assert "cost ledger is gone" in done.lost[0]
    for table in ("rollouts", "potentials", "unlocks"):
        own = before[table].filter(pl.col("problem_set") == "sums")
        assert_frame_equal(own, study.table(table, problem_set="sums"), abs_tol=1e-12, rel_tol=0)


@pytest.mark.parametrize(("purpose", "size"), [("rollout", 16), ("trace", 1)])
def test_missing_blocks_stop_it_before_anything_changes(
    study: Lab, nothing_is_sampled: None, purpose: Purpose, size: int
) -> None:
    store = ShardStore(study.home.shards, purpose, "weak")
    n_blocks = sum(pl.read_parquet(f)["block_key"].n_unique() for f in store.folder.glob("*.parquet"))
    for file in store.folder.glob("*.parquet"):
        file.rename(file.with_suffix(".elsewhere"))
    content, before = study.home.warehouse.read_bytes(), everything(study.home)
    message = rf"{n_blocks} blocks \({n_blocks * size:,} completions\) of 'weak' are in no shard.*Nothing was changed"
    with pytest.raises(MissingBlocksError, match=message):
        rebuilt(study)
    assert study.home.warehouse.read_bytes() == content
    assert not aside_path(study.home).exists()
    assert_same(before, everything(study.home), 1e-12)


def test_what_only_sampling_finds_missing_puts_the_old_warehouse_back(
    study: Lab, nothing_is_sampled: None
) -> None:
    """As with a warehouse of an older version, which did not record the blocks of traces."""
    with duckdb.connect(study.home.warehouse) as con:
        con.execute("DELETE FROM blocks WHERE asset = 'traces'")
    for file in ShardStore(study.home.shards, "trace", "strong").folder.glob("*.parquet"):
        file.rename(file.with_suffix(".elsewhere"))
    before = everything(study.home)
    message = r"4 blocks \(4 completions\) of 'strong' are in no shard"
    with pytest.raises(PipelineError, match=message) as caught:
        rebuilt(study)
    assert caught.value.__notes__ == ["The old warehouse is back in place."]
    assert_same(before, everything(study.home), 1e-12)
    assert not aside_path(study.home).exists()
    assert study.home.root.joinpath(".rebuilding").exists() is False


def test_it_waits_for_nobody_who_uses_the_data(study: Lab) -> None:
    program = (
        "import duckdb, sys\ncon = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(study.home.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(WarehouseLockedError, match=f"another program has .*{other.pid}"):
            rebuilt(study)
        other.communicate()
    store = ShardStore(study.home.shards, "trace", "weak")
    with store.writing(), pytest.raises(ShardsInUseError, match="samples this model already"):
        rebuilt(study)
    assert not aside_path(study.home).exists()


def test_an_interruption_puts_the_old_warehouse_back(study: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(study.home)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cot_assets.orchestration.rebuild.bring_up_to_date", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rebuilt(study)
    assert_same(before, everything(study.home), 1e-12)


def test_a_second_rebuild_leaves_the_warehouse_that_the_first_has_set_aside(lab: Lab, cli: Cli) -> None:
    lab.home.create()
    with FileLock(f"{aside_path(lab.home)}.lock"):
        ran = cli("rebuild", variables=lab.variables)
    assert (ran.code, ran.out) == (1, "")
    assert "cannot rebuild: " in ran.err
    assert "Wait for it to finish or stop that process" in ran.err


def test_an_empty_home_has_nothing_to_rebuild(lab: Lab, cli: Cli) -> None:
    ran = cli("rebuild", variables=lab.variables)
    assert (ran.code, ran.out) == (1, "")
    assert "says what was evaluated" in ran.err
    assert "cot-assets run --model NAME" in ran.err
    assert not lab.home.warehouse.exists()
