"""Traces without rollouts: what is kept of a table, and that a run measures them by a model of one's own."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import polars as pl
import pytest
from support.lab import Lab

from cot_assets.importing import ImportingError, import_traces
from cot_assets.problems.given import given_problems, read_given
from cot_assets.problems.sources import ProblemSetError
from cot_assets.study import BrokenEntryWarning, DataHome, load_config
from cot_assets.warehouse.imported import with_imported
from cot_assets.warehouse.store import Warehouse

TEXT = "Step 1: ✓ holds.\nStep 2: ✓ holds.\nStep 3: ✗ slips.\nStep 4: ✗ slips.\nThe answer is \\boxed{44}."


def row(number: int = 1, text: str = TEXT, gold: str = "43", **more: str) -> dict[str, str]:
    return {
        "problem_id": f"p{number}", "statement": f"What is {10 + number} + {31 + number}?", "gold_answer": gold,
        "trace": text, **more,
    }  # fmt: skip


@pytest.fixture
def put(tmp_path):
    def write(*rows: object, name: str = "traces.jsonl") -> Path:
        (tmp_path / name).write_text("".join(json.dumps(each) + "\n" for each in rows))
        return tmp_path / name

    return write


@pytest.fixture
def home(tmp_path) -> DataHome:
    return DataHome(tmp_path / "home")


def bring(file: Path, home: DataHome, name: str = "theirs", **more: str) -> dict[str, int]:
    return import_traces(file, home, with_imported(load_config(), Warehouse(home)), problem_set=name, **more)


def test_imports_add_up_and_change_the_revision(put, home):
    right = TEXT.replace("44", "43")
    file = put(row(), row(text=right, trace_id="b"), row(2, gold="45", trace_verdict="no_answer"))
    assert bring(file, home) == {"correct": 1, "incorrect": 1, "no_answer": 1, "in all": 3}
    entry = with_imported(load_config(), Warehouse(home)).problem_set("theirs")
    assert (entry.source, entry.protocol, entry.has_given_traces) == ("imported:theirs", "given", True)
    assert not home.warehouse.exists()
    assert bring(file, home)["in all"] == 3, "the same import again adds nothing"
    assert with_imported(load_config(), Warehouse(home)).problem_set("theirs") == entry
    assert bring(put(row(3, gold="47")), home)["in all"] == 4
    again = with_imported(load_config(), Warehouse(home)).problem_set("theirs")
    assert again.revision != entry.revision
    assert [p.problem_id for p in given_problems(again, home)] == ["p1", "p2", "p3"]
    assert read_given(home, "theirs")["text"][1] == right


@pytest.mark.parametrize("left", [None, b"", b"[]", b'{"name": "theirs"', b"\xff\xfe"])
def test_an_entry_that_is_gone_or_damaged_is_made_again_by_an_import(put, home, left):
    bring(put(row()), home)
    entry = home.imports / "theirs.json"
    entry.unlink()
    if left is not None:  # else the import was killed between its two files
        entry.write_bytes(left)
        with pytest.warns(
            BrokenEntryWarning, match=r"theirs\.json cannot be read; `cot-assets import traces`"
        ):
            assert "theirs" not in with_imported(load_config(), Warehouse(home)).problem_sets
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BrokenEntryWarning)
        assert bring(put(row(2, gold="45")), home)["in all"] == 2
    assert with_imported(load_config(), Warehouse(home)).problem_set("theirs").has_given_traces


def test_rows_that_are_damaged_are_named(put, home):
    file = put(row())
    bring(file, home)
    rows = home.imports / "theirs.parquet"
    rows.write_bytes(rows.read_bytes()[:50])
    with pytest.raises(ProblemSetError, match=r"theirs.parquet is damaged .* move it away and import"):
        bring(file, home)
    rows.rename(home.root / "away")
    assert bring(file, home)["in all"] == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows in it"),
        ([{"problem_id": "p"}], r"lacks the column\(s\) statement, gold_answer, trace; columns there: problem_id"),
        ([row() | {"cut": 3}], "has the column 'cut', so it holds rollouts; `cot-assets import rollouts`"),
        ([row(text=" ")], "row 1: the trace is empty"),
        ([row(text="a\x00b")], "row 1: 'trace': holds a NUL"),
        ([row(), row(text="b", gold="7")], "'p1' occurs twice in 'theirs', with different statements or gold answers"),
        ([row(), row(2, answer_kind="integer")], r"answers of several kinds \(expression, integer\)"),
        ([row(answer_kind="odd")], "answer_kind 'odd' is unknown"),
        ([row() | {"problem_id": "a\nb"}], "printable characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_kept(put, home, rows, message):
    with pytest.raises((ImportingError, ProblemSetError), match=message):
        bring(put(*rows), home)
    assert not home.imports.exists() or [*home.imports.iterdir()] == []


def test_names_that_are_taken(put, home):
    with pytest.raises(
        ImportingError, match="problem set 'demo' comes from 'generated:demo'; name another one"
    ):
        bring(put(row()), home, "demo")
    with pytest.raises(Exception, match="no protocol named 'absent'"):
        bring(put(row()), home, protocol="absent")
    bring(put(row()), home)
    with pytest.raises(ProblemSetError, match="has answers of kind 'expression', not 'integer'"):
        bring(put(row(2, answer_kind="integer")), home)


@pytest.mark.heavy
def test_a_run_measures_them(put, tmp_path):
    lab = Lab(tmp_path)
    lab.write_script("reader", skill=0.7, mend=0.3)
    lab.write(protocols={"tiny": {"sampling": {"n": 16, "max_tokens": 200, "temperature": 1.0, "top_p": 1.0, "cut_policy": "lines",
                                  "measured": "all", "max_cuts": 6, "transfer_fractions": [0.0], "control_fractions": []}}})  # fmt: skip
    long = row(2, text="Step 1: ✓ holds.\n" * 200, gold="45")
    file = put(row(trace_verdict="incorrect"), long)
    with lab.environment():
        import_traces(file, lab.home, load_config(), problem_set="theirs", protocol="tiny")
    config = with_imported(lab.config(), Warehouse(lab.home))
    lab.config = lambda: config
    lab.bring_up_to_date([("reader", "theirs")])
    traces = lab.table("traces")
    assert traces.select("problem_id", "text", "verdict").rows() == [("p1", TEXT, "incorrect")], (
        "the other is too long"
    )
    curve = lab.table("trace_curves").sort("cut_index")
    assert [(r["n"], r["chunk"]) for r in curve.iter_rows(named=True)] == [
        (16, ""), *((16, line) for line in TEXT.splitlines(keepends=True)[:-1]), (None, TEXT.splitlines()[-1])
    ]  # fmt: skip
    assert curve["potential"][0] > curve["potential"][4], "the script knows that the fourth line slipped"
    assert (
        lab.table("estimates").filter(pl.col("statistic") == "accuracy")["estimate"].drop_nulls().is_empty()
    )
    assert lab.bring_up_to_date([("reader", "theirs")]) == []
