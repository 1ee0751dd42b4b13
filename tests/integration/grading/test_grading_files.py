"""Grading of JSONL files: fields, lists, bad input, and what is written."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cot_assets.grading.files import GradeFileError, grade_file
from cot_assets.grading.pool import GraderPool
from cot_assets.statistics.estimates import jeffreys_interval


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_and_summary(tmp_path: Path, grader_pool: GraderPool) -> None:
    path = write(
        tmp_path / "in.jsonl",
        {"response": r"\boxed{\frac{2}{4}}", "gold": "0.5"},
        {"response": r"\boxed{x+1}", "gold": "1+x"},
        "",
        {"response": r"\boxed{3}", "gold": 4},
        {"response": "none", "gold": "4"},
        {"response": r"\boxed{4", "gold": "4", "finish_reason": "length"},
        {"response": r"\boxed{100000000!}", "gold": "7"},
        {"response": None, "gold": "4"},
    )
    summary = grade_file(path, pool=grader_pool)
    assert (summary.rows, summary.correct, summary.incorrect) == (7, 2, 1)
    assert (summary.no_answer, summary.truncated, summary.unscored) == (2, 1, 1)
    low, high = jeffreys_interval(2, 6)
    assert (summary.accuracy, summary.ci_low, summary.ci_high) == pytest.approx(
        (2 / 6, float(low), float(high))
    )
    rows = read(tmp_path / "in.graded.jsonl")
    assert summary.output == tmp_path / "in.graded.jsonl"
    assert [row["row"] for row in rows] == [1, 2, 4, 5, 6, 7, 8]
    assert [row["verdict"] for row in rows] == [
        "correct", "correct", "incorrect", "no_answer", "truncated", "unscored", "no_answer",
    ]  # fmt: skip
    assert all(row["reason"] for row in rows)
    assert rows[0]["answer"] == r"\frac{2}{4}"


def test_lists_and_other_fields(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.jsonl",
        {"code": [r"\boxed{1}", r"\boxed{2}", "no"], "gold": 2, "picked": ["2", None, " "]},
    )
    by_text = grade_file(path, tmp_path / "a.jsonl", response_field="code", kind="integer")
    assert (by_text.rows, by_text.correct, by_text.incorrect, by_text.no_answer) == (3, 1, 1, 1)
    assert [row["index"] for row in read(tmp_path / "a.jsonl")] == [0, 1, 2]
    by_answer = grade_file(path, tmp_path / "b.jsonl", answer_field="picked", kind="integer")
    assert (by_answer.correct, by_answer.no_answer) == (1, 2)


def test_a_row_without_a_response_is_graded_by_its_answer(tmp_path: Path, grader_pool: GraderPool) -> None:
    path = write(
        tmp_path / "in.jsonl",
        {"answer": "0.5", "gold": "1/2"},
        {"response": r"\boxed{3}", "answer": "2", "gold": "3"},
    )
    assert grade_file(path, pool=grader_pool).correct == 2
    chosen = grade_file(path, tmp_path / "b", answer_field="answer", pool=grader_pool)
    assert (chosen.correct, chosen.incorrect) == (1, 1)


def test_letters_and_unboxed_answers(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", {"response": "The answer is (B).", "gold": "B"})
    assert grade_file(path, tmp_path / "a", kind="multiple_choice").no_answer == 1
    assert grade_file(path, tmp_path / "b", kind="multiple_choice", rules=("statement",)).correct == 1


def test_existing_output_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", {"response": r"\boxed{1}", "gold": "1"})
    output = write(tmp_path / "out.jsonl", "precious")
    with pytest.raises(GradeFileError, match=r"out\.jsonl exists"):
        grade_file(path, output)
    assert output.read_text() == "precious\n"
    with pytest.raises(GradeFileError, match="exists"):
        grade_file(path, path, overwrite=True)
    assert grade_file(path, output, overwrite=True).correct == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"gold": "1"}, r"row 2: no field 'response'; there are: gold"),
        ({"response": "a"}, r"row 2: no field 'gold'"),
        ({"response": "a", "gold": None}, "gold answer .* is null"),
        ({"response": {"a": 1}, "gold": "1"}, "field 'response': holds dict"),
        ({"response": "a", "gold": True}, "field 'gold': holds bool"),
        ("[1]", "holds list, not an object"),
        ("{broken", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_written(row: Any, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", {"response": r"\boxed{1}", "gold": "1"}, row)
    with pytest.raises(GradeFileError, match=message):
        grade_file(path)
    assert [p.name for p in tmp_path.iterdir()] == ["in.jsonl"]


def test_unreadable_places_and_kinds(tmp_path: Path) -> None:
    with pytest.raises(GradeFileError, match="No such file"):
        grade_file(tmp_path / "absent.jsonl")
    path = write(tmp_path / "in.jsonl", {"response": r"\boxed{1}", "gold": "1"})
    with pytest.raises(GradeFileError, match="No such file"):
        grade_file(path, tmp_path / "no" / "folder.jsonl")
    with pytest.raises(GradeFileError, match="'essay' is not known"):
        grade_file(path, kind="essay")


def test_hostile_text_survives(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"response": "\\\\boxed{\\ud800\\u0000 1}", "gold": "\\ud800 1"}\n')
    summary = grade_file(path)
    assert summary.rows == 1
    assert read(summary.output)[0]["row"] == 1


def test_real_responses(tmp_path: Path, real_data: Path) -> None:
    summary = grade_file(
        real_data / "grading" / "qwen25_math_responses_30.jsonl",
        tmp_path / "out.jsonl",
        response_field="code",
        gold_field="answer",
    )
    assert (summary.rows, summary.no_answer, summary.unscored) == (240, 0, 0)
    assert summary.correct == 225


def test_marks_encodings_and_formats(tmp_path: Path) -> None:
    row = json.dumps({"response": r"\boxed{5}", "gold": 5}).encode()
    (tmp_path / "bom.jsonl").write_bytes(b"\xef\xbb\xbf" + row)
    assert grade_file(tmp_path / "bom.jsonl").correct == 1
    (tmp_path / "latin.jsonl").write_bytes('{"response": "caf\xe9", "gold": 5}'.encode("latin-1"))
    with pytest.raises(GradeFileError, match=r"not UTF-8 .*iconv"):
        grade_file(tmp_path / "latin.jsonl")
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(row))
    assert grade_file(tmp_path / "packed.jsonl.gz").output == tmp_path / "packed.graded.jsonl"
    (tmp_path / "in.csv").write_text("response,gold\n\\boxed{0.10},0.1\n")
    assert grade_file(tmp_path / "in.csv").correct == 1


def test_readings_and_units_are_told(tmp_path: Path) -> None:
    rows = [
        {"answer": "2 2/3", "gold": "8/3"},
        {"answer": "10 cm", "gold": "10", "statement": "How many inches?"},
        {"answer": "10 cm", "gold": "10", "statement": "How many cm?"},
    ]
    summary = grade_file(write(tmp_path / "in.jsonl", *rows), explained=True)
    lines = [json.loads(line) for line in summary.output.read_text().splitlines()]
    assert [line["verdict"] for line in lines] == ["correct", "incorrect", "correct"]
    assert lines[0]["answer_reading"] == lines[0]["gold_reading"] == "number 8/3"
    assert "does not name the unit cm" in lines[1]["reason"]


@pytest.mark.parametrize("name", ["grade_pairs", "grade_letters", "grade_float_golds"])
def test_published_cases(name: str, real_data: Path, tmp_path: Path, grader_pool: GraderPool) -> None:
    path = real_data / "cases" / f"{name}.jsonl"
    kind = "multiple_choice" if "letters" in name else "expression"
    summary = grade_file(path, tmp_path / "out.jsonl", kind=kind, pool=grader_pool)
    wanted = [json.loads(line).get("expect", "correct") for line in path.read_text().splitlines()]
    found = [json.loads(line)["verdict"] for line in summary.output.read_text().splitlines()]
    assert [(f, w) for f, w in zip(found, wanted, strict=True) if f not in w.split("|")] == []
