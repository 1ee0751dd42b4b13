"""What is the same work and what is not: keys and seeds of blocks, and plans made of them."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cot_assets.engines.base import EngineInfo, Sampling
from cot_assets.sampling.plan import (
    PlannedBlock,
    Prefix,
    block_key,
    block_seed,
    cut_by_context,
    plan_rollouts,
    plan_traces,
    prefix_id,
)
from cot_assets.study import Protocol

INFO = EngineInfo("openvino", "1.0", "revision", "f32", "none", "CPU")
PROTOCOL = Protocol(name="p", n=64, max_tokens=100, temperature=1.0, top_p=1.0, traces_per_problem=2)
ONE_BLOCK = PROTOCOL.model_copy(update={"n": 16})
PROMPT = Prefix("one", (1, 2, 3), 3)


def key(**changes: Any) -> str:
    """The key of a block that differs from a fixed one in what is named."""
    given: dict[str, Any] = {
        "info": INFO, "prefix": prefix_id((1, 2, 3)), "sampling": Sampling(1.0, 0.9), "max_new_tokens": 50,
        "index": 0, "purpose": "rollout", "seed": 0, **changes,
    }  # fmt: skip
    return block_key(
        given["info"], given["prefix"], given["sampling"], given["max_new_tokens"], given["index"],
        purpose=given["purpose"], seed=given["seed"],
    )  # fmt: skip


def keys(plan: list[PlannedBlock]) -> list[str]:
    return [planned.block.key for planned in plan]


DIFFERENT: dict[str, dict[str, Any]] = {
    "engine": {"info": replace(INFO, engine="vllm")},
    "revision": {"info": replace(INFO, model_revision="another")},
    "dtype": {"info": replace(INFO, dtype="bf16")},
    "quantization": {"info": replace(INFO, quantization="int8")},
    "prefix": {"prefix": prefix_id((1, 2, 4))},
    "temperature": {"sampling": Sampling(0.6, 0.9)},
    "top_p": {"sampling": Sampling(1.0, 1.0)},
    "budget": {"max_new_tokens": 51},
    "index": {"index": 1},
    "purpose": {"purpose": "trace"},
    "seed": {"seed": 1},
    "text": {"info": replace(INFO, is_retokenized=True)},
}


def test_a_key_changes_with_each_ingredient() -> None:
    found = {name: key(**changes) for name, changes in DIFFERENT.items()} | {"nothing": key()}
    assert len(set(found.values())) == len(found)
    assert key() == key()


@pytest.mark.parametrize(
    "changes",
    [{"version": "2.0"}, {"device": "GPU"}, {"is_reproducible": False}],
    ids=lambda c: next(iter(c)),
)
def test_an_upgrade_or_another_device_discards_nothing(changes: dict[str, Any]) -> None:
    assert key(info=replace(INFO, **changes)) == key()


def test_a_prefix_is_its_token_ids_in_order() -> None:
    ids = [(), (0,), (0, 0), (1, 2), (2, 1), (1, 2, 3), (12,), (1 << 20,), (2**31,)]
    assert len({prefix_id(i) for i in ids}) == len(ids)
    assert prefix_id([1, 2]) == prefix_id((1, 2))
    assert len(prefix_id((1,))) == 32


def test_seeds_have_64_bits_and_do_not_meet() -> None:
    seeds = [block_seed(key(index=i)) for i in range(5_000)]
    assert len(set(seeds)) == len(seeds)
    assert len({seed % 2**63 for seed in seeds}) == len(seeds)  # an engine may drop the highest bit
    assert all(0 <= seed < 2**64 for seed in seeds)
    for bit in range(64):  # each is set about half of the time: 8 standard deviations
        assert abs(sum(seed >> bit & 1 for seed in seeds) - 2_500) < 8 * (5_000 / 4) ** 0.5
    neighbors = {b - a for a, b in pairwise(seeds)}
    assert min(map(abs, neighbors)) > 1_000  # engines number the children of a request from its seed


def test_a_larger_n_adds_blocks_only() -> None:
    small = plan_rollouts([PROMPT], PROTOCOL, INFO)
    large = plan_rollouts([PROMPT], PROTOCOL.model_copy(update={"n": 128}), INFO)
    assert (len(small), len(large)) == (4, 8)
    assert keys(large)[:4] == keys(small)
    assert [p.first_sample for p in large] == [16 * i for i in range(8)]
    assert all(p.block.n == 16 for p in large)


def test_the_bare_problem_may_get_more_rollouts_than_what_continues_it() -> None:
    given = Prefix("one", (1, 2, 3, 4), 3)
    more = ONE_BLOCK.model_copy(update={"bare_n": 48})
    plan = plan_rollouts([PROMPT, given], more, INFO)
    assert [(p.prefix.end, p.first_sample) for p in plan] == [(3, 0), (3, 16), (3, 32), (4, 0)]
    assert {*keys(plan_rollouts([PROMPT, given], ONE_BLOCK, INFO))} < {*keys(plan)}


def test_more_traces_add_blocks_only() -> None:
    small = plan_traces([PROMPT], PROTOCOL, INFO)
    large = plan_traces([PROMPT], PROTOCOL.model_copy(update={"traces_per_problem": 5}), INFO)
    assert keys(large)[:2] == keys(small)
    assert [(p.block.n, p.first_sample) for p in large] == [(1, i) for i in range(5)]


def test_traces_share_no_block_with_rollouts_of_the_empty_prefix() -> None:
    """The martingale check compares the two: they must be independent samples."""
    traces, rollouts = plan_traces([PROMPT], PROTOCOL, INFO), plan_rollouts([PROMPT], PROTOCOL, INFO)
    assert traces[0].prefix.prefix_id == rollouts[0].prefix.prefix_id
    assert not set(keys(traces)) & set(keys(rollouts))
    assert not {p.block.seed for p in traces} & {p.block.seed for p in rollouts}


def test_cut_0_is_sampled_once_however_many_traces_share_it() -> None:
    traces = [Prefix("one", (1, 2, 3), 3), Prefix("one", (1, 2, 3, 7), 3)] * 3
    plan = plan_rollouts(traces, PROTOCOL, INFO)
    assert len(plan) == 2 * 4
    assert len(set(keys(plan))) == len(plan)


@pytest.mark.parametrize(
    "changes",
    [
        {"max_cuts": 3}, {"cut_policy": "lines"}, {"traces_per_problem": 9}, {"measured": "all"},
        {"insight_threshold": 0.5}, {"transfer_fractions": (0.0,)}, {"name": "another"},
    ],
    ids=lambda c: next(iter(c)),
)  # fmt: skip
def test_numbers_that_do_not_touch_a_rollout_reuse_it(changes: dict[str, Any]) -> None:
    changed = PROTOCOL.model_copy(update=changes)
    assert keys(plan_rollouts([PROMPT], changed, INFO)) == keys(plan_rollouts([PROMPT], PROTOCOL, INFO))


@pytest.mark.parametrize(
    "changes",
    [{"temperature": 0.5}, {"top_p": 0.5}, {"max_tokens": 99}, {"seed": 1}],
    ids=lambda c: next(iter(c)),
)
def test_numbers_that_touch_a_rollout_reuse_nothing(changes: dict[str, Any]) -> None:
    changed = PROTOCOL.model_copy(update=changes)
    for plan in (plan_rollouts, plan_traces):
        assert not set(keys(plan([PROMPT], changed, INFO))) & set(keys(plan([PROMPT], PROTOCOL, INFO)))


def test_a_prefix_is_followed_by_those_that_continue_it() -> None:
    prompts = [(1, 2), (1, 2, 5), (1, 2, 5, 9), (1, 2, 6), (3, 4)]
    shuffled = [Prefix("p", ids, 2) for ids in (prompts[3], prompts[0], prompts[4], prompts[2], prompts[1])]
    plan = plan_rollouts(shuffled, PROTOCOL.model_copy(update={"n": 16}), INFO)
    assert [p.block.token_ids for p in plan] == prompts


def test_prefixes_of_traces_are_sorted_by_token_ids() -> None:
    """Also where a trace is cut in the middle of what it shares with another one that is not cut there."""
    rng = random.Random(1)
    for _ in range(200):
        traces = [rng.choices(range(3), k=rng.randint(1, 6)) for _ in range(rng.randint(1, 5))]
        cuts = [(t, rng.randint(1, len(t))) for t in traces for _ in range(3)]
        plan = plan_rollouts([Prefix("p", np.array(t, np.int32), 1, end) for t, end in cuts], ONE_BLOCK, INFO)
        assert [p.block.token_ids for p in plan] == sorted({tuple(t[:end]) for t, end in cuts})


def test_a_plan_is_read_like_a_list_of_blocks() -> None:
    plan = plan_rollouts([PROMPT, Prefix("one", (1, 2, 3, 7), 3)], PROTOCOL, INFO)
    whole = [*plan]
    assert (len(whole), plan[0], plan[-1], plan[2:5]) == (8, whole[0], whole[7], whole[2:5])
    assert [p.first_sample for p in plan] == [0, 16, 32, 48] * 2
    with pytest.raises(IndexError):
        plan[8]
    assert not [*plan_rollouts([], PROTOCOL, INFO)]


def test_a_rollout_gets_the_budget_that_the_prefix_has_left() -> None:
    plan = plan_rollouts([PROMPT, Prefix("one", (1, 2, 3, *range(40)), 3)], PROTOCOL, INFO)
    assert {p.block.max_new_tokens for p in plan} == {100, 60}
    assert plan_traces([PROMPT], PROTOCOL, INFO)[0].block.max_new_tokens == 100


def test_a_prefix_without_budget_is_refused_with_a_way_out() -> None:
    spent = Prefix("problem 7", tuple(range(103)), 3)
    with pytest.raises(ValueError, match=r"'problem 7'.*max_tokens = 100.*protocols.toml"):
        plan_rollouts([spent], PROTOCOL, INFO)


def test_a_setting_of_the_engine_that_changes_probabilities_reuses_nothing() -> None:
    """Rollouts sampled with a prefix cache must not pass for those sampled without."""
    cached = replace(INFO, settings='{"enable_prefix_caching": true}')
    assert not set(keys(plan_rollouts([PROMPT], PROTOCOL, cached))) & set(
        keys(plan_rollouts([PROMPT], PROTOCOL, INFO))
    )


@pytest.mark.parametrize(
    ("context", "n_prefix", "budget"),
    [(None, 50, 60), (200, 50, 60), (110, 50, 60), (100, 50, 50), (50, 50, 0), (9, 50, 0)],
)
def test_a_budget_is_cut_to_what_the_context_leaves(context: int | None, n_prefix: int, budget: int) -> None:
    """And a block that is cut is another one than with a larger context."""
    prefix = Prefix("p", tuple(range(n_prefix)), 10)
    (planned,) = plan_rollouts(
        [prefix], PROTOCOL.model_copy(update={"n": 16}), replace(INFO, context=context)
    )
    (uncut,) = plan_rollouts([prefix], PROTOCOL.model_copy(update={"n": 16}), INFO)
    assert planned.block.max_new_tokens == budget
    assert (planned.block.key == uncut.block.key) == (budget == 60)


def test_a_greedy_protocol_plans_one_completion_of_a_prefix() -> None:
    greedy = PROTOCOL.model_copy(update={"n": 1, "temperature": 0.0})
    assert [p.block.n for p in plan_rollouts([Prefix("p", (1, 2), 2)], greedy, INFO)] == [1]


def test_prefixes_that_the_context_cuts_short_are_told() -> None:
    prefixes = [Prefix("p", tuple(range(n)), n_prompt) for n, n_prompt in ((10, 5), (40, 30), (60, 55))]
    for context, expected in ((None, []), (200, []), (150, [60]), (120, [40, 60]), (20, [10, 40, 60])):
        info = replace(INFO, context=context)
        cut = cut_by_context(plan_rollouts(prefixes, PROTOCOL, info), info)
        assert cut == {p.prefix_id for p in prefixes if len(p.token_ids) in expected}, context
