"""One reader for every format: what it keeps, what it refuses, and where it stops."""

from __future__ import annotations

import gzip
import json
import os
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from support.extras import shared_data

from cot_assets.study import rows
from cot_assets.study.rows import Numeral, RowsError, file_digest, iter_rows

WRITTEN = ["9007199254740993", ".5".replace(".", "0."), "99999999999999999999", "0.10", "1e-7", "-0.0"]


def values(path: Path, column: str = "answer") -> list[object]:
    return [row[column] for _, row in iter_rows(path)]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".json", ".csv"])
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_numbers_keep_their_text(tmp_path: Path, suffix: str, is_packed: bool, mark: bytes) -> None:
    lines = [f'{{"answer": {number}}}' for number in WRITTEN]
    content = {".json": f"[{','.join(lines)}]", ".csv": "answer\n" + "\n".join(WRITTEN)}.get(
        suffix, "\n".join(lines)
    )
    data = mark + content.encode()
    path = write(
        tmp_path / f"in{suffix}{'.gz' * is_packed}", gzip.compress(data, mtime=0) if is_packed else data
    )
    assert values(path) == WRITTEN
    assert suffix == ".csv" or all(isinstance(value, Numeral) for value in values(path))


def test_parquet_gives_the_shortest_text(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pl.DataFrame(
        {
            "f32": pl.Series([0.1, 5.0, None], dtype=pl.Float32),
            "f64": [0.25, 64.0, float("nan")],
            "dec": pl.Series([Decimal("0.10"), Decimal("2.00"), None], dtype=pl.Decimal(10, 2)),
            "int": [9007199254740993, 7, None],
        }
    ).write_parquet(path)
    assert [row for _, row in iter_rows(path)] == [
        {"f32": "0.1", "f64": "0.25", "dec": "0.10", "int": "9007199254740993"},
        {"f32": "5", "f64": "64", "dec": "2.00", "int": "7"},
        {"f32": None, "f64": None, "dec": None, "int": None},
    ]


@pytest.mark.parametrize(("name", "gold"), [("float32", "0.1"), ("decimal", "0.10")])
def test_published_parquet_files(name: str, gold: str) -> None:
    assert values(shared_data("cases", f"problems_{name}.parquet")) == [gold]


def test_half_precision_is_read_as_it_was_meant(tmp_path: Path) -> None:
    pl.DataFrame({"answer": [0.1, 65504.0, None]}, schema={"answer": pl.Float16}).write_parquet(
        tmp_path / "a.parquet"
    )
    assert values(tmp_path / "a.parquet") == ["0.1", "65504", None]


def test_missing_values(tmp_path: Path) -> None:
    assert values(write(tmp_path / "a.jsonl", '{"answer": null}\n\n{"answer": NaN}\n')) == [None, None]
    assert values(write(tmp_path / "a.csv", "answer,b\n,1\n")) == [None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            'q,answer\n"How wide is a 5\\" screen?",1\n"two",2\n"a 6\\" screen?",3\n',
            "row 1 is not valid CSV",
        ),
        ("a.csv", 'q,answer\n"one",1\n"ends in \\"",2\n"three",3\n', "row 2 "),
        ("a.csv", 'q,answer\n"a",1\n"b \\"",2\n', "row 2 "),
        ("a.csv", "q,answer\na,1\nb\n", "row 2 has 1 cells, the header 2"),
        ("a.csv", "q,answer\na,1,2\n", "row 1 has 3 cells"),
        ("a.csv", "q,q\na,1\n", "'q' is there twice"),
        ("a.csv", 'q\n"a', "row 1 is not valid CSV"),
        ("a.jsonl", '{"a": 1}\n[2]\n', "line 2 holds list"),
        ("a.jsonl", '{"a": 1}\n{"a": }\n', "line 2 is not valid JSON"),
        ("a.jsonl", '{"a": Infinity}\n', "line 1 is not valid JSON"),
        ("a.jsonl", '{"a": 1, "b": 2, "a": 3}\n', "line 1 .*'a' is there twice"),
        ("a.json", '[{"x": {"a": 1, "a": 1}}]', "'a' is there twice"),
        ("a.csv", "a\n1\n".encode("utf-16"), "iconv -f utf-16"),
        ("a.jsonl", gzip.compress(b"{}"), "is a gzip file by its first bytes"),
        ("a.csv", b"PAR1\x15\x04", "is a Parquet file"),
        ("a.jsonl", "[" * 100_000, "line 1 is not valid JSON"),
        ("a.jsonl", '{"a": "caf\xe9"}'.encode("latin-1"), "byte 10 is not UTF-8 .*iconv"),
        ("a.csv", "a\ncaf\xe9\n".encode("latin-1"), "byte 5 is not UTF-8"),
        ("a.json", '{"a": 1}', "expected a list of objects, found dict"),
        ("a.json", "[1]", "found str|found Numeral"),
        ("a.json", "[", "not valid JSON"),
        ("a.parquet", "PAR1 nonsense", "not valid Parquet"),
        ("a.txt", "1", "cannot tell what kind of file"),
        ("a.jsonl.gz", b"no gzip", "cannot be read"),
        ("a.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 1000, mtime=0)[:-20], "cannot be read"),
        *(
            (
                "a.jsonl.gz",
                gzip.compress(b'{"a": 1}\n' * 1000, mtime=0)[:at] + b"\x00\xff" * 9,
                "cannot be read",
            )
            for at in (11, 20, 30)
        ),
    ],
)
def test_refused(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(RowsError, match=message):
        list(iter_rows(write(tmp_path / name, content)))


def test_sizes_are_checked_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = tmp_path / "endless.jsonl"
    endless.symlink_to("/dev/zero")
    with pytest.raises(RowsError, match="not a regular file"):
        list(iter_rows(endless))
    os.mkfifo(tmp_path / "fifo.jsonl")
    with pytest.raises(RowsError, match="not a regular file"):
        list(iter_rows(tmp_path / "fifo.jsonl"))
    with pytest.raises(RowsError, match=r"not a regular file|Is a directory"):
        list(iter_rows(write_folder(tmp_path / "folder.csv")))
    monkeypatch.setattr(rows, "MAX_ROWS", 1000)
    many = tmp_path / "many.parquet"
    pl.DataFrame({"answer": [1] * 1001}).write_parquet(many)
    with pytest.raises(RowsError, match="1,001 rows; at most 1,000"):
        list(iter_rows(many))
    with pytest.raises(RowsError, match="more than 1,000 rows"):
        list(iter_rows(write(tmp_path / "many.jsonl", '{"a": 1}\n' * 1001)))
    monkeypatch.setattr(rows, "MAX_UNPACKED", 10_000)
    with pytest.raises(RowsError, match="more than 10,000 bytes"):
        list(
            iter_rows(
                write(tmp_path / "bomb.jsonl.gz", gzip.compress(b'{"a": "' + b" " * 10**6 + b'"}', mtime=0))
            )
        )
    repeated = tmp_path / "repeated.parquet"
    pl.DataFrame({"text": ["x" * 1000] * 100}).write_parquet(repeated)
    with pytest.raises(RowsError, match="more than 10,000 bytes of text"):
        list(iter_rows(repeated))
    monkeypatch.setattr(rows, "MAX_BYTES", 100)
    with pytest.raises(RowsError, match="more than 100 bytes"):
        list(iter_rows(write(tmp_path / "long.jsonl", json.dumps({"a": "b" * 200}))))


def write_folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_three_million_rows_in_a_small_file(tmp_path: Path) -> None:
    small = tmp_path / "small.parquet"
    pl.DataFrame({"answer": pl.repeat(1, 3_000_000, eager=True)}).write_parquet(small)
    assert small.stat().st_size < 1_000_000
    with pytest.raises(RowsError, match="3,000,000 rows"):
        next(iter_rows(small))


def test_digest_is_of_the_bytes(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.csv", "a\n1\n"), write(tmp_path / "b.csv", "a\n1\n")
    assert file_digest(one) == file_digest(other) != file_digest(write(tmp_path / "c.csv", "a\n2\n"))
