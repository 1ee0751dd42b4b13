"""The layout of the full data set of thought-anchors: exact rollouts, and hostile folders of either layout."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from imported_curves import curve

from cot_assets.importing import ImportingError, files, import_thought_anchors

TEXT = "First, add.\n\nThat gives 7. Hmm.\nSo the answer is \\boxed{7}."
CHUNKS = ["First, add. That gives 7.", "Hmm.", "So the answer is \\boxed{7}."]
MODEL = "some-model"


def rollout(answer, is_correct, **more):
    return {
        "chunk_removed": "x", "prefix_without_chunk": "", "chunk_resampled": "y",
        "rollout": "So it is this.", "full_cot": "z", "answer": answer, "is_correct": is_correct, **more,
    }  # fmt: skip


@pytest.fixture
def full(tmp_path):
    """A trace of three sentences in the full layout; the last sentence has no rollouts."""
    folder = tmp_path / MODEL / "temperature_0.6_top_p_0.95" / "correct_base_solution" / "problem_5"
    folder.mkdir(parents=True)
    write(
        folder / "problem.json", {"problem": "3+4?", "level": "Level 1", "type": "Algebra", "gt_answer": "7"}
    )
    write(folder / "base_solution.json", {"prompt": "p", "solution": TEXT, "answer": "7", "is_correct": True})
    write(
        folder / "chunks_labeled.json",
        [{"chunk": c, "chunk_idx": i, "accuracy": 0.0} for i, c in enumerate(CHUNKS)],
    )
    first = [rollout("7", True)] * 3 + [rollout("8", False), rollout("", False), {"error": "timeout"}]
    write(folder / "chunk_0" / "solutions.json", first)
    write(folder / "chunk_1" / "solutions.json", [rollout("7", True), rollout("9", None)])
    return folder


def write(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def test_full_layout_counts_every_rollout(full, store):
    (imported,) = import_thought_anchors(full)
    assert imported.model == MODEL
    stored = store(imported)
    assert stored["rollouts"] == 7
    rows = list(curve(imported).iter_rows(named=True))
    shown = [
        (r["n"], r["n_correct"], r["n_no_answer"], r["n_unscored"], r["n_truncated"], r["potential"])
        for r in rows
    ]
    assert shown == [
        (5, 3, 1, 0, None, 0.6),  # a rollout without an answer counts, an error is not a rollout
        (1, 1, 0, 1, None, 1.0),  # a rollout that was never judged does not count
        (0, 0, None, None, None, None),
        (None, None, None, None, None, None),  # the end
    ]
    assert not any(r["is_n_approximate"] for r in rows[:-1])
    assert [r["char_end"] for r in rows] == [
        0,
        len("First, add.\n\nThat gives 7."),
        TEXT.index("\nSo"),
        len(TEXT),
    ]
    rollouts = imported.frames["rollouts"]
    assert rollouts["verdict"].to_list() == ["correct"] * 3 + [
        "incorrect",
        "no_answer",
        "correct",
        "unscored",
    ]
    assert rollouts["sample_index"].to_list() == [0, 1, 2, 3, 4, 0, 1]
    assert rollouts["answer"].to_list()[4] is None
    assert rollouts["n_tokens"].unique().to_list() == [4]
    assert rollouts["shard"][0] == "correct_base_solution/problem_5/chunk_0/solutions.json"


def test_sampling_numbers_make_the_hash(full):
    first = import_thought_anchors(full)[0].frames["traces"]["sampling_hash"].item()
    other = full.parents[2] / "temperature_1.0_top_p_0.95" / "correct_base_solution" / "problem_5"
    shutil.copytree(full, other)
    assert import_thought_anchors(other)[0].frames["traces"]["sampling_hash"].item() != first
    with pytest.raises(ImportingError, match="different sampling"):
        import_thought_anchors(full.parents[2])


def test_the_empty_prefix_of_two_traces_is_one_prefix(full, store):
    """Two traces of a problem share cut 0: its rollouts are pooled, the rest stays apart."""
    wrong = full.parents[1] / "incorrect_base_solution" / "problem_5"
    shutil.copytree(full, wrong)
    text = TEXT.replace("7", "8")
    write(wrong / "base_solution.json", {"prompt": "p", "solution": text, "answer": "8", "is_correct": False})
    write(wrong / "chunks_labeled.json", [{"chunk": c.replace("7", "8")} for c in CHUNKS])
    (imported,) = import_thought_anchors(full.parents[1])
    assert store(imported)["traces"] == 2
    cuts = curve(imported)
    starts = cuts.filter(pl.col("cut_index") == 0)
    assert starts["prefix_id"].n_unique() == 1
    assert starts["n"].to_list() == [10, 10]
    assert imported.frames["potentials"].height == 5
    assert imported.frames["traces"]["sample_index"].to_list() == [0, 1]
    assert imported.frames["traces"]["verdict"].to_list() == ["correct", "incorrect"]


def test_without_base_solution_the_sentences_are_the_text(full):
    (full / "base_solution.json").unlink()
    (full / "chunks_labeled.json").unlink()
    write(full / "chunks.json", {"chunks": CHUNKS})
    (imported,) = import_thought_anchors(full)
    trace = imported.frames["traces"].row(0, named=True)
    assert trace["text"] == " ".join(CHUNKS)
    assert (trace["verdict"], trace["answer"]) == ("correct", None)


def test_forced_answers_are_left_out(full):
    forced = full.parents[1] / "correct_base_solution_forced_answer" / "problem_5"
    shutil.copytree(full, forced)
    (imported,) = import_thought_anchors(full.parents[2])
    assert imported.frames["traces"].height == 1
    assert "1 folders of other experiments" in imported.notes[0]
    with pytest.raises(ImportingError, match="only folders of forced answers"):
        import_thought_anchors(forced)


def test_the_model_can_be_named_where_folders_do_not_tell(full, tmp_path):
    loose = tmp_path / "loose"
    shutil.copytree(full, loose)
    with pytest.raises(ImportingError, match="give the model's name"):
        import_thought_anchors(loose)
    (imported,) = import_thought_anchors(loose, model="r1", problem_set="mine")
    assert (imported.model, imported.problem_set) == ("r1", "mine")
    for bad in ("a|b", "", "x" * 200, "../up"):
        with pytest.raises(ImportingError, match="may hold only letters"):
            import_thought_anchors(full, problem_set=bad)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("problem.json", "{", "problem.json: not valid JSON"),
        ("problem.json", "[" * 100_000, "problem.json: not valid JSON"),
        ("problem.json", "[1]", "expected an object, found list"),
        ("problem.json", '{"problem": 3, "gt_answer": "7"}', "'problem' should hold text, found int"),
        ("problem.json", '{"problem": "p", "gt_answer": " "}', "'gt_answer' is missing or empty"),
        ("problem.json", '{"problem": "p\\u0000", "gt_answer": "7"}', "holds a NUL"),
        ("problem.json", '{"problem": "\\ud800", "gt_answer": "7"}', "half a surrogate pair"),
        ("base_solution.json", '{"solution": "' + "a" * 4_000_001 + '"}', "at most 4,000,000"),
        ("base_solution.json", '{"solution": "t", "is_correct": "yes"}', "'is_correct' should hold true or false"),
        ("base_solution.json", '{"solution": "Other text.", "is_correct": true}', "the solution goes on with 'Other"),
        ("base_solution.json", '{"solution": "First, add.", "is_correct": true}', "sentence 0 is 'First, add. That"),
        ("chunks_labeled.json", "{}", "expected a list of sentences, found dict"),
        ("chunks_labeled.json", "[]", "expected a list of sentences"),
        ("chunks_labeled.json", '[{"text": "a"}]', r"\[0\]: 'chunk' should hold text, found nothing \(fields: text\)"),
        ("chunk_0/solutions.json", '{"a": 1}', "expected a list of rollouts, found dict"),
        ("chunk_0/solutions.json", "[3]", r"solutions.json\[0\]: expected an object, found int"),
        ("chunk_0/solutions.json", '[{"answer": "7", "is_correct": 1}]', "'is_correct' should hold true or false, found int"),
        ("chunk_0/solutions.json", '[{"answer": ["7"]}]', "'answer' should hold text, found list"),
        ("chunk_0/solutions.json", "[" + "{}," * 10_000 + "{}]", "10,001 rollouts; at most 10,000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(full, file, content, message):
    (full / file).write_text(content)
    with pytest.raises(ImportingError, match=message) as error:
        import_thought_anchors(full)
    assert len(str(error.value)) < 1500


@pytest.fixture
def site(full):
    for index in (0, 1):
        shutil.rmtree(full / f"chunk_{index}")
    write(full / "chunks_resampled.json", {"0": ["a"] * 9, "1": ["b"], "2": []})
    return full


@pytest.mark.parametrize(
    ("labels", "resampled", "message"),
    [
        ([0.5, 2, 0], {"0": ["a"], "1": ["a"]}, r"\[1\]: 'accuracy': 2 is not a share"),
        ([0.5, float("nan"), 0], {"0": ["a"], "1": ["a"]}, "nan is not a share"),
        ([0.5, None, 0], {"0": ["a"], "1": ["a"]}, "None is not a share"),
        ([0.5, True, 0], {"0": ["a"], "1": ["a"]}, "True is not a share"),
        ([0, 0, 0], {"0": "abc"}, "'0' should hold a list, found str"),
        ([0, 0, 0], {"7": ["a"]}, "rollouts of sentence '7', but there are 3 sentences"),
        ([0, 0, 0], ["a"], "expected an object, found list"),
        ([0, 0, 0], {"0": ["a"] * 10_001}, "10,001 rollouts"),
    ],
)
def test_wrong_figures_of_the_site_are_named(site, labels, resampled, message):
    write(
        site / "chunks_labeled.json",
        [{"chunk": c, "accuracy": a} for c, a in zip(CHUNKS, labels, strict=True)],
    )
    write(site / "chunks_resampled.json", resampled)
    with pytest.raises(ImportingError, match=message):
        import_thought_anchors(site)


def test_unused_figures_may_be_anything(site):
    """The source writes NaN and 0.0 where nothing is known; a sentence without rollouts is not read."""
    write(
        site / "chunks_labeled.json",
        [{"chunk": c, "accuracy": a} for c, a in zip(CHUNKS, (1 / 3, 0.0, float("nan")), strict=True)],
    )
    (imported,) = import_thought_anchors(site)
    assert imported.frames["potentials"].select("n", "n_correct").rows() == [(9, 3), (1, 0), (0, 0)]


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda root: None, "no problem.json in it or below.*found: nothing"),
        (lambda root: (root / "case.json").write_text("{}"), "found: case.json"),
        (
            lambda root: write(root / "m/correct_base_solution/problem_1/problem.json", {}),
            "neither chunks_resampled",
        ),
    ],
)
def test_another_layout_is_explained(tmp_path, prepare, message):
    prepare(tmp_path)
    with pytest.raises(ImportingError, match=message):
        import_thought_anchors(tmp_path)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ImportingError, match="is not a folder"):
        import_thought_anchors(tmp_path / "x.json")
    with pytest.raises(ImportingError, match="is not a folder"):
        import_thought_anchors(tmp_path / "absent")


def test_sizes_are_bounded(full, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    with pytest.raises(ImportingError, match="more than 100 bytes"):
        import_thought_anchors(full)
    monkeypatch.undo()
    monkeypatch.setattr(files, "MAX_FILES", 0)
    with pytest.raises(ImportingError, match=re.escape("name a folder further down")):
        import_thought_anchors(full)


def test_a_problem_cannot_have_two_statements(full):
    other = full.parents[1] / "incorrect_base_solution" / "problem_5"
    shutil.copytree(full, other)
    write(other / "problem.json", {"problem": "4+4?", "gt_answer": "8"})
    with pytest.raises(ImportingError, match="'problem_5' occurs twice"):
        import_thought_anchors(full.parents[1])
