"""Potentials after every token: the published traces, their cliffs, and hostile files."""

from __future__ import annotations

import csv
import json
import math
import shutil
from functools import partial
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from imported_curves import curve as curve_at

from cot_assets.importing import ImportingError, import_cliff_token

CASE_01 = "case_01__GSM1K_541_path_0.json"
OFF_3 = "sampled_off_3__test_number_theory_427_path_0.json"


def read(path: Path):
    return json.loads(path.read_text())


curve = partial(curve_at, policy="tokens")


def cliffs(potentials, n=64):
    """Numbers of the tokens after which the potential has dropped by the rule of the source.

    ``is_cliff`` in its ``src/analysis/cliff_threshold.py``: a drop from the last known potential beyond 0.1 and 1.645
    standard errors of two proportions.
    """
    known = [(i, p) for i, p in enumerate(potentials, start=1) if p is not None]
    return [
        position
        for (_, p0), (position, p1) in pairwise(known)
        if p0 - p1 > 0.1 + 1.645 * math.sqrt(p0 * (1 - p0) / n + p1 * (1 - p1) / n)
    ]


@pytest.mark.parametrize(("name", "n_tokens", "n_filled"), [(CASE_01, 819, 17), (OFF_3, 425, 70)])
def test_every_measured_token_is_there(published, store, name, n_tokens, n_filled):
    file = published / "cliff-token" / name
    (imported,) = import_cliff_token(file)
    stored = store(imported)
    assert (stored["potentials"], stored["rollouts"]) == (n_tokens, 0)
    scores = read(file)["all_position_scores"]
    rows = list(curve(imported).iter_rows(named=True))
    assert len(rows) == n_tokens + 1
    assert (rows[0]["n"], rows[0]["potential"]) == (0, None), "the empty prefix was never sampled"
    assert rows[-1]["is_end"]
    measured = len(scores) - n_filled
    for row, score in zip(rows[1 : measured + 1], scores[:measured], strict=True):
        assert (row["n"], row["potential"], row["is_n_approximate"]) == (64, score, False)
        assert row["n_correct"] == score * 64
    for row, score in zip(rows[measured + 1 : -1], scores[measured:], strict=True):
        assert score == 0.0
        assert row["n"] is row["potential"] is None, "a fill-in after an early stop is not a measurement"
    assert f"{n_filled} zeros at the end are fill-ins" in imported.notes[0]


def test_every_position_counts_if_the_sampler_did_not_stop_early(published):
    (imported,) = import_cliff_token(published / "cliff-token" / CASE_01, early_stop=None)
    assert curve(imported)["potential"].null_count() == 2  # the empty prefix and the end
    assert imported.notes == ()


def test_offsets_reproduce_the_text_even_within_a_character(published):
    """Tokens 807 and 808 of case_01 spell one check mark: half of it is not in the text yet."""
    file = published / "cliff-token" / CASE_01
    (imported,) = import_cliff_token(file)
    record = read(file)
    text, tokens = record["response"], record["response_tokens"]
    assert "".join(tokens) != text
    (trace,) = imported.frames["traces"].iter_rows(named=True)
    assert trace["text"] == text
    assert trace["token_ids"] == record["response_token_ids"]
    assert len(trace["char_ends"]) == trace["n_tokens"] == len(tokens) == 819
    assert trace["char_ends"][-1] == len(text)
    assert text[trace["char_ends"][805] : trace["char_ends"][807]] == " ✅"
    assert text[: trace["char_ends"][806]].endswith("### "), "the blank is complete, the check mark is not"
    start = 0
    for token, end in zip(tokens, trace["char_ends"], strict=True):
        if "\ufffd" not in token:
            assert text[start:end] == token
        start = end
    for row in curve(imported).filter(~pl.col("is_end")).iter_rows(named=True):
        assert row["char_end"] == (trace["char_ends"][row["token_end"] - 1] if row["token_end"] else 0)


def test_the_published_cliffs_are_found(published):
    file = published / "cliff-token" / CASE_01
    (imported,) = import_cliff_token(file)
    potentials = curve(imported).filter(~pl.col("is_end"))["potential"].to_list()[1:]
    published = read(file)["cliffs"]
    assert cliffs(potentials) == [c["cliff_position"] for c in published] == [105, 156, 159]
    for cliff in published:
        position = cliff["cliff_position"]
        assert potentials[position - 2] == cliff["score_prev"]
        assert potentials[position - 1] == cliff["score_curr"]
        assert read(file)["response_tokens"][position - 1] == cliff["cliff_token"]


def test_the_other_trace_has_its_published_cliff_among_them(published):
    (imported,) = import_cliff_token(published / "cliff-token" / OFF_3)
    potentials = curve(imported).filter(~pl.col("is_end"))["potential"].to_list()[1:]
    assert 332 in cliffs(potentials)


def test_the_csv_beside_a_trace_agrees(published):
    """Their per-token table counts from 0 and has one row for the last token, without a potential."""
    file = published / "cliff-token" / OFF_3
    (imported,) = import_cliff_token(file, early_stop=None)
    rows = list(csv.DictReader(file.with_name(file.stem + "__per_token.csv").open(newline="")))
    potentials = curve(imported).filter(~pl.col("is_end"))["potential"].to_list()[1:]
    assert [float(row["potential"]) for row in rows[:-1]] == potentials
    assert rows[-1]["potential"] == ""


def test_a_folder_gives_one_result_per_model(published):
    imported = import_cliff_token(published / "cliff-token")
    assert [(i.model, i.frames["traces"].height) for i in imported] == [
        ("Llama-3.1-8B-Instruct", 1),
        ("Qwen3-0.6B", 1),
    ]
    assert {i.frames["problems"]["gold_answer"].item() for i in imported} == {"12", "25"}
    assert all(i.frames["traces"]["verdict"].item() == "incorrect" for i in imported)
    assert {i.frames["traces"]["answer"].item() for i in imported} == {"0", "22"}
    with pytest.raises(ImportingError, match=r"these are of 2: Llama-3.1-8B-Instruct, Qwen3-0.6B"):
        import_cliff_token(published / "cliff-token", model="mine")


def test_a_fine_curve_also_stands_on_the_grid(published):
    (imported,) = import_cliff_token(published / "cliff-token" / CASE_01)
    grid, fine = curve_at(imported, "grid21"), curve(imported)
    assert grid.height == 21
    assert set(grid["prefix_id"].drop_nulls()) <= set(fine["prefix_id"].drop_nulls())
    assert (grid["fraction"] - pl.Series([i / 20 for i in range(21)])).abs().max() < 1 / 819
    steps = grid["potential"].diff().drop_nulls()
    assert steps.min() < -0.3, "three small cliffs add up to one drop of the paper's size"


def test_identity_does_not_depend_on_the_place_of_the_file(published, tmp_path):
    shutil.copy(published / "cliff-token" / OFF_3, tmp_path / "other.json")
    first = import_cliff_token(published / "cliff-token" / OFF_3)[0].frames
    again = import_cliff_token(tmp_path)[0].frames
    assert again["trace_cuts"].equals(first["trace_cuts"])
    assert again["potentials"].equals(first["potentials"])


# --- hostile and other files --------------------------------------------------------------------


def small(**more):
    return {
        "problem_id": "p", "question": "1+1?", "golden_answer": ["2"], "response": "It is \\boxed{2}",
        "is_correct": True, "response_tokens": ["It", " is", " \\boxed{", "2", "}"],
        "response_token_ids": [1, 2, 3, 4, 5], "all_position_scores": [0.5, None, 1.0, 1.0], "_model": "m",
        **more,
    }  # fmt: skip


@pytest.fixture
def put(tmp_path):
    def write(value) -> Path:
        file = tmp_path / "trace.json"
        file.write_text(value if isinstance(value, str) else json.dumps(value))
        return file

    return write


def test_a_list_of_traces_and_positions_that_were_not_measured(put, store):
    other = small(problem_id="q", response="Two.", response_tokens=["Two", "."], response_token_ids=[7, 8])
    longer = small(
        response="It is \\boxed{2}.", response_tokens=[*small()["response_tokens"], "."],
        response_token_ids=[*small()["response_token_ids"], 6],
    )  # fmt: skip
    file = put([small(), longer, other | {"all_position_scores": [0.25], "is_correct": False}])
    (imported,) = import_cliff_token(file)
    assert store(imported)["traces"] == 3
    traces = imported.frames["traces"]
    assert traces["sample_index"].to_list() == [0, 1, 0]
    assert traces["trace_id"].n_unique() == 3
    assert traces["verdict"].to_list() == ["correct", "correct", "no_answer"]
    first = curve(imported).filter(pl.col("trace_id") == traces["trace_id"][0])
    # The first two traces share their prefixes, so their rollouts add up.
    assert first["n"].to_list() == [0, 128, None, 128, 128, None]
    assert first["n_correct"].to_list()[1] == 64


def test_a_trace_in_two_files_counts_once(put, tmp_path):
    put([small(), small()])
    (tmp_path / "one.json").write_text(json.dumps(small()))
    (imported,) = import_cliff_token(tmp_path)
    assert imported.frames["traces"].height == 1
    assert curve(imported)["n"].to_list() == [0, 64, None, 64, 64, None]
    (tmp_path / "one.json").write_text(json.dumps(small(all_position_scores=[0.25, None, 1.0, 1.0])))
    with pytest.raises(ImportingError, match=r"trace.json.*the trace of problem 'p' differs"):
        import_cliff_token(tmp_path)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 50_000, "not valid JSON"),
        ("[3]", "expected an object, found int"),
        ({"question": "q"}, "lacks golden_answer, response, .*found the fields question"),
        (small(_model=None), "does not name its model"),
        (small(_model="a|b"), "may hold only letters"),
        (small(golden_answer=[]), "'golden_answer' is empty"),
        (small(golden_answer="2"), "'golden_answer' should hold a list, found str"),
        (small(problem_id=None), "has neither 'problem_id' nor 'id'"),
        (small(response_token_ids=[1, 2]), "5 tokens, 2 token ids and 4 scores do not fit"),
        (small(response_token_ids=[1, 2, 3, 4, -5]), "not a token id"),
        (small(response_token_ids=[1, 2, 3, 4, 2**40]), "not a token id"),
        (small(response_token_ids=["1", 2, 3, 4, 5]), "not a token id"),
        (small(all_position_scores=[0.5, 1.5]), "score 2: 1.5 is not a share"),
        (small(all_position_scores=[0.5, "x"]), "score 2: x is not a share"),
        (
            small(all_position_scores=[0.3]),
            "score 1 is 0.3, no multiple of 1/64; give the number of rollouts",
        ),
        (small(all_position_scores=[0.5] * 6), "6 scores do not fit together"),
        (small(response="It was"), "token 2 is ' is', but the text goes on with ' was'"),
        (small(response="It is \\boxed{2} and more"), "end before the text does, at ' and more'"),
        (small(response=""), "token 1 is 'It'"),
    ],
)
def test_what_is_wrong_is_named(put, record, message):
    with pytest.raises(ImportingError, match=message) as error:
        import_cliff_token(put(record))
    assert "trace.json" in str(error.value) or "a|b" in str(error.value)
    assert len(str(error.value)) < 1500


def test_another_number_of_rollouts_can_be_given(put):
    (imported,) = import_cliff_token(put(small(all_position_scores=[0.1, 0.3])), n=10)
    assert curve(imported)["n_correct"].to_list()[1:3] == [1, 3]


def test_a_folder_may_hold_other_json(put, tmp_path):
    put(small())
    (tmp_path / "summary.json").write_text('{"total": 3}')
    assert len(import_cliff_token(tmp_path)) == 1
    (tmp_path / "trace.json").unlink()
    with pytest.raises(ImportingError, match=r"no JSON file with question.*found: summary.json"):
        import_cliff_token(tmp_path)
    with pytest.raises(ImportingError, match="does not exist"):
        import_cliff_token(tmp_path / "absent")
