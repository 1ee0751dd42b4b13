"""What the search for better traces is expected to take, by hand."""

from __future__ import annotations

import polars as pl

from cot_assets.sampling.budget import Known, Work, plan_work
from cot_assets.study import Protocol

PROTOCOL = Protocol(
    name="p", max_tokens=100, search_problems=3, search_candidates=4, search_chunk=25, search_n=16,
    search_fresh_n=32,
)  # fmt: skip
RUNS = {
    "asset": pl.String, "problem_set": pl.String, "n_rollouts": pl.Int32, "generated_tokens": pl.Int64,
}  # fmt: skip


def search_of(
    protocol: Protocol, n_problems: int = 10, lengths: tuple[int, ...] = (), **runs: int
) -> Work | None:
    traces = pl.DataFrame(
        {"problem_set": ["s"] * len(lengths), "sampling_hash": protocol.sampling_hash, "n_tokens": lengths},
        schema={"problem_set": pl.String, "sampling_hash": pl.String, "n_tokens": pl.Int32},
    )
    rows = [
        {"asset": asset, "problem_set": "s", "n_rollouts": 10, "generated_tokens": n}
        for asset, n in runs.items()
    ]
    cuts = pl.DataFrame(schema={"sampling_hash": pl.String, "n_cuts": pl.Int64})
    known = Known(traces, cuts, pl.DataFrame(rows, schema=RUNS), frozenset(), {}, frozenset())
    works = plan_work(protocol, n_problems, known)
    return next((work for work in works if work.asset == "search_traces"), None)


def test_no_search_is_no_work() -> None:
    assert search_of(PROTOCOL.model_copy(update={"search_problems": 0})) is None


def test_at_most_every_chunk_of_the_budget_is_searched() -> None:
    work = search_of(PROTOCOL)
    assert work is not None
    # 4 steps of 4 candidates with 16 rollouts each; 3 cuts of both arms and the start, 32 rollouts each.
    assert work.most_rollouts == 3 * (4 * 4 * 17 + 7 * 32)
    assert work.most_tokens == 3 * (4 * 4 * (25 + 16 * 75) + 7 * 32 * 100)
    assert (work.expected_rollouts, work.expected_tokens) == (None, None)


def test_fewer_problems_than_asked_for_are_searched() -> None:
    two, three = search_of(PROTOCOL, 2), search_of(PROTOCOL, 10)
    assert two is not None
    assert three is not None
    assert two.most_rollouts * 3 == three.most_rollouts * 2


def test_the_budget_of_the_search_caps_it_but_for_one_step() -> None:
    work = search_of(PROTOCOL.model_copy(update={"search_budget": 100}))
    assert work is not None
    assert work.most_tokens == 3 * (100 + 4 * (25 + 16 * 75) + 7 * 32 * 100)


def test_the_expectation_rests_on_lengths_and_runs() -> None:
    work = search_of(PROTOCOL, 10, (40, 60), search_traces=120)
    assert work is not None
    # Traces of 50 tokens have 2 chunks: 2 steps, one cut of both arms and the start.
    assert work.expected_rollouts == 3 * (2 * 4 * 17 + 3 * 32)
    assert work.expected_tokens == work.expected_rollouts * 12
    assert "12 tokens" in work.basis
    assert "search_budget" not in work.basis
    tight = search_of(PROTOCOL.model_copy(update={"search_budget": 100}), 10, (50,), search_traces=120)
    assert tight is not None
    assert "search_budget" in tight.basis
