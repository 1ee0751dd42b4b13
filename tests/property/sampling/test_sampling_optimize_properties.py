"""What holds of every search, whatever its numbers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cot_assets.engines.base import EngineInfo
from cot_assets.measures.search.greedy import (
    Counts,
    Outcome,
    Search,
    advance,
    fresh_blocks,
    is_chunk,
    plain_blocks,
    selection_blocks,
    wanted,
)
from cot_assets.sampling.plan import PlannedBlock, Prefix
from cot_assets.study import Protocol

INFO = EngineInfo("scripted", "1", "revision", "none", "none", "none")
PROMPT = Prefix("p", (1, 2, 3), 3)
VERDICTS = ("correct", "incorrect", "no_answer", "truncated", "unscored")


def protocols() -> st.SearchStrategy[Protocol]:
    def build(candidates: int, chunk: int, n: int, fresh: int, budget: int, most: int) -> Protocol:
        return Protocol(
            name="p", max_tokens=most, search_candidates=candidates, search_chunk=chunk, search_n=16 * n,
            search_fresh_n=16 * fresh, search_budget=budget,
        )  # fmt: skip

    return st.builds(
        build, st.integers(1, 5), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3),
        st.integers(1, 3000), st.integers(1, 30),
    )  # fmt: skip


@given(protocols(), st.integers(0, 20))
def test_no_rollout_both_chooses_and_measures(protocol: Protocol, length: int) -> None:
    prefix = Prefix(
        "p", (*PROMPT.token_ids, *range(min(length, protocol.sampling.max_tokens - 1))), PROMPT.n_prompt
    )
    chosen, fresh = (f(prefix, protocol, INFO) for f in (selection_blocks, fresh_blocks))
    assert not {p.block.key for p in chosen} & {p.block.key for p in fresh}
    assert sum(p.block.n for p in chosen) == protocol.sampling.search_n
    assert sum(p.block.n for p in fresh) == protocol.sampling.search_fresh_n
    assert sum(p.block.n for p in plain_blocks(prefix, protocol, INFO)) == protocol.sampling.search_fresh_n
    assert len({p.first_sample for p in (*chosen, *fresh)}) == len(chosen) + len(fresh)


@settings(max_examples=60)
@given(protocols(), st.randoms(use_true_random=False))
def test_a_search_ends_within_its_budgets_and_spends_what_it_says(protocol: Protocol, rng: object) -> None:
    """Whatever completions and verdicts come back."""

    def outcome(planned: PlannedBlock) -> Outcome:
        left = planned.block.max_new_tokens
        is_ended = rng.random() < 0.15  # type: ignore[attr-defined]
        size = rng.randrange(left) if is_ended else left  # type: ignore[attr-defined]
        ids = tuple(rng.randrange(50) for _ in range(size)) if is_chunk(planned) else ()  # type: ignore[attr-defined]
        verdict = rng.choice(VERDICTS)  # type: ignore[attr-defined]
        return Outcome(ids, "stop" if is_ended else "length", size, "1", verdict)

    search, seen, waves = Search(PROMPT), {}, 0
    while asked := wanted(search, protocol, INFO):
        assert not {p.block.key for p in asked} & set(seen)
        assert len({p.block.key for p in asked}) == len(asked)
        seen.update({p.block.key: [outcome(p) for _ in range(p.block.n)] for p in asked})
        before, search = search, advance(search, seen, protocol, INFO)
        assert search != before
        waves += 1
    length = len(search.prefix().token_ids) - PROMPT.n_prompt
    assert length == sum(map(len, search.chunks)) <= protocol.sampling.max_tokens
    assert waves <= 2 * (protocol.sampling.max_tokens // protocol.sampling.search_chunk + 1)
    assert search.tokens_spent == sum(o.n_tokens for outcomes in seen.values() for o in outcomes)
    assert search.tokens_spent == sum(step.tokens_spent for step in search.steps)
    assert search.is_complete or search.tokens_spent >= protocol.sampling.search_budget
    assert all(not step.choice.is_end for step in search.steps[:-1])
    earlier = search.tokens_spent - search.steps[-1].tokens_spent
    assert earlier < protocol.sampling.search_budget
    for step in search.steps:
        for candidate in step.candidates:
            assert (candidate.counts is None) == candidate.is_end
            if isinstance(candidate.counts, Counts):
                assert candidate.counts.n + candidate.counts.n_unscored == protocol.sampling.search_n
