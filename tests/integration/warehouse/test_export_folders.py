"""Exported folders say what the tables say, read back by the libraries that they are for."""

from __future__ import annotations

import errno
import json
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from support.extras import needs
from warehouse_study import LINES

from cot_assets.cli import cli
from cot_assets.exporting.folder import ExportError, new_folder
from cot_assets.warehouse.queries import run_query
from cot_assets.warehouse.store import Warehouse

Export = Callable[..., Result]


@pytest.fixture
def export(published: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Export:
    monkeypatch.setenv("COT_ASSETS_HOME", str(published.home.root))
    return lambda *words: CliRunner().invoke(cli, ["export", "--format", *map(str, words)])


def rows(published: Warehouse, sql: str) -> pl.DataFrame:
    return run_query(published.home, sql)


def test_a_data_set_holds_every_row_of_its_tables(
    export: Export, published: Warehouse, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    result = export("hf", "--output", folder)
    assert result.exit_code == 0, result.output
    assert [*tmp_path.iterdir()] == [folder]
    for config, table in (("traces", "traces"), ("problems", "problems"), ("curves", "trace_curves"),
                          ("rollouts", "rollout_texts"), ("events", "events"), ("steps", "step_labels"),
                          ("preferences", "preference_pairs")):  # fmt: skip
        there = pl.read_parquet(folder / config / "*.parquet")
        is_query = config in ("steps", "preferences")
        wanted = rows(published, table if is_query else f"FROM {table} WHERE problem_set = 's'").select(
            there.columns
        )
        assert there.height == wanted.height > 0, config
        assert sorted(map(str, there.rows())) == sorted(map(str, wanted.rows())), config
    card = (folder / "README.md").read_text()
    assert "| potential | n_correct / n, or the weighted share" in card
    assert "token_ids" not in card


@pytest.mark.parametrize("form", ["hf", "inspect"])
def test_a_full_disk_is_an_error_of_the_system_and_leaves_nothing(
    export: Export, tmp_path: Path, form: str
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))
    try:
        result = export(form, "--output", tmp_path / "set")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(result.exception, OSError), result.output
    assert result.exception.errno == errno.EFBIG
    assert not [*tmp_path.iterdir()]
    assert export(form, "--output", tmp_path / "set").exit_code == 0


@pytest.mark.heavy
def test_a_data_set_is_loaded_by_its_own_library(export: Export, tmp_path: Path) -> None:
    needs("datasets", "exchange")
    import datasets

    folder = tmp_path / "set"
    assert export("hf", "--output", folder, "--model", "strong").exit_code == 0

    def load(name: str) -> datasets.Dataset:
        return datasets.load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path / "cache"))

    assert datasets.get_dataset_config_names(str(folder)) == [
        "traces", "problems", "curves", "rollouts", "events", "steps", "preferences"
    ]  # fmt: skip
    assert set(load("traces")["model"]) == {"strong"}
    (steps,) = [row for row in load("steps") if row["trace_id"] == "strong-p1"]
    assert steps["completions"] == list(LINES)
    assert steps["soft_labels"] == [40 / 64, 16 / 64, 1.0, 1.0]
    assert steps["labels"] == [True] * 4


@pytest.mark.heavy
def test_lines_have_the_types_that_trainers_take(export: Export, tmp_path: Path) -> None:
    """Those of TRL's stepwise and preference formats; its PRMTrainer 0.24 made its labels of such lines."""
    needs("datasets", "exchange")
    import datasets

    texts = ("prompt", "chosen", "rejected")
    for form, wanted in (
        (
            "steps",
            {"prompt": "string", "completions": ["string"], "labels": ["bool"], "soft_labels": ["float64"]},
        ),
        ("preferences", dict.fromkeys(texts, "string")),
    ):
        file = tmp_path / f"{form}.jsonl"
        assert export(form, "--output", file).exit_code == 0
        rows = datasets.load_dataset(
            "json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache")
        )
        kinds = {name: getattr(kind, "feature", kind) for name, kind in rows.features.items()}
        there = {name: kinds[name].dtype for name in wanted}
        assert there == {name: kind[0] if isinstance(kind, list) else kind for name, kind in wanted.items()}


@pytest.mark.heavy
def test_logs_are_read_by_inspect_itself(export: Export, published: Warehouse, tmp_path: Path) -> None:
    needs("inspect_ai", "exchange")
    from inspect_ai.log import (
        list_eval_logs,
        read_eval_log,
        read_eval_log_sample,
        read_eval_log_sample_summaries,
    )

    folder = tmp_path / "logs"
    assert export("inspect", "--output", folder).exit_code == 0
    assert len(list_eval_logs(str(folder))) == 2
    log = read_eval_log(str(folder / "s_strong.eval"))
    assert (log.status, log.eval.task, log.eval.model) == ("success", "s", "strong")
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(2 / 3)
    assert len(log.samples or []) == len(read_eval_log_sample_summaries(str(folder / "s_strong.eval"))) == 3
    sample = read_eval_log_sample(str(folder / "s_strong.eval"), "p1", 1)
    assert sample.output.completion == "".join(LINES)
    assert sample.target == "2"
    assert sample.scores is not None
    assert sample.scores["verdict"].value == "C"
    curve = [point["potential"] for point in sample.metadata["curve"]]
    assert curve == [8 / 64, 40 / 64, 16 / 64, 1.0]
    weak = read_eval_log(str(folder / "s_weak.eval"))
    assert [s.scores["verdict"].value for s in weak.samples or [] if s.scores] == ["I", "C", "N"]


def test_logs_are_plain_zip_files(export: Export, tmp_path: Path) -> None:
    assert export("inspect", "--output", tmp_path / "logs", "--model", "weak").exit_code == 0
    (path,) = (tmp_path / "logs").iterdir()
    with zipfile.ZipFile(path) as log:
        assert log.testzip() is None
        assert len(json.loads(log.read("summaries.json"))) == 3


@pytest.mark.parametrize("form", ["hf", "inspect"])
def test_nothing_is_replaced_and_nothing_is_left_behind(export: Export, tmp_path: Path, form: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    result = export(form, "--output", tmp_path / "mine")
    assert "is there already; name a new or an empty folder" in str(result.exception)
    nothing = export(form, "--output", tmp_path / "none", "--model", "nobody")
    assert "there are no traces to export" in str(nothing.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", [".", "", "../here", "link"])
def test_an_empty_folder_becomes_the_export_by_whatever_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "link").symlink_to(here)
    monkeypatch.chdir(tmp_path if name == "link" else here)
    with new_folder(Path(name)) as folder:
        (folder / "file").write_text("1")
    assert (here / "file").read_text() == "1"
    assert {path.name for path in tmp_path.iterdir()} == {"here", "link"}
    with pytest.raises(ExportError, match=f"{here} is there already"), new_folder(Path(name)):
        pass
