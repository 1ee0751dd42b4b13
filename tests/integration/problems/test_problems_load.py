"""Problem sets from real files, from hostile files, and from a hub that cannot be reached."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import duckdb
import polars as pl
import pytest
from support.extras import shared_data
from support.problem_files import ROWS, entry, write

from cot_assets.problems import PROBLEMS_SCHEMA, ProblemSetError, load_problems, sources
from cot_assets.study import load_config
from cot_assets.study import rows as row_reader


def test_columns_are_those_of_the_table():
    ddl = (Path(__file__).parents[3] / "sql" / "tables" / "problems.sql").read_text()
    with duckdb.connect() as connection:
        connection.execute(ddl)
        columns = connection.execute("DESCRIBE problems").fetchall()
    assert [c[0] for c in columns] == list(PROBLEMS_SCHEMA)
    assert {c[1] for c in columns} == {"VARCHAR"}


def test_rows_pass_the_constraints_of_the_table(home):
    ddl = (Path(__file__).parents[3] / "sql" / "tables" / "problems.sql").read_text()
    frame = load_problems(load_config().problem_set("demo"), home)
    with duckdb.connect() as connection:
        connection.execute(ddl)
        connection.execute("INSERT INTO problems SELECT * FROM frame")
        assert connection.execute("SELECT count(*) FROM problems").fetchall() == [(frame.height,)]
    assert frame["answer_kind"].unique().to_list() == ["integer"]
    assert frame["revision"].n_unique() == 1


def test_aime24(real_problems, home):
    template = load_config().problem_set("aime24")
    local = template.model_copy(update={"source": str(real_problems / "aime24.jsonl")})
    frame = load_problems(local, home)
    assert frame.height == 30
    assert frame.row(0, named=True) | {"statement": "", "prompt": ""} == {
        "problem_set": "aime24",
        "problem_id": "60",
        "statement": "",
        "prompt": "",
        "gold_answer": "204",
        "judged_by": None,
        "answer_kind": "integer",
        "gold_reading": "number 204",
        "level": None,
        "subject": None,
        "source": str(real_problems / "aime24.jsonl"),
        "revision": sources.digest((real_problems / "aime24.jsonl").read_bytes()),
        "chosen": None,
    }
    assert all(0 <= int(answer) <= 999 for answer in frame["gold_answer"])
    for row in frame.iter_rows(named=True):
        assert row["prompt"] == (
            f"{row['statement']}\n\nPlease reason step by step, and put your final answer within \\boxed{{}}."
        )


def test_math500(real_problems, home):
    template = load_config().problem_set("math500")
    local = template.model_copy(update={"source": str(real_problems / "math500.jsonl")})
    frame = load_problems(local, home)
    raw = [json.loads(line) for line in (real_problems / "math500.jsonl").read_text().splitlines()]
    assert frame.height == 500
    assert frame["problem_id"].to_list() == [row["unique_id"] for row in raw]
    assert frame["statement"].to_list() == [row["problem"] for row in raw]
    assert frame["gold_answer"].to_list() == [row["answer"] for row in raw]
    assert Counter(frame["level"]) == Counter(str(row["level"]) for row in raw)
    assert frame["subject"].n_unique() == 7


def test_only_takes_the_named_problems_in_the_order_of_the_source(tmp_path, home):
    source = write(tmp_path / "own.jsonl", ROWS)
    frame = load_problems(entry(source, id="id", only=("c", "a")), home)
    assert frame["problem_id"].to_list() == ["a", "c"]
    assert load_problems(entry(source, id="id", only=("c", "b"), limit=1), home)["problem_id"].to_list() == [
        "b"
    ]
    assert set(frame["chosen"]) == {"named by the problem set's entry"}
    told = load_problems(entry(source, id="id", only=("a",), chosen="by lot"), home)
    assert told["chosen"].to_list() == ["by lot"]
    assert load_problems(entry(source, id="id", limit=2), home)["chosen"].to_list() == [None, None]
    with pytest.raises(ProblemSetError, match=r"\[set\] only names 'z'.*ids are like 'a', 'b', 'c'"):
        load_problems(entry(source, id="id", only=("a", "z")), home)


def test_a_question_counts_once(tmp_path, home, caplog):
    row = {"problem": "What is 1 + 1?", "answer": 2}
    source = write(
        tmp_path / "own.jsonl", [row, {"problem": "What is 2 + 2?", "answer": 4}, {**row, "answer": "2.0"}]
    )
    assert load_problems(entry(source, answer_kind="integer"), home)["problem_id"].to_list() == ["1", "2"]
    assert "left out: 1, such as '3'" in caplog.text
    source = write(tmp_path / "own.jsonl", [row, {**row, "answer": 3}])
    with pytest.raises(
        ProblemSetError, match=r"'1' and '2' have the same prompt and different answers \('2', '3'\)"
    ):
        load_problems(entry(source), home)


def test_limit_takes_the_first(real_problems, home):
    frame = load_problems(entry(real_problems / "math500.jsonl", limit=3), home)
    assert frame["problem_id"].to_list() == ["1", "2", "3"]


def test_every_format_gives_the_same_problems(tmp_path, home):
    rows = [{k: str(v) for k, v in row.items()} for row in ROWS]
    table = pl.DataFrame(rows)
    table.write_csv(tmp_path / "p.csv")
    table.write_parquet(tmp_path / "p.parquet")
    (tmp_path / "p.json").write_text(json.dumps(ROWS))
    write(tmp_path / "p.jsonl", ROWS)
    frames = [
        load_problems(entry(tmp_path / f"p.{kind}", id="id", answer_kind="integer"), home)
        for kind in ("csv", "parquet", "json", "jsonl")
    ]
    kept = [c for c in PROBLEMS_SCHEMA if c not in ("source", "revision")]
    assert all(frame.select(kept).equals(frames[0].select(kept)) for frame in frames)
    assert frames[0]["gold_answer"].to_list() == ["2", "73", str(10**40)]


def test_numbers_stay_as_written(tmp_path, home):
    """A float must not be rounded, an integer beside a missing value in Parquet must not become 204.0."""
    (tmp_path / "p.jsonl").write_text('{"problem": "p", "answer": 0.10000000000000000001}\n')
    assert load_problems(entry(tmp_path / "p.jsonl"), home)["gold_answer"].item() == "0.10000000000000000001"
    pl.DataFrame({"problem": ["p"], "answer": [204.0]}).write_parquet(tmp_path / "p.parquet")
    assert load_problems(entry(tmp_path / "p.parquet"), home)["gold_answer"].item() == "204"


def test_prompt_is_filled_once(tmp_path, home):
    """A statement with braces of its own must not be formatted again."""
    path = write(tmp_path / "p.jsonl", ROWS)
    frame = load_problems(entry(path, id="id", prompt="Q: {statement} -> \\boxed{}"), home)
    assert frame["prompt"][1] == "Q: A {options} brace, {statement} and \\boxed{0} -> \\boxed{}"


def test_revision_follows_contents_and_a_declared_one_wins(tmp_path, home):
    path = write(tmp_path / "p.jsonl", ROWS)
    first = load_problems(entry(path), home)["revision"][0]
    write(path, [*ROWS, {"id": "d", "problem": "new", "answer": 1}])
    second = load_problems(entry(path), home)
    assert second["revision"][0] != first
    assert second.height == 4, "a file that changed must be read again, not taken from a cache"
    assert load_problems(entry(path, revision="v2"), home)["revision"][0] == "v2"


@pytest.mark.parametrize(
    ("rows", "fields", "message"),
    [
        (
            ROWS,
            {"answer": "gold"},
            r"no column 'gold'; columns there: id, problem, answer.*Set answer of \[set\]",
        ),
        (
            ROWS,
            {"options": ("w",), "prompt": "{statement}{options}", "answer_kind": "multiple_choice"},
            "'w'",
        ),
        ([{"problem": "p", "answer": ""}], {}, "row 1 has nothing in column 'answer'"),
        ([{"problem": "p", "answer": None}], {}, "row 1 has nothing in column 'answer'"),
        ([*ROWS, {"problem": "p"}], {}, "row 4 has nothing in column 'answer'"),
        ([{"problem": " ", "answer": "1"}], {}, "row 1 has nothing in column 'problem'"),
        ([ROWS[0], ROWS[0]], {"id": "id"}, "rows 1 and 2 both have the id 'a'"),
        ([ROWS[0] | {"id": "a\x1b[2J"}], {"id": "id"}, r"row 1 has the id 'a\\x1b\[2J'"),
        ([ROWS[0] | {"id": "a\u202eb"}], {"id": "id"}, "printable"),
        ([ROWS[0] | {"id": "x" * 10_000}], {"id": "id"}, "at most 200"),
        ([ROWS[0] | {"id": " a"}], {"id": "id"}, "without blanks at its ends"),
        ([ROWS[0] | {"id": ["a"]}], {"id": "id"}, "row 1, column 'id' holds list"),
        ([{"problem": "p", "answer": "1/2"}], {"answer_kind": "integer"}, "'1/2'.*not an integer"),
        (
            [{"problem": "p", "answer": "9" * 5000}],
            {"answer_kind": "integer"},
            "it is not an integer|longer than 4096",
        ),
        ([{"problem": "p\x00", "answer": "1"}], {}, "NUL"),
        ([{"problem": "p" * 1_000_001, "answer": "1"}], {}, "1,000,001 characters"),
        ([], {}, "no problems in it"),
        (ROWS, {"prompt": "no placeholder"}, "lacks {statement}"),
        (ROWS, {"prompt": "{statement} {options}"}, "exactly if options names columns"),
        (ROWS, {"options": ("id",), "prompt": "{statement} {options}"}, "answer_kind must be"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, home, rows, fields, message):
    path = write(tmp_path / "p.jsonl", rows)
    with pytest.raises(ProblemSetError, match=message) as error:
        load_problems(entry(path, **fields), home)
    assert len(str(error.value)) < 1200


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.jsonl", b'{"problem": "p", "answer": 1}\n{"problem": ', "line 2 is not valid JSON"),
        ("p.jsonl", b'{"problem": Infinity}', "Infinity is not JSON"),
        ("p.jsonl", b"[1]", "line 1 holds list, not an object"),
        ("p.jsonl", b"[" * 200_000, "line 1 is not valid JSON"),
        ("p.jsonl", b'{"problem": "\\ud800", "answer": 1}', "half a surrogate pair"),
        ("p.jsonl", b"\xff\xfe", "byte 0 is not UTF-8"),
        ("p.json", b'{"problem": "p"}', "expected a list of objects, found dict"),
        ("p.json", b"[1, 2]", "expected a list of objects"),
        ("p.parquet", b"PAR1 nothing PAR1", "not valid Parquet"),
        ("p.parquet", b"PAR1" + b"\xff" * 64 + b"PAR1", "not valid Parquet"),
        ("p.csv", b"", "no problems in it"),
        ("p.txt", b"", "cannot tell what kind of file"),
        ("noending", b"", "cannot tell what kind of file"),
    ],
)
def test_malformed_files_are_named(tmp_path, home, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProblemSetError, match=message) as error:
        load_problems(entry(tmp_path / name), home)
    assert name in str(error.value)


def test_a_missing_file_and_a_huge_one(tmp_path, home, monkeypatch):
    with pytest.raises(ProblemSetError, match="No such file.*looked for " + re.escape(str(tmp_path))):
        load_problems(entry(tmp_path / "absent.jsonl"), home)
    path = write(tmp_path / "p.jsonl", ROWS)
    monkeypatch.setattr(row_reader, "MAX_BYTES", 10)
    with pytest.raises(ProblemSetError, match="more than 10 bytes"):
        load_problems(entry(path), home)


def test_an_unknown_generator(home):
    with pytest.raises(ProblemSetError, match="only generated problem set is 'generated:demo'"):
        load_problems(entry("generated:other"), home)


@pytest.mark.parametrize(
    "name", ["problems_float32.parquet", "problems_decimal.parquet", "problems_gsm8k.jsonl"]
)
def test_published_files(name, home):
    path = shared_data("cases", name)
    fields = {"gold_rules": ("hash",)} if "gsm8k" in name else {}
    golds = {
        "problems_float32.parquet": "0.1",
        "problems_decimal.parquet": "0.10",
        "problems_gsm8k.jsonl": "7",
    }
    assert load_problems(entry(path, **fields), home)["gold_answer"].to_list() == [golds[name]]


@pytest.mark.parametrize("name", ["checker-jumping", "river-crossing", "blocks-world"])
def test_shipped_puzzles(home, name):
    declared = load_config().problem_set(name)
    frame = load_problems(declared, home)
    assert frame["answer_kind"].unique().to_list() == ["verifier"]
    assert frame["level"].unique(maintain_order=True).to_list() == [str(n) for n in declared.config["levels"]]
    assert declared.answer_rules == ("block", "boxed")


def test_gsm8k_has_its_golds_behind_hashes(tmp_path, home):
    rows = [
        {"question": "How many?", "answer": "48/2 = <<48/2=24>>24\n#### 72"},
        {"question": "How much?", "answer": "It is $1,000.\n#### 1,000"},
        {"question": "By how much?", "answer": "Less.\n#### -5"},
    ]
    local = (
        load_config()
        .problem_set("gsm8k")
        .model_copy(update={"source": str(write(tmp_path / "p.jsonl", rows))})
    )
    frame = load_problems(local, home)
    assert frame["gold_answer"].to_list() == ["72", "1,000", "-5"]
    assert frame["gold_reading"].to_list() == ["number 72", "number 1000", "number -5"]


def test_without_the_package_of_humaneval_the_extra_is_named(home, monkeypatch):
    from cot_assets.problems import humaneval

    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(humaneval, "distribution", absent)
    with pytest.raises(ProblemSetError, match=r"install cot-assets\[humaneval\]"):
        load_problems(load_config().problem_set("humaneval"), home)
