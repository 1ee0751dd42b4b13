"""Outcomes at forks: weighted shares as published, an honest number of rollouts, and hostile stores."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from imported_curves import curve

from cot_assets.importing import ImportingError, import_forking_fast
from cot_assets.importing.forking_fast import _Branch, weighted_counts
from cot_assets.orchestration.assets.check_rules import potential_is_null_iff_unknown
from cot_assets.statistics.estimates import jeffreys_interval

STORES = [("deepseek/row007.json.gz", "sentences", 64), ("llama/row039.json.gz", "tokens", 344)]


@pytest.mark.parametrize(("name", "policy", "n_positions"), STORES)
def test_the_published_curve_is_the_potential(published, store, name, policy, n_positions):
    file = published / "forking-fast" / name
    (imported,) = import_forking_fast(file)
    assert store(imported)["rollouts"] == 0
    published = json.loads(gzip.decompress(file.read_bytes()))
    column = published["categories"].index(published["meta"]["answer_letter"])
    rows = curve(imported, policy).filter(~pl.col("is_end"))
    assert rows["token_end"].to_list() == published["idxs"]
    assert rows.height == n_positions
    shares = [row[column] for row in published["o_t_full"]]
    assert rows["potential"].to_list() == pytest.approx(shares, abs=1e-6)
    assert potential_is_null_iff_unknown(imported.frames["potentials"]).is_passed
    weighted = rows.filter(pl.col("n_effective").is_not_null())
    assert weighted.height > n_positions / 4
    assert (weighted["n_effective"] < weighted["n"] + 1e-6).all()
    assert set(rows.filter(pl.col("n_effective").is_null())["n"]) == {200}
    (trace,) = imported.frames["traces"].iter_rows(named=True)
    assert trace["token_ids"] == published["base"]["gen_ids"]
    assert "Ġ" not in trace["text"]
    assert trace["char_ends"][-1] == len(trace["text"])


def branch(t: int, p: float, answers: str, **more: Any) -> dict[str, Any]:
    return {"t": t, "tok_p": p, "tok_id": 1, "is_base": True, "answers": list(answers), **more}


def small(**more: Any) -> dict[str, Any]:
    return {
        "meta": {"row_id": 7, "question": "1+1?", "choices": ["2", "3"], "answer_letter": "A", "model": "org/m",
                 "selector": "every_token"},
        "base": {"token_texts": ["The", "Ġanswer", "Ġis", "ĠA", "."], "gen_ids": [1, 2, 3, 4, 5], "finish_reason": "stop"},
        "branches": [branch(0, 0.6, "AABB"), branch(0, 0.2, "AAAA"), branch(2, 0.9, "AAAB"), branch(4, 0.5, "BB"),
                     branch(4, 0.25, "BBBB")],
        **more,
    }  # fmt: skip


@pytest.fixture
def put(tmp_path):
    def write(value: object, name: str = "row007.json.gz") -> Path:
        text = value if isinstance(value, str) else json.dumps(value)
        (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return tmp_path / name

    return write


def test_a_small_store(put, store):
    (imported,) = import_forking_fast(put(small()).parent)
    store(imported)
    rows = curve(imported, "tokens").filter(~pl.col("is_end"))
    assert rows["token_end"].to_list() == [0, 2, 4]
    assert rows["n"].to_list() == [8, 4, 6]
    assert rows["n_correct"].to_list() == [6, 3, 0]
    assert rows["potential"].to_list() == [pytest.approx((0.6 * 0.5 + 0.2 * 1) / 0.8), 0.75, 0.0]
    effective = 1 / (0.75**2 / 4 + 0.25**2 / 4)
    assert rows["n_effective"].to_list() == [
        pytest.approx(effective),
        None,
        pytest.approx(1 / (4 / 9 / 2 + 1 / 9 / 4)),
    ]
    low, high = jeffreys_interval(0.625 * effective, effective)
    assert (rows["ci_low"][0], rows["ci_high"][0]) == pytest.approx((float(low), float(high)))
    assert rows["ci_low"][2] == 0
    (trace,) = imported.frames["traces"].iter_rows(named=True)
    assert (trace["text"], trace["answer"], trace["verdict"]) == ("The answer is A.", "A", "correct")
    assert imported.frames["problems"]["statement"].item() == "1+1?\nA) 2\nB) 3"
    assert any("next tokens of at least 75% probability were followed" in note for note in imported.notes)


def test_tokens_that_share_a_character(put):
    base = {"token_texts": ["âĪ", "ļ", "4Ġis"], "gen_ids": [1, 2, 3], "finish_reason": "length"}
    (imported,) = import_forking_fast(put(small(base=base, branches=[branch(1, 0.9, "A")])))
    (trace,) = imported.frames["traces"].iter_rows(named=True)
    assert (trace["text"], trace["char_ends"], trace["verdict"]) == ("√4 is", [0, 1, 5], "truncated")
    assert curve(imported, "tokens")["n"].to_list() == [0, 1, None], "the empty prefix was never sampled"


def test_the_interval_covers(put):
    """Of rollouts with weights, the interval of the effective number holds the true share as often as it says."""
    rng, weights, shares, n = np.random.default_rng(5), (0.7, 0.2, 0.1), (0.35, 0.9, 0.1), 100
    true = float(np.dot(weights, shares))
    counts = [
        weighted_counts(
            [_Branch(w, n, k) for w, k in zip(weights, rng.binomial(n, shares).tolist(), strict=True)]
        )
        for _ in range(2000)
    ]
    size = np.array([c.n_effective for c in counts])
    low, high = jeffreys_interval(np.array([c.potential for c in counts]) * size, size)
    assert 0.94 < np.mean((low <= true) & (true <= high)) <= 1


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 50_000, "not valid JSON"),
        ([], "expected an object, found list"),
        (small(meta=None), "meta: expected an object"),
        (small(meta=small()["meta"] | {"answer_letter": "C"}), "2 choices and the answer 'C' do not fit"),
        (small(meta=small()["meta"] | {"model": "a|b"}), "may hold only letters"),
        (small(meta=small()["meta"] | {"row_id": None}), "'row_id' should hold a number"),
        (
            small(branches=[branch(5, 0.5, "A")]),
            r"branches\[0\]: t = 5 is not a position of a trace of 5 tokens",
        ),
        (small(branches=[branch(True, 0.5, "A")]), "t = True is not a position"),
        (small(branches=[branch(0, 1.5, "A")]), "'tok_p': 1.5 is not a share"),
        (small(branches=[branch(0, 0.0, "A")]), "a probability above 0"),
        (small(branches=[branch(0, 0.5, "")]), "0 rollouts of probability 0.5"),
        (small(branches=[branch(0, 0.5, "a")]), "'answers' holds 'a'; known: letters and Other"),
        (small(branches=3), "'branches' should hold a list"),
        (small(base=small()["base"] | {"gen_ids": [1]}), "'gen_ids' does not hold a token id for each of 5"),
        (
            small(base=small()["base"] | {"token_texts": ["Ġa", "\u4e2d"], "gen_ids": [1, 2]}),
            "which spells no byte",
        ),
        (small(o_t_full=[[0.5, 0.5]], idxs=[2], categories=["A", "B"]), "the store contradicts itself"),
        (small(o_t_full=[[0.5]], idxs=[], categories=["A"]), "do not fit together"),
    ],
)
def test_what_is_wrong_is_named(put, record, message):
    with pytest.raises(ImportingError, match=message) as error:
        import_forking_fast(put(record))
    assert "row007" in str(error.value) or "a|b" in str(error.value)
    assert len(str(error.value)) < 1500


def test_stores_are_looked_for_in_folders(put, tmp_path):
    with pytest.raises(ImportingError, match=r"no store rowNNN.json.gz in it or below; found: nothing"):
        import_forking_fast(tmp_path)
    put(small(), "row007.json")
    put(small(meta=small()["meta"] | {"row_id": 8}), "row008.json.gz")
    (imported,) = import_forking_fast(tmp_path)
    assert imported.frames["problems"]["problem_id"].to_list() == ["row007", "row008"]
    put(small(branches=[branch(0, 0.5, "A")]), "row009.json")
    with pytest.raises(
        ImportingError, match=r"row009.json: the trace of problem 'row007' differs from what was read"
    ):
        import_forking_fast(tmp_path)
    put(small(meta=small()["meta"] | {"row_id": 9, "model": "org/other"}), "row009.json")
    with pytest.raises(ImportingError, match="'mine' is for one model, but these are of 2: org/m, org/other"):
        import_forking_fast(tmp_path, model="mine")
