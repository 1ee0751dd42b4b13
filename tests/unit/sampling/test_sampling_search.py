"""The search for a better trace, on an engine whose potentials are known exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.searching import PROTOCOL, World
from support.sums import scripted_engine

from cot_assets.measures.search.greedy import (
    Candidate,
    Counts,
    Outcome,
    Search,
    advance,
    chosen_problems,
    count,
    fresh_blocks,
    is_chunk,
    plain_blocks,
    search_all,
    selection_blocks,
    wanted,
)
from cot_assets.study import Protocol

SKILL, MEND = 0.6, 0.15


def world(folder: Path, protocol: Protocol = PROTOCOL, **args: object) -> World:
    return World(scripted_engine(folder, **{"skill": SKILL, "mend": MEND, **args}), protocol)


def changed(**fields: object) -> Protocol:
    return PROTOCOL.model_copy(update=fields)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[Search]]:
    here = world(tmp_path_factory.mktemp("search"))
    return here, here.search(60)


def steps_of(here: World, searches: list[Search]) -> list[tuple[float, float, float, float]]:
    """Per chosen chunk that did not end: selection estimate, fresh estimate, truth, mean truth of all."""
    info, rows = here.engine.describe(), []
    for search in searches:
        for number, step in enumerate(search.steps, 1):
            if step.choice.is_end:
                continue
            prefix = search.prefix(number)
            fresh = count(
                here.draw(fresh_blocks(prefix, PROTOCOL, info)), fresh_blocks(prefix, PROTOCOL, info)
            )
            selection = step.choice.estimate
            assert selection is not None
            others = [
                here.truth(search.prefix(number - 1, more=c.token_ids), SKILL, MEND) for c in step.candidates
            ]
            truth = here.truth(prefix, SKILL, MEND)
            rows.append((selection, fresh.n_correct / fresh.n, truth, float(np.mean(others))))
    return rows


def test_every_search_ends_with_the_models_own_end(searched: tuple[World, list[Search]]) -> None:
    here, searches = searched
    for search in searches:
        assert search.has_stopped
        assert search.is_complete
        whole = search.prefix()
        assert here.engine.decode(whole.token_ids[whole.n_prompt :]).endswith("}.")
        assert wanted(search, PROTOCOL, here.engine.describe()) == []
        assert all(len(chunk) == PROTOCOL.sampling.search_chunk for chunk in search.chunks[:-1])
        assert sum(step.tokens_spent for step in search.steps) == search.tokens_spent


def test_the_best_of_its_candidates_is_kept(searched: tuple[World, list[Search]]) -> None:
    for search in searched[1]:
        for step in search.steps:
            assert len(step.candidates) == PROTOCOL.sampling.search_candidates
            assert step.choice.value == max(candidate.value for candidate in step.candidates)


def test_greedy_choice_finds_chunks_that_are_truly_better(searched: tuple[World, list[Search]]) -> None:
    """By the exact potentials; 60 problems, the seeds are those of the blocks."""
    _, _, truth, mean = np.array(steps_of(*searched)).T
    gain = truth - mean
    assert gain.mean() > 0.05
    assert gain.mean() > 5 * gain.std() / np.sqrt(len(gain))


def test_the_selection_estimate_is_too_large_and_the_fresh_one_is_not(
    searched: tuple[World, list[Search]],
) -> None:
    """Seeds are those of the blocks, protocol seed 0: the same numbers come out again."""
    selection, fresh, truth, _ = np.array(steps_of(*searched)).T
    error = {"selection": selection - truth, "fresh": fresh - truth}
    z = {name: e.mean() / (e.std() / np.sqrt(len(e))) for name, e in error.items()}
    assert z["selection"] > 4
    assert error["selection"].mean() > 0.02
    assert abs(z["fresh"]) < 2.5


def test_search_traces_are_right_more_often_than_sampled_ones(
    searched: tuple[World, list[Search]],
) -> None:
    here, searches = searched
    right = np.mean([search.steps[-1].choice.verdict == "correct" for search in searches])
    start = here.truth(searches[0].prompt, SKILL, MEND)
    assert right > start + 3 * np.sqrt(start * (1 - start) / len(searches))


def test_nothing_is_asked_for_twice(searched: tuple[World, list[Search]]) -> None:
    keys = [planned.block.key for planned in searched[0].drawn]
    assert len(keys) == len(set(keys))


def test_a_search_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = world(tmp_path)
    expected = whole.search(4)
    again = world(tmp_path)
    for n_waves in (0, 1, 2, 5):
        left = n_waves

        def draw(plan: list, again: World = again) -> dict:
            nonlocal left
            if not left:
                raise KeyboardInterrupt
            left -= 1
            return again.draw(plan)

        with pytest.raises(KeyboardInterrupt):
            search_all(again.prompts(4), PROTOCOL, again.engine.describe(), draw)
    assert again.search(4) == expected
    keys = [planned.block.key for planned in again.drawn]
    assert sorted(keys) == sorted(planned.block.key for planned in whole.drawn)


def test_more_candidates_and_rollouts_add_to_those_that_are_there(tmp_path: Path) -> None:
    here = world(tmp_path)
    info, prompt = here.engine.describe(), here.prompts(1)[0]
    few = {p.block.key for p in wanted(Search(prompt), PROTOCOL, info)}
    many = {p.block.key for p in wanted(Search(prompt), changed(search_candidates=7), info)}
    assert few < many
    assert (len(few), len(many)) == (4, 7)
    small = [p.block.key for p in selection_blocks(prompt, PROTOCOL, info)]
    large = [p.block.key for p in selection_blocks(prompt, changed(search_n=48), info)]
    assert large[: len(small)] == small


@pytest.mark.parametrize("field", ["search_chunk", "seed", "max_tokens", "temperature"])
def test_what_changes_completions_changes_the_candidates(tmp_path: Path, field: str) -> None:
    here = world(tmp_path)
    info, prompt = here.engine.describe(), here.prompts(1)[0]
    other = changed(**{field: 19})  # of max_tokens: fewer than a chunk has
    mine, theirs = (
        {p.block.key for p in wanted(Search(prompt), protocol, info)} for protocol in (PROTOCOL, other)
    )
    assert not mine & theirs


def test_candidates_are_independent_of_rollouts_and_traces(tmp_path: Path) -> None:
    """Of one prefix, with the same number of tokens left."""
    protocol = changed(search_chunk=PROTOCOL.sampling.max_tokens)
    here = world(tmp_path, protocol)
    info, prompt = here.engine.describe(), here.prompts(1)[0]
    chunks = wanted(Search(prompt), protocol, info)
    rollouts = plain_blocks(prompt, protocol, info)
    assert all(map(is_chunk, chunks))
    assert not any(map(is_chunk, rollouts))
    assert {p.block.max_new_tokens for p in (*chunks, *rollouts)} == {PROTOCOL.sampling.max_tokens}
    assert not {p.block.seed for p in chunks} & {p.block.seed for p in rollouts}


def test_the_budget_of_the_search_ends_it(tmp_path: Path) -> None:
    protocol = changed(search_budget=1)
    search = world(tmp_path, protocol).search(1)[0]
    assert search.has_stopped
    assert not search.is_complete
    assert len(search.steps) == 1
    assert search.tokens_spent >= 1


def test_the_token_budget_of_the_trace_ends_it(tmp_path: Path) -> None:
    protocol = changed(max_tokens=50)
    here = world(tmp_path, protocol)
    search = here.search(1)[0]
    assert [len(chunk) for chunk in search.chunks] == [20, 20, 10]
    assert search.is_complete
    assert search.steps[-1].choice.verdict == "truncated"
    assert max(p.block.max_new_tokens for p in here.drawn if not is_chunk(p)) == 30


def test_a_model_that_says_nothing_ends_at_once(tmp_path: Path) -> None:
    search = world(tmp_path, is_mute=True).search(1)[0]
    assert search.is_complete
    assert search.chunks == ((),)
    assert search.steps[0].choice.verdict == "no_answer"


def test_candidates_of_the_same_tokens_share_their_rollouts(tmp_path: Path) -> None:
    here = world(tmp_path)
    info, prompt = here.engine.describe(), here.prompts(1)[0]
    twin = Candidate((1, 2, 3), is_end=False)
    search = Search(prompt, candidates=(twin, twin))
    asked = wanted(search, PROTOCOL, info)
    assert len(asked) == PROTOCOL.sampling.search_n // 16
    outcome = Outcome((), "stop", 5, "1", "correct")
    after = advance(search, {asked[0].block.key: (outcome,) * 16}, PROTOCOL, info)
    assert after.tokens_spent == 16 * 5
    assert after.steps[0].choice.counts == Counts(16, 16, 0)


def test_the_order_of_candidates() -> None:
    """Ended right, then by estimate, then ended wrong, then unknown; of equals the first."""

    def open_(n_correct: int, n: int = 16) -> Candidate:
        return Candidate((1,), is_end=False, counts=Counts(n, n_correct))

    ended = [Candidate((), is_end=True, verdict=v) for v in ("correct", "incorrect", "unscored", "truncated")]
    order = [ended[0], open_(16), open_(9), open_(0), ended[1], open_(0, 0)]
    values = [candidate.value for candidate in order]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)
    assert ended[2].value == ended[3].value == ended[1].value == 0
    assert open_(0, 0).estimate is None


def test_a_missing_outcome_is_named(tmp_path: Path) -> None:
    here = world(tmp_path)
    info, search = here.engine.describe(), Search(here.prompts(1)[0])
    with pytest.raises(KeyError, match=wanted(search, PROTOCOL, info)[0].block.key):
        advance(search, {}, PROTOCOL, info)


def test_a_stopped_search_stays_as_it_is(searched: tuple[World, list[Search]]) -> None:
    here, searches = searched
    assert advance(searches[0], {}, PROTOCOL, here.engine.describe()) is searches[0]


def test_problems_are_chosen_by_hash_and_nested() -> None:
    problems = pl.DataFrame({"problem_id": [f"{i:03}" for i in range(40)], "x": range(40)})
    chosen = [set(chosen_problems(problems, changed(search_problems=n))["problem_id"]) for n in (0, 5, 9, 99)]
    assert [len(names) for names in chosen] == [0, 5, 9, 40]
    assert chosen[1] < chosen[2] < chosen[3]
    shuffled = problems.sample(fraction=1, shuffle=True, seed=1)
    assert set(chosen_problems(shuffled, changed(search_problems=5))["problem_id"]) == chosen[1]
    assert set(chosen_problems(problems, changed(search_problems=5, seed=1))["problem_id"]) != chosen[1]


def test_prefixes_are_prompt_and_chosen_chunks(searched: tuple[World, list[Search]]) -> None:
    search = searched[1][0]
    assert search.prefix(0) == search.prompt
    assert search.prefix(more=(7,)).token_ids[-1] == 7
    assert search.prefix(1).token_ids == (*search.prompt.token_ids, *search.chunks[0])
    assert replace(search, steps=search.steps[:1]).prefix() == search.prefix(1)
