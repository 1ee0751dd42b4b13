"""What is gone or damaged is noticed, named in one line, and made again by the next run."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from polars.testing import assert_frame_equal
from support.lab import Lab, ScriptedEngines
from support.scripted import ScriptedEngine

from cot_assets.definitions import build_defs
from cot_assets.orchestration.rebuild import rebuild, shards_only
from cot_assets.sampling.shards import DamagedShardWarning
from cot_assets.warehouse.publish import EMPTY_SHARD
from cot_assets.warehouse.queries import run_query
from cot_assets.warehouse.schema import tables

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]

PAIRS = [("script", "sums")]
LEDGERS = {"sampling_runs", "models", "audits"}  # of the moment, or of the runs themselves
OF_THE_MOMENT = {"rollouts": ["shard"]}
Harm = Callable[[Lab], object]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("presence") / "study")
    lab.write_sums(n=1, protocol={"max_cuts": 3, "traces_per_problem": 1, "search_problems": 0})
    lab.write_script("script")
    assert lab.bring_up_to_date(PAIRS)
    return lab


@pytest.fixture
def study(built: Lab, tmp_path: Path) -> Lab:
    """A copy of the study, elsewhere: nothing of it may lead back to where it was made."""
    lab = Lab(tmp_path / "elsewhere")
    shutil.copytree(built.root, lab.root, dirs_exist_ok=True)
    return lab


def shard(lab: Lab, purpose: str) -> Path:
    return sorted((lab.home.shards / purpose / "script").glob("*.parquet"))[0]


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def rot(file: Path) -> None:
    """Bytes change as they do on an old disk: neither size nor moment says so."""
    status, content = file.stat(), bytearray(file.read_bytes())
    for place in range(4 * 4096, len(content), 40_000):
        content[place] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def replace(file: Path) -> None:
    """By a folder that has something in it."""
    file.unlink()
    file.mkdir()
    (file / "x").write_text("x")


def lead_nowhere(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


def delete_rows(lab: Lab) -> None:
    with duckdb.connect(lab.home.warehouse) as con:
        con.execute("DELETE FROM potentials")


def page(lab: Lab) -> Path:
    return lab.home.reports / "sums" / "index.html"


#: What is done to a study, and what is said of it: as many lines as there are texts.
HARMS: dict[str, tuple[tuple[Harm, ...], tuple[str, ...]]] = {
    "bytes flipped, traces deleted and files cut": (
        (
            lambda lab: flip(shard(lab, "rollouts")),
            lambda lab: shard(lab, "traces").unlink(),
            lambda lab: cut(lab.home.results),
            lambda lab: cut(page(lab)),
        ),
        ("2 shards of script gone or damaged", "kept as results.duckdb.damaged", "kept as sums.damaged"),
    ),
    "folders and links in the place of files": (
        (
            lambda lab: replace(shard(lab, "rollouts")),
            lambda lab: lead_nowhere(shard(lab, "traces")),
            lambda lab: replace(lab.home.results),
            lambda lab: lead_nowhere(page(lab)),
        ),
        ("2 shards of script gone or damaged", "kept as results.duckdb.damaged", "kept as sums.damaged"),
    ),
    "rows deleted": ((delete_rows,), ("rows of potentials gone (script on sums)",)),
    "half a warehouse": ((lambda lab: cut(lab.home.warehouse),), ("kept as warehouse.duckdb.damaged, and made again",)),
    "databases rotten": (
        (lambda lab: rot(lab.home.warehouse), lambda lab: rot(lab.home.results)),
        ("kept as warehouse.duckdb.damaged, and made again",),
    ),
    "a link to nothing for a warehouse": (
        (lambda lab: lead_nowhere(lab.home.warehouse),),
        ("kept as warehouse.duckdb.damaged, and made again",),
    ),
    "results rotten": ((lambda lab: rot(lab.home.results),), ("kept as results.duckdb.damaged",)),
    "files deleted": (
        (lambda lab: lab.home.results.unlink(), lambda lab: page(lab).unlink()),
        ("results.duckdb is gone", "kept as sums.damaged"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMS)
def test_what_is_gone_or_damaged_is_made_again(built: Lab, study: Lab, name: str) -> None:
    harms, texts = HARMS[name]
    assert study.bring_up_to_date(PAIRS) == [], "a copy is as up to date as what it was copied from"
    for harm in harms:
        harm(study)
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedShardWarning)
        assert study.bring_up_to_date(PAIRS, said=said)
    assert len(said) == len(texts)
    assert all(text in line for text, line in zip(texts, said, strict=True)), said
    for table in tables().keys() - LEDGERS:
        left, right = (lab.table(table).drop(OF_THE_MOMENT.get(table, [])) for lab in (built, study))
        assert_frame_equal(left, right, abs_tol=1e-12, rel_tol=0)
    assert page(study).read_text().rstrip().endswith("</html>")
    assert run_query(study.home, "SELECT count(*) FROM rollout_texts WHERE text IS NULL").item() == 0
    said.clear()
    assert (study.bring_up_to_date(PAIRS, said=said, is_thorough=True), said) == ([], [])


def test_only_a_thorough_look_sees_what_changed_without_a_trace(study: Lab) -> None:
    assert study.bring_up_to_date(PAIRS) == []
    file, said = shard(study, "rollouts"), []
    status = file.stat()
    flip(file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    others = file.parent.with_name("another") / "of another.parquet"
    others.parent.mkdir()
    others.touch()
    assert study.bring_up_to_date(PAIRS, said=said) == []
    with pytest.warns(DamagedShardWarning):
        assert study.bring_up_to_date(PAIRS, said=said, is_thorough=True)
    assert "1 shard of script gone or damaged; what they held is sampled again" in said
    assert "a shard of another model is damaged, and kept as of another.damaged" in said


def test_no_file_of_a_home_holds_its_path(built: Lab) -> None:
    # Dagster's own records name the code location's folder, and nothing is looked for there.
    files = [f for f in built.home.root.rglob("*") if f.is_file() and built.home.dagster not in f.parents]
    assert len(files) > 10
    assert [file for file in files if str(built.home.root).encode() in file.read_bytes()] == []


def test_a_damaged_memory_of_files_is_no_memory(study: Lab) -> None:
    (study.home.shards / EMPTY_SHARD).write_bytes(b"")
    for file in study.home.root.rglob("*.json"):
        if file.name in ("lost.json", ".manifest.json") or "published" in file.parts:
            file.write_text("{half")
    said: list[str] = []
    assert (study.bring_up_to_date(PAIRS, said=said), said) == ([], [])
    assert run_query(study.home, "SELECT count(*) FROM rollout_texts WHERE text IS NULL").item() == 0


def test_a_rebuild_needs_no_file_that_others_can_make(study: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    (study.home.shards / EMPTY_SHARD).write_bytes(b"damaged")
    (study.home.shards / "rollouts" / "script" / "notes.parquet").write_bytes(b"no shard at all")
    (study.home.shards / "rollouts" / "other").mkdir()
    (study.home.shards / "rollouts" / "other" / "half.parquet").write_bytes(b"PAR1 half")
    study.home.warehouse.unlink()
    with study.instance() as instance, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedShardWarning)
        definitions = build_defs(resource_overrides={"engines": shards_only(ScriptedEngines)})
        done = rebuild(definitions, instance, study.config(), study.home)
    assert done.pairs == tuple(PAIRS)
    open_audit = [line for line in done.lost if "audit" in line]
    assert len(open_audit) == 1
    assert "`cot-assets run --model script --problem-set sums` makes it" in open_audit[0]
    score, asked = ScriptedEngine.score, []
    monkeypatch.setattr(ScriptedEngine, "score", lambda *given: asked.append(given) or score(*given))
    assert study.bring_up_to_date(PAIRS), "the way out that the message names"
    assert asked
    page = (study.home.reports / "sums" / "index.html").read_text()
    assert "a rebuild opens no model" not in page
    assert study.bring_up_to_date(PAIRS) == []


def test_moments_of_loss_are_kept_as_plain_json(study: Lab) -> None:
    study.home.results.unlink()
    study.bring_up_to_date(PAIRS)
    lost = json.loads((study.home.root / "lost.json").read_text())
    assert list(lost) == ["compare_models||sums"]
