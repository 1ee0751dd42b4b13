"""From shards and plans to rows: traces, prefixes, cuts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from support.vocabularies import TokenizerEngine

from cot_assets.engines.base import EngineInfo
from cot_assets.sampling.cuts import char_ends, cut_positions
from cot_assets.sampling.plan import plan_traces
from cot_assets.sampling.tables import (
    blocks_frame,
    characters_before,
    measured_traces,
    prefix_at,
    prompts,
    slices,
    texts_at,
    trace_cuts,
    traces_frame,
)  # fmt: skip
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import check_frame

PROTOCOL = Protocol(name="p", n=16, cut_policy="lines", max_cuts=8, traces_per_problem=2)
PROBLEMS = pl.DataFrame(
    {
        "problem_id": ["a", "b"], "prompt": ["What is 6 * 7?", "What is 1 + 1?"], "gold_answer": ["42", "2"],
        "answer_kind": ["integer"] * 2,
    }
)  # fmt: skip
TEXT = "We 🙂 compute.\n6 * 7 = 42.\nSo:\nThe answer is \\boxed{42}."


class _Engine(TokenizerEngine):
    def describe(self) -> EngineInfo:
        return EngineInfo("scripted", "1", "revision", "f32", "none", "none")


ENGINE: Any = _Engine("byte_level")


def trace(text: str = TEXT, problem_id: str = "a", index: int = 0, **changes: object) -> dict[str, object]:
    ids = ENGINE.encode(text).token_ids
    return {
        "problem_set": "s", "model": "m", "problem_id": problem_id, "trace_id": f"{problem_id}{index}",
        "sample_index": index, "prompt_token_ids": list(ENGINE.render_prompt("?")), "token_ids": list(ids),
        "char_ends": char_ends(ENGINE.decode, ids), "text": text, "n_tokens": len(ids), "answer": "42",
        "verdict": "correct", **changes,
    }  # fmt: skip


def test_prompts_are_in_the_models_own_template() -> None:
    found = prompts(PROBLEMS, ENGINE)
    assert [p.problem_id for p in found] == ["a", "b"]
    assert ENGINE.decode(found[0].token_ids) == "Q: What is 6 * 7?\nA:"
    assert all(p.n_prompt == len(p.token_ids) for p in found)


def test_traces_are_the_planned_ones_whatever_else_the_shards_hold() -> None:
    plan = plan_traces(prompts(PROBLEMS, ENGINE), PROTOCOL, ENGINE.describe())
    ids = list(ENGINE.encode("ü 1").token_ids)
    keys = [p.block.key for p in plan]
    rows = pl.DataFrame(
        {
            "block_key": [*reversed(keys), "another"], "token_ids": [ids] * 5, "text": ["ü 1"] * 5,
            "finish_reason": ["stop"] * 5, "n_tokens": [len(ids)] * 5, "sample_index": [9] * 5,
        }
    )  # fmt: skip
    frame = traces_frame(rows, plan, ENGINE, "s", "m", PROTOCOL)
    assert frame.select("problem_id", "sample_index").rows() == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert frame["trace_id"].n_unique() == 4
    assert frame["char_ends"][0].to_list() == char_ends(ENGINE.decode, ids)
    assert frame["model_revision"].unique().to_list() == ["revision"]
    elsewhere = traces_frame(rows, plan, ENGINE, "another", "m", PROTOCOL)
    assert not set(elsewhere["trace_id"]) & set(frame["trace_id"])  # ids are unique over all tables


@pytest.mark.parametrize(
    ("measured", "per_problem", "expected"),
    [("first", 1, ["a1", "b0"]), ("first", 2, ["a1", "a2", "b0"]), ("correct", 1, ["a2", "b0"]),
     ("all", 1, ["a1", "a2", "b0"])],
)  # fmt: skip
def test_which_traces_are_measured(measured: Any, per_problem: int, expected: list[str]) -> None:
    frame = pl.DataFrame(
        [
            trace(problem_id="b"),
            trace(index=2),
            trace(index=1, verdict="incorrect"),
            trace("", index=0, verdict="no_answer"),  # nothing to cut
        ]
    )
    protocol = PROTOCOL.model_copy(update={"measured": measured, "measured_per_problem": per_problem})
    assert measured_traces(frame, protocol)["trace_id"].to_list() == expected


def test_cuts_are_token_ranges_and_their_text() -> None:
    one = trace()
    cuts = trace_cuts(pl.DataFrame([one]), PROBLEMS, PROTOCOL, ENGINE.decode)
    ids: Any = one["token_ids"]
    positions = cut_positions("lines", TEXT, one["char_ends"], 8)  # type: ignore[arg-type]
    assert cuts["cut_index"].to_list() == list(range(len(positions) + 1))
    assert cuts["token_end"].to_list() == [*positions, len(ids)]
    assert cuts["is_end"].to_list() == [False] * len(positions) + [True]
    assert cuts["prefix_id"].is_null().to_list() == cuts["is_end"].to_list()
    assert cuts["fraction"][-1] == 1.0
    for row in cuts.filter(~pl.col("is_end")).iter_rows(named=True):
        prefix = prefix_at(one, row["token_end"])
        assert prefix.prefix_id == row["prefix_id"]
        assert list(prefix.token_ids) == [*one["prompt_token_ids"], *ids[: row["token_end"]]]  # type: ignore[misc]
        assert prefix.n_prompt == len(ENGINE.render_prompt("?"))
        assert characters_before(one, row["token_end"]) == row["char_end"]
        assert TEXT[: row["char_end"]] == ENGINE.decode(ids[: row["token_end"]])


def test_what_a_cut_gives_away() -> None:
    cuts = trace_cuts(pl.DataFrame([trace()]), PROBLEMS, PROTOCOL, ENGINE.decode)
    # "= 42." at the end of the second line states and leaks it; the box stands in the last line.
    assert cuts["states_answer"].to_list() == [False, False, True, True, True]
    assert cuts["leaks_answer"].to_list() == [False, False, True, True, True]
    wrong = trace_cuts(
        pl.DataFrame([trace(answer="41", verdict="incorrect")]), PROBLEMS, PROTOCOL, ENGINE.decode
    )
    assert not wrong["states_answer"].any()
    silent = trace_cuts(
        pl.DataFrame([trace(answer=None, verdict="no_answer")]), PROBLEMS, PROTOCOL, ENGINE.decode
    )
    assert not silent["states_answer"].any()


def test_traces_of_a_problem_share_the_empty_prefix() -> None:
    frame = pl.DataFrame([trace(), trace("Another 🙂 way.\n6 * 7 = 42.\nDone \\boxed{42}.", index=1)])
    cuts = trace_cuts(frame, PROBLEMS, PROTOCOL, ENGINE.decode)
    assert cuts.filter(cut_index=0)["prefix_id"].n_unique() == 1


def test_texts_of_prefixes_are_cut_from_their_traces() -> None:
    frame = pl.DataFrame([trace(), trace("Another 🙂 way.\nDone \\boxed{42}.", index=1)])
    places = (
        trace_cuts(frame, PROBLEMS, PROTOCOL, ENGINE.decode).filter(~pl.col("is_end")).unique("prefix_id")
    )
    whole = dict(frame.select("trace_id", "text").iter_rows())
    found = dict(texts_at(places, frame).select("prefix_id", "prefix_text").iter_rows())
    assert found == {
        r["prefix_id"]: whole[r["trace_id"]][: r["char_end"]] for r in places.iter_rows(named=True)
    }


@pytest.mark.parametrize(
    ("characters", "sizes", "of_shards"),
    [(1, [1] * 6, [1] * 6), (24, [2] * 3, [1, 2, 1, 2]), (60, [5, 1], [4, 2]), (1000, [6], [6])],
)
def test_rows_come_in_parts_of_so_many_characters(
    characters: int, sizes: list[int], of_shards: list[int]
) -> None:
    rows = pl.DataFrame({"prefix_id": list("abcdef")})
    places = pl.DataFrame({"prefix_id": ["a", "b"], "char_end": [11, 4]})
    for shards, expected in (([rows], sizes), ([rows[:1], rows[1:4], rows[4:]], of_shards)):
        parts = list(slices(shards, places, characters))
        assert [part.height for part in parts] == expected
        assert pl.concat(parts).equals(rows)


def test_a_block_says_what_the_model_read_with_its_special_tokens() -> None:
    class Templated(_Engine):
        def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
            return f"{'<s>' * with_special}{super().decode(token_ids)}"

    engine: Any = Templated("byte_level")
    plan = plan_traces(prompts(PROBLEMS, engine), PROTOCOL, engine.describe())
    frame = blocks_frame(plan, PROTOCOL, engine, lambda _: None)
    assert set(frame["prompt"]) == {f"<s>Q: {text}\nA:" for text in PROBLEMS["prompt"]}


def test_without_a_measured_trace_there_are_no_cuts_but_their_columns() -> None:
    protocol = Protocol(name="p", n=16, measured="correct")
    traces = pl.DataFrame([trace(verdict="incorrect")])
    cuts = trace_cuts(measured_traces(traces, protocol), PROBLEMS, protocol, ENGINE.decode)
    assert cuts.is_empty()
    assert not check_frame("trace_cuts", cuts)
