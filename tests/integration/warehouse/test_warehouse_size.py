"""Prefixes are slices of their traces. Guards the disk of a study of long traces against texts stored once per cut."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest
from warehouse_rows import problems, rows

from cot_assets.orchestration.assets.counting import count_potentials
from cot_assets.sampling.plan import prefix_id
from cot_assets.sampling.tables import trace_cuts
from cot_assets.study import DataHome, Protocol
from cot_assets.warehouse.store import Warehouse

TRACES, TOKENS, CUTS = 30, 30_000, 20
WHERE = {"problem_set": "s", "model": "m"}
PROTOCOL = Protocol(name="long", cut_policy="tokens", max_cuts=CUTS)


def long_traces() -> pl.DataFrame:
    """Traces of words in random order, a token for each."""
    rng, numbers = random.Random(1), np.random.default_rng(1)
    vocabulary = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(1, 7))) + " " for _ in range(20_000)]
    texts, ends = [], []
    for _ in range(TRACES):
        words = rng.choices(vocabulary, k=TOKENS)
        texts.append("".join(words))
        ends.append(np.cumsum([len(word) for word in words]).tolist())
    return rows(
        "traces", **WHERE, trace_id=[f"t{i}" for i in range(TRACES)], problem_id="p", sample_index=list(range(TRACES)),
        text=texts, n_tokens=TOKENS, verdict="correct", answer="5", finish_reason="stop",
    ).with_columns(
        pl.Series("token_ids", numbers.integers(0, 150_000, (TRACES, TOKENS)).tolist(), pl.List(pl.Int32)),
        pl.Series("char_ends", ends, pl.List(pl.Int32)),
        prompt_token_ids=pl.lit(list(range(200)), pl.List(pl.Int32)),
    )  # fmt: skip


def size(warehouse: Warehouse) -> int:
    """Bytes of the published file, which holds nothing that was deleted."""
    return warehouse.publish().stat().st_size


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, pl.DataFrame, int]:
    """A warehouse with all that a study stores per cut, its traces, and its size when it held only them."""
    warehouse = Warehouse(DataHome(tmp_path_factory.mktemp("long") / "home").create())
    table, traces = problems("p", gold_answer="5", answer_kind="integer"), long_traces()
    warehouse.write_partition("problems", table, {"problem_set": "s"})
    warehouse.write_partition("traces", traces, WHERE)
    alone = size(warehouse)
    cuts = trace_cuts(traces, table, PROTOCOL, lambda _: "")
    warehouse.write_partition("trace_cuts", cuts, WHERE)
    prefixes = cuts["prefix_id"].drop_nulls().unique(maintain_order=True).to_list()
    asked = {"asset": "completions"}
    warehouse.write_partition("blocks", rows("blocks", **WHERE, **asked, prefix_id=prefixes), WHERE | asked)
    count_potentials(warehouse, WHERE, "completions")
    return warehouse, traces, alone


def test_cuts_take_little_beside_their_traces(study: tuple[Warehouse, pl.DataFrame, int]) -> None:
    warehouse, _, alone = study
    assert size(warehouse) <= 1.3 * alone


def test_prefixes_are_slices_of_their_traces(study: tuple[Warehouse, pl.DataFrame, int]) -> None:
    warehouse, traces, _ = study
    whole = {row["trace_id"]: row for row in traces.iter_rows(named=True)}
    cuts = warehouse.read_table("trace_cuts").filter(~pl.col("is_end"))
    prefixes = {row["prefix_id"]: row for row in warehouse.read_table("prefixes").iter_rows(named=True)}
    assert len(prefixes) == TRACES * (CUTS - 1) + 1
    for cut in cuts.iter_rows(named=True):
        trace, prefix = whole[cut["trace_id"]], prefixes[cut["prefix_id"]]
        assert prefix["token_ids"] == trace["prompt_token_ids"] + trace["token_ids"][: cut["token_end"]]
        assert prefix_id(prefix["token_ids"]) == cut["prefix_id"]
        assert prefix["text"] == trace["text"][: cut["char_end"]]
        assert prefix["n_tokens"] == cut["token_end"]
