"""The layout of the site thought-anchors.com, on real traces."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from imported_curves import curve

from cot_assets.importing import Imported, ImportingError, import_thought_anchors

LLAMA, QWEN = "deepseek-r1-distill-llama-8b", "deepseek-r1-distill-qwen-14b"
#: model, folder of the solution, problem, sentences, prefixes without rollouts
TRACES = [
    (LLAMA, "correct_base_solution", "problem_6596", 255, 115),
    (LLAMA, "correct_base_solution", "problem_6998", 64, 0),
    (QWEN, "correct_base_solution", "problem_1591", 160, 0),
    (QWEN, "incorrect_base_solution", "problem_330", 231, 0),
]


def read(path: Path):
    return json.loads(path.read_text())


@dataclass
class Case:
    """One real trace: its folder, what was imported, and the figures known beforehand."""

    model: str
    solution: str
    n_sentences: int
    n_unknown: int
    folder: Path
    imported: Imported


@pytest.fixture(params=TRACES, ids=lambda trace: trace[2])
def case(request, published) -> Case:
    model, solution, problem, n_sentences, n_unknown = request.param
    folder = published / "thought-anchors" / model / solution / problem
    (imported,) = import_thought_anchors(folder)
    return Case(model, solution, n_sentences, n_unknown, folder, imported)


class TestRealTrace:
    """The four published traces, each against its own files."""

    def test_counts_of_rows(self, case, store):
        assert (case.imported.model, case.imported.problem_set) == (case.model, "thought-anchors")
        assert case.imported.frames["traces"]["protocol"].unique().to_list() == ["imported"]
        assert store(case.imported) == {
            "problems": 1,
            "models": 1,
            "traces": 1,
            "trace_cuts": case.n_sentences
            + 1
            + case.imported.frames["trace_cuts"].filter(pl.col("cut_policy") == "grid21").height,
            "rollouts": 0,
            "potentials": case.n_sentences,
            "import_notes": len(case.imported.notes),
        }
        potentials = case.imported.frames["potentials"]
        assert potentials["potential"].null_count() == case.n_unknown
        assert potentials.filter(pl.col("n") == 0).height == case.n_unknown
        assert potentials.select(pl.col("potential").is_null() == (pl.col("n") == 0)).to_series().all()

    def test_offsets_reproduce_the_text(self, case):
        text = read(case.folder / "base_solution.json")["solution"]
        chunks = [label["chunk"] for label in read(case.folder / "chunks_labeled.json")]
        assert case.imported.frames["traces"]["text"].item() == text
        cuts = curve(case.imported)
        assert cuts["char_end"].is_sorted()
        assert cuts["char_end"].to_list()[0] == 0
        assert cuts["char_end"].to_list()[-1] == len(text)
        rows = list(cuts.iter_rows(named=True))
        for index, row in enumerate(rows[:-1]):
            prefix = text[: row["char_end"]]
            assert "".join(prefix.split()) == "".join("".join(chunks[:index]).split())
            assert prefix == prefix.rstrip(), "the source strips its prefixes"
            assert row["token_end"] == len(prefix.split())
        assert rows[-1]["is_end"]
        assert rows[-1]["prefix_id"] is None
        assert rows[-1]["fraction"] == 1.0

    def test_potentials_are_the_published_ones(self, case):
        labels = read(case.folder / "chunks_labeled.json")
        resampled = read(case.folder / "chunks_resampled.json")
        rows = list(curve(case.imported).iter_rows(named=True))[:-1]
        for label, row in zip(labels, rows, strict=True):
            there = len(resampled.get(str(label["chunk_idx"]), []))
            if not there:
                assert row["potential"] is None
                assert row["ci_low"] is row["ci_high"] is None
                continue
            assert row["potential"] == label["accuracy"]
            assert row["n_correct"] / row["n"] == row["potential"]
            assert 0.85 * there <= row["n"] <= there
            assert row["is_n_approximate"]
            assert row["n_no_answer"] is row["n_truncated"] is None, "the source does not say"
            assert 0 <= row["ci_low"] <= row["potential"] <= row["ci_high"] <= 1
            assert row["ci_high"] - row["ci_low"] > 0.01

    def test_differences_are_the_published_importance(self, case):
        """resampling_importance_accuracy[i] = accuracy[i + 1] - accuracy[i], where both are known."""
        labels = read(case.folder / "chunks_labeled.json")
        potentials = curve(case.imported)["potential"].to_list()
        known = 0
        for i, label in enumerate(labels[:-1]):
            before, after = potentials[i], potentials[i + 1]
            if before is None or after is None:
                continue
            assert after - before == pytest.approx(label["resampling_importance_accuracy"], abs=1e-12)
            known += 1
        assert known > 60

    def test_identity_is_stable_and_distinct(self, case, tmp_path):
        copy = tmp_path / case.folder.parents[1].name / case.folder.parent.name / case.folder.name
        shutil.copytree(case.folder, copy)
        (again,) = import_thought_anchors(copy)
        for table, frame in case.imported.frames.items():
            same = again.frames[table].drop("first_seen_at", strict=False)
            assert frame.drop("first_seen_at", strict=False).equals(same), (
                f"{table} must not depend on where the files lie"
            )
        assert case.imported.frames["potentials"]["prefix_id"].is_unique().all()

    def test_verdict_and_problem(self, case):
        (trace,) = case.imported.frames["traces"].iter_rows(named=True)
        (problem,) = case.imported.frames["problems"].iter_rows(named=True)
        assert trace["verdict"] == case.solution.split("_")[0]
        assert trace["answer"] == read(case.folder / "base_solution.json")["answer"]
        assert trace["token_ids"] == []
        assert trace["char_ends"] is None
        assert problem["gold_answer"] == read(case.folder / "problem.json")["gt_answer"]
        assert problem["statement"] == read(case.folder / "problem.json")["problem"]
        (model,) = case.imported.frames["models"].iter_rows(named=True)
        assert model["engine"] == "imported"
        assert datetime(2026, 1, 1) < model["first_seen_at"] <= datetime.now(UTC).replace(tzinfo=None)
        prompt = read(case.folder / "base_solution.json")["prompt"]
        assert model["template"].replace("{statement}", problem["statement"]) == prompt

    def test_grid(self, case):
        grid, fine = curve(case.imported, "grid21"), curve(case.imported)
        assert grid.height <= 21
        assert set(grid["char_end"]) <= set(fine["char_end"])
        assert grid["cut_index"].to_list() == list(range(grid.height))
        assert grid["token_end"].to_list()[0] == 0
        assert grid["is_end"].to_list() == [False] * (grid.height - 1) + [True]
        assert grid["fraction"].diff().drop_nulls().min() > 0
        cuts = fine.filter(~pl.col("is_end"))
        chosen = grid.filter(~pl.col("is_end"))["fraction"].to_list()
        for step in range(1, 20):
            point = step / 20
            nearest = (cuts["fraction"] - point).abs().min()
            known = cuts.filter(pl.col("n") > 0)["fraction"]
            nearest_known = (known - point).abs().min()
            allowed = nearest_known if nearest_known <= 0.025 else nearest
            assert min(abs(f - point) for f in chosen) <= allowed + 1e-12


def test_any_folder_above_finds_every_trace(published):
    imported = import_thought_anchors(published)
    assert [(i.model, i.frames["traces"].height, i.frames["potentials"].height) for i in imported] == [
        (LLAMA, 2, 319),
        (QWEN, 2, 391),
    ]
    ids = [t for i in imported for t in i.frames["traces"]["trace_id"]]
    assert len(set(ids)) == 4
    (qwen,) = import_thought_anchors(published / "thought-anchors" / QWEN)
    assert qwen.frames["trace_cuts"].equals(imported[1].frames["trace_cuts"])
    with pytest.raises(ImportingError, match="'mine' is for one model, but these are of 2"):
        import_thought_anchors(published, model="mine")


def test_notes_tell_what_is_wrong_with_the_numbers(published):
    llama, qwen = import_thought_anchors(published / "thought-anchors")
    text = "\n".join(llama.notes)
    assert "115 of 255 prefixes have no rollouts" in text
    assert "rollouts with an answer" in text
    assert "problem_330: at 24 sentences the source's prefix lacks an earlier repeat" in "\n".join(qwen.notes)
    by_problem = {(row["problem_id"], row["note"]) for row in llama.frames["import_notes"].to_dicts()}
    assert {note for _, note in by_problem} == set(llama.notes)
    assert {problem for problem, _ in by_problem} == {"", "problem_6596", "problem_6998"}


def test_answers_and_leaks_on_a_real_trace(published):
    imported = import_thought_anchors(published / "thought-anchors" / LLAMA)[0]
    cuts = curve(imported).filter(pl.col("problem_id") == "problem_6998")
    text = imported.frames["traces"].filter(pl.col("problem_id") == "problem_6998")["text"].item()
    first = text.index("2865")
    for row in cuts.iter_rows(named=True):
        assert row["leaks_answer"] == (row["char_end"] >= first + 4), row["char_end"]
    assert cuts["states_answer"].to_list()[-1]
    assert cuts["states_answer"].is_sorted()
