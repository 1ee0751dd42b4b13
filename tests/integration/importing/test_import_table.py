"""The plain table: rollouts or counts, JSONL or Parquet, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from imported_curves import curve

from cot_assets.importing import ImportingError, import_table
from cot_assets.importing.base import TRACES_SAMPLED

TRACE = "Add: 3+4 = 7.\nSo \\boxed{7}."
NAMES = {"model": "m", "problem_set": "mine"}


def base(**more):
    return {"problem_id": "p1", "statement": "3+4?", "gold_answer": "7", "trace": TRACE, "cut": 0, **more}


def write(path: Path, rows) -> Path:
    if path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    else:
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


ROLLOUTS = [
    base(sample_index=0, verdict="correct", answer="7"),
    base(sample_index=1, verdict="incorrect", answer="8"),
    base(cut=13, sample_index=0, verdict="correct", answer="7"),
    base(cut=13, sample_index=1, verdict="truncated", answer=None),
    base(cut=13, sample_index=2, verdict="unscored", answer="?"),
]


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
def test_rollouts(tmp_path, store, name):
    (imported,) = import_table(write(tmp_path / name, ROLLOUTS), **NAMES)
    assert store(imported)["rollouts"] == 5
    rows = list(curve(imported).iter_rows(named=True))
    assert [(r["char_end"], r["token_end"], r["n"], r["n_correct"], r["n_unscored"]) for r in rows] == [
        (0, 0, 2, 1, 0),
        (13, 4, 2, 1, 1),
        (len(TRACE), 6, None, None, None),
    ]
    assert [r["potential"] for r in rows] == [0.5, 0.5, None]
    assert imported.frames["potentials"]["n_truncated"].to_list() == [None, 1]
    (trace,) = imported.frames["traces"].iter_rows(named=True)
    assert (trace["answer"], trace["verdict"]) == ("7", "correct"), "graded here, by its last box"
    assert trace["grader_version"] != "source:table"
    assert imported.frames["rollouts"]["grader_version"].unique().to_list() == ["source:table"]
    assert [r["states_answer"] for r in rows] == [False, True, True]


def test_answers_without_verdicts_are_graded(tmp_path):
    answers = ["7", "8", "7.0", r"\frac{14}{2}", "", "__import__('os')"]
    rows = [base(sample_index=i, answer=a, trace_verdict="correct") for i, a in enumerate(answers)]
    (imported,) = import_table(write(tmp_path / "t.jsonl", rows), **NAMES)
    verdicts = imported.frames["rollouts"]["verdict"].to_list()
    assert verdicts[:5] == ["correct", "incorrect", "correct", "correct", "no_answer"]
    assert verdicts[5] in ("incorrect", "unscored")
    versions = imported.frames["rollouts"]["grader_version"].to_list()
    assert versions[0] != "source:table"
    assert versions[4] == "source:table"


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
def test_counts(tmp_path, store, name):
    rows = [
        base(n=64, n_correct=16, trace_verdict="incorrect", level="2", subject="sums"),
        base(cut=13, n=None, n_correct=None, trace_verdict="incorrect", level="2", subject="sums"),
        base(cut=16, n=64, n_correct=64, trace_verdict="incorrect", level="2", subject="sums"),
        base(cut=len(TRACE), n=64, n_correct=64, trace_verdict="incorrect", level="2", subject="sums"),
    ]
    (imported,) = import_table(write(tmp_path / name, rows), cut_policy="lines", **NAMES)
    assert store(imported)["potentials"] == 3
    assert imported.frames["potentials"]["potential"].to_list() == [0.25, None, 1.0]
    assert imported.frames["potentials"]["n"].to_list() == [64, None, 64]
    assert imported.frames["trace_cuts"]["cut_policy"].unique().sort().to_list() == ["grid21", "lines"]
    assert imported.frames["traces"]["verdict"].item() == "incorrect"
    assert imported.frames["problems"].select("level", "subject").row(0) == ("2", "sums")
    assert "the cut at the end of a trace was left out" in imported.notes[0]


def test_a_table_without_the_empty_prefix_has_it_unknown(tmp_path):
    (imported,) = import_table(write(tmp_path / "t.jsonl", [base(cut=5, n=8, n_correct=2)]), **NAMES)
    assert curve(imported)["potential"].to_list() == [None, 0.25, None]
    assert curve(imported)["n"].to_list() == [0, 8, None]


def test_traces_are_told_apart_by_their_text(tmp_path):
    rows = [base(n=4, n_correct=1), base(trace="Seven.", n=4, n_correct=3)]
    (imported,) = import_table(write(tmp_path / "t.jsonl", rows), **NAMES, sum_shared=True)
    assert imported.frames["traces"]["sample_index"].to_list() == [0, 1]
    assert imported.frames["potentials"]["n_correct"].to_list() == [4], "both start from the empty prefix"


SHARED = [
    pytest.param([base(trace=f"{way} 7.", n=64, n_correct=20) for way in "abcd"], (64, 20), id="counts"),
    pytest.param(
        [base(trace=f"ab{way} 7.", cut=c, n=8 + c, n_correct=c) for way in "cd" for c in (0, 2)], (8, 0), id="later cut"
    ),
    pytest.param(
        [base(trace=f"{way} 7.", sample_index=i, answer=f"{7 + i % 2}") for way in "abc" for i in range(16)],
        (16, 8),
        id="rollouts",
    ),
    pytest.param(
        [base(trace=f"{way} 7.", sample_index=i, verdict="correct") for i, way in enumerate("aabb")], (4, 4),
        id="rollouts told apart by index",
    ),
    pytest.param(
        [base(trace="a 7.", n=None, n_correct=None), base(trace="b 7.", n=8, n_correct=2)], (8, 2), id="one unknown"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "counts"), SHARED)
def test_a_shared_prefix_counts_once(tmp_path, rows, counts):
    (imported,) = import_table(write(tmp_path / "t.jsonl", rows), **NAMES)
    first = curve(imported).filter(cut_index=0).select("n", "n_correct").unique()
    assert first.rows() == [counts]
    n_rollouts = imported.frames["rollouts"].height
    assert n_rollouts in (0, counts[0])
    assert imported.frames["rollouts"]["sample_index"].to_list() == list(range(n_rollouts))


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
@pytest.mark.parametrize(
    ("rows", "total"),
    [
        ([base(trace=f"{way} 7.", n=64, n_correct=20 + i) for i, way in enumerate("ab")], (128, 41)),
        ([base(trace=f"{way} 7.", n=64 + i, n_correct=20) for i, way in enumerate("ab")], (129, 40)),
        ([base(trace=f"{way} 7.", sample_index=3, answer=a) for way, a in ("a7", "b8")], (2, 1)),
    ],
)
def test_differing_repeats_are_refused_unless_they_add_up(tmp_path, name, rows, total):
    file = write(tmp_path / name, rows)
    with pytest.raises(ImportingError, match=r"row 2: .* differs from .*row 1, .*--sum-shared"):
        import_table(file, **NAMES)
    (imported,) = import_table(file, **NAMES, sum_shared=True)
    assert imported.frames["potentials"].select("n", "n_correct").rows() == [total]


@pytest.mark.parametrize(
    "rows",
    [
        [base(n=32, n_correct=16), base(cut=3, sample_index=0, answer="7")],
        [base(cut=3, sample_index=0, verdict="correct"), base(n=32, n_correct=16)],
        [base(n=32, n_correct=16, sample_index=0, answer="7"), base(cut=3, n=2, n_correct=1)],
        [
            base(n=None, n_correct=None),
            base(cut=2, n=3, n_correct=1),
            base(cut=3, sample_index=0, answer="7"),
        ],
    ],
)
def test_counts_and_rollouts_in_one_file_are_refused_with_both_rows(tmp_path, rows):
    counts = next(i for i, row in enumerate(rows, 1) if row.get("n"))
    rollout = next(i for i, row in enumerate(rows, 1) if "sample_index" in row)
    with pytest.raises(ImportingError, match=f"row {counts} has counts .* row {rollout} a rollout"):
        import_table(write(tmp_path / "t.jsonl", rows), **NAMES)


@pytest.mark.parametrize("unknown", [None, float("nan")])
@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
def test_numbers_as_pandas_writes_them(tmp_path, name, unknown):
    rows = [
        base(n=64.0, n_correct=20.0, level=unknown),
        base(cut=13.0, n=unknown, n_correct=unknown, level=unknown),
    ]
    if name == "t.parquet":
        rows = [{**row, "cut": float(row["cut"])} for row in rows]
    (imported,) = import_table(write(tmp_path / name, rows), **NAMES)
    assert imported.frames["potentials"].select("n", "n_correct").rows() == [(64, 20), (None, None)]
    assert imported.frames["problems"]["level"].to_list() == [None]


def test_a_trace_with_a_name_holds_its_text_once(tmp_path):
    rows = [
        base(trace_id="one", n=8, n_correct=2) | {"trace": None},
        base(trace_id="one", cut=13, n=8, n_correct=8),
        base(trace_id="two", cut=13, n=8, n_correct=8),
        base(trace_id=3, n=8, n_correct=2),
    ]
    (imported,) = import_table(write(tmp_path / "t.jsonl", rows), **NAMES)
    traces = imported.frames["traces"]
    assert traces["text"].to_list() == [TRACE] * 3, "three traces, although their texts are the same"
    assert traces["trace_id"].n_unique() == 3
    assert imported.frames["potentials"].select("n", "n_correct").rows() == [(8, 2), (8, 8)]
    (fewer,) = import_table(write(tmp_path / "u.jsonl", rows[2:3]), **NAMES)
    assert fewer.frames["traces"]["trace_id"].item() in traces["trace_id"].to_list(), "its name identifies it"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([base(trace_id="one", n=8, n_correct=2) | {"trace": None}], "row 1: no row of the trace 'one' holds its text"),
        ([base(trace_id="a", n=8, n_correct=2), base(trace_id="a", trace="b", cut=1, n=1, n_correct=1)],
         "row 2: differs from .*row 1 .* in text"),
        ([base(n=8, n_correct=2) | {"trace": None}], "'trace' should hold text, found NoneType"),
    ],
)  # fmt: skip
def test_a_trace_without_its_text_is_refused(tmp_path, rows, message):
    with pytest.raises(ImportingError, match=message):
        import_table(write(tmp_path / "t.jsonl", rows), **NAMES)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows in it"),
        ([{"a": 1}], "lacks the column.* problem_id, statement, gold_answer, trace, cut, sample_index"),
        ([base(sample_index=0)], "lacks the column.* verdict or answer"),
        ([base(verdict="correct")], "sample_index .or n and n_correct"),
        ([base(n=4, n_correct=5)], "row 1: n_correct = 5 exceeds n = 4"),
        ([base(n=2_000_000_000, n_correct=5)], "row 1: n = 2,000,000,000; at most 1,000,000 rollouts of a prefix"),
        ([base(n=-4, n_correct=0)], "n = '-4'; a whole number from 0"),
        ([base(n=4.5, n_correct=1)], "n = '4.5'; a whole number from 0"),
        ([base(n=True, n_correct=1)], "n = True; a whole number from 0"),
        ([base(n=4, n_correct=None)], "n_correct = None; a whole number from 0"),
        ([base(n=4, n_correct=1, cut=1000)], "cut = 1000, but the trace has 27 characters"),
        ([base(n=4, n_correct=1, cut="zero")], "cut = 'zero'; a whole number"),
        ([base(n=4, n_correct=1)] * 2, "row 2: the cut 0 of this trace occurs twice, first in .*row 1"),
        ([base(sample_index=3, verdict="correct")] * 2, "sample_index 3 occurs twice at the cut 0, first in .*row 1"),
        ([base(sample_index=0, verdict="right")], "verdict 'right' is unknown; known: correct"),
        ([base(n=1, n_correct=1, trace_verdict="yes")], "verdict 'yes' is unknown"),
        ([base(n=1, n_correct=1, answer_kind="essay")], "answer_kind 'essay' is unknown"),
        ([base(n=1, n_correct=1, gold_answer="")], "gold_answer is missing or empty"),
        ([base(n=1, n_correct=1, problem_id="a\x1b")], "its id is not at most 200 printable characters"),
        ([base(n=1, n_correct=1, trace=" ")], "the trace is empty"),
        ([base(n=1, n_correct=1, trace="a\x00")], "holds a NUL"),
        ([base(n=1, n_correct=1), base(cut=3, n=1, n_correct=1, gold_answer="8")], "row 2: differs from .*row 1"),
        (
            [base(n=1, n_correct=1), base(trace="b", n=1, n_correct=1, statement="other")],
            "'p1' occurs twice, with different statements",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, rows, message):
    with pytest.raises(ImportingError, match=message) as error:
        import_table(write(tmp_path / "t.jsonl", rows), **NAMES)
    assert len(str(error.value)) < 1500


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", b"{}\n{", "line 2 is not valid JSON"),
        ("t.jsonl", b"[" * 50_000, "line 1 is not valid JSON"),
        ("t.jsonl", b"[1]", "line 1 holds list, not an object"),
        ("t.jsonl", b"\xff", "not UTF-8"),
        ("t.parquet", b"PAR1 nothing PAR1", "not valid Parquet"),
        ("t.csv", b"a,b", "no rows in it"),
        ("t.txt", b"a,b", "cannot tell what kind of file"),
    ],
)
def test_malformed_files_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportingError, match=message) as error:
        import_table(tmp_path / name, **NAMES)
    assert name in str(error.value)


def test_names_become_partition_keys(tmp_path):
    file = write(tmp_path / "t.jsonl", [base(n=4, n_correct=1)])
    with pytest.raises(ImportingError, match="the model 'a,b' may hold only letters"):
        import_table(file, model="a,b", problem_set="mine")
    with pytest.raises(ImportingError, match="the problem set 'a/b' may hold only letters"):
        import_table(file, model="m", problem_set="a/b")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("shared-cut0-counts.jsonl", [(64, 20)]),
        ("shared-cut0-rollouts.jsonl", [(16, 5)]),
        ("import_pandas_floats.jsonl", [(64, 20), (None, None)]),
    ],
)
def test_files_of_others(published, name, known):
    (imported,) = import_table(published.parent / "cases" / name, **NAMES)
    found = imported.frames["potentials"].select("n", "n_correct").rows()
    assert found == known


def test_files_of_others_that_mix_are_refused(published):
    with pytest.raises(ImportingError, match=r"row 1 has counts .* row 2 a rollout"):
        import_table(published.parent / "cases" / "import_mixed_rows.jsonl", **NAMES)


@pytest.mark.parametrize("is_said", [True, False])
def test_a_note_says_where_no_trace_was_chosen_by_its_verdict(tmp_path, is_said):
    rows = [base(cut=5, n=8, n_correct=2)]
    (imported,) = import_table(write(tmp_path / "t.jsonl", rows), **NAMES, traces_sampled=is_said)
    notes = imported.frames["import_notes"].select("problem_id", "note").rows()
    assert (("", TRACES_SAMPLED) in notes) == is_said


@pytest.mark.parametrize("gold", ["NaN", ".", "\\text{}", "nan"])
def test_a_gold_answer_that_no_answer_can_match_is_refused_with_its_row(tmp_path, gold):
    rows = [base(cut=5, n=8, n_correct=2), base(problem_id="p2", gold_answer=gold, cut=5, n=8, n_correct=2)]
    with pytest.raises(ImportingError, match="row 2: "):
        import_table(write(tmp_path / "t.jsonl", rows), **NAMES)
