"""Evidence that tokens come from a law: exact means, guaranteed level, what is found."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cot_assets.engines.base import Sampling
from cot_assets.engines.samples import filters_of
from cot_assets.statistics.laws import Laws, laws_of_logits, laws_of_top
from cot_assets.statistics.surprise import (
    HEAD,
    LEVEL,
    NO_EVIDENCE,
    TILTS,
    Evidence,
    Filters,
    evidence,
    judge,
)

RNG = np.random.default_rng(20265)
FILTERS = [
    Filters(slack=1e-9),
    Filters(top_p=0.8, slack=1e-9),
    Filters(top_k=3, slack=1e-9),
    Filters(min_p=0.2, slack=1e-9),
    Filters(top_p=0.7, top_k=4, min_p=0.05, slack=1e-9),
    Filters(top_p=0.7, top_k=4, min_p=0.05, is_nucleus_first=True, slack=1e-9),
]


def filtered(p: NDArray[np.float64], filters: Filters) -> NDArray[np.float64]:
    """The law that is sampled from, computed one token after the other."""
    order = np.argsort(-p)
    kept = np.ones(len(p), bool)
    if filters.top_k:
        kept[order[filters.top_k :]] = False
    kept &= p >= filters.min_p * p.max()
    mass, base = 0.0, 1.0 if filters.is_nucleus_first else p[kept].sum()
    for token in order:
        if not filters.is_nucleus_first and not kept[token]:
            continue
        if mass >= filters.top_p:
            kept[token] = False
        mass += p[token] / base
    return np.where(kept, p, 0.0) / p[kept].sum()


def each_token(logits: NDArray[np.float64], filters: Filters, temperature: float = 1.0) -> list[Evidence]:
    """Evidence if the first token is 0, 1, 2, ..."""
    return [evidence(laws_of_logits(logits[None], [t], temperature), filters) for t in range(len(logits))]


def whole(p: object, chosen: object) -> Laws:
    """Laws of which every token is told."""
    log_p = np.atleast_2d(np.log(np.asarray(p)))
    return Laws(log_p, np.full(len(log_p), -np.inf), np.log(np.asarray(chosen)))


def drawn(laws: NDArray[np.float64], rng: np.random.Generator) -> list[int]:
    """A token of each row."""
    return [int(rng.choice(len(row), p=row)) for row in laws]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("temperature", [1.0, 0.6, 1.7])
def test_ratios_have_mean_one_and_the_excess_mean_zero(filters: Filters, temperature: float) -> None:
    for _ in range(20):
        logits = RNG.normal(scale=2.5, size=9)
        p = np.exp(logits / temperature)
        law = filtered(p / p.sum(), filters)
        found = each_token(logits, filters, temperature)
        assert [e.n_impossible for e in found] == [int(q == 0) for q in law]
        for tilt in range(len(TILTS)):
            assert sum(
                q * math.exp(e.log_ratios[1, tilt]) for q, e in zip(law, found, strict=True)
            ) == pytest.approx(1)
        assert sum(q * e.excess for q, e in zip(law, found, strict=True)) == pytest.approx(0, abs=1e-5)
        assert sum(q * e.excess**2 for q, e in zip(law, found, strict=True)) == pytest.approx(
            found[int(law.argmax())].variance, rel=1e-4, abs=1e-5
        )


def test_tokens_that_are_not_told_apart_keep_the_mean_at_one() -> None:
    logits = RNG.normal(scale=1.5, size=30)
    p = np.exp(logits) / np.exp(logits).sum()
    found = [evidence(laws_of_logits(logits[None], [t], 1.0, 4), Filters()) for t in range(30)]
    for tilt in range(len(TILTS)):
        assert sum(
            q * math.exp(e.log_ratios[1, tilt]) for q, e in zip(p, found, strict=True)
        ) == pytest.approx(1)


REACHING = [
    *FILTERS,
    Filters(top_p=0.97, slack=1e-9),
    Filters(top_k=9, slack=1e-9),
    Filters(min_p=0.01, slack=1e-9),
    Filters(top_p=0.9, top_k=9, min_p=0.01, slack=1e-9),
    Filters(top_p=0.9, top_k=9, is_nucleus_first=True, slack=1e-9),
]


def laws_told(log_p: NDArray[np.float64], token: int, temperature: float, kept: int) -> Laws:
    """The law of a token as a server tells it; ``log_p`` falls."""
    return laws_of_top([{**dict(enumerate(log_p[:kept])), token: log_p[token]}], [token], temperature, kept)


@pytest.mark.parametrize("is_served", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.6, 1.7])
@pytest.mark.parametrize("filters", REACHING, ids=str)
def test_filters_that_reach_beyond_the_told_tokens_keep_the_level(
    filters: Filters, temperature: float, is_served: bool
) -> None:
    """Also with fewer told than top-k leaves in, and where another temperature moves the nucleus."""
    kept, rng = 4, np.random.default_rng(7)
    for scale in (0.5, 1.5, 3.0):
        logits = np.sort(rng.normal(scale=scale, size=30))[::-1]
        log_p = logits - np.logaddexp.reduce(logits)
        p = np.exp(log_p / temperature)
        law = filtered(p / p.sum(), filters)
        found = {
            t: evidence(
                laws_told(log_p, t, temperature, kept)
                if is_served
                else laws_of_logits(logits[None], [t], temperature, kept),
                filters,
            )
            for t in np.flatnonzero(law).tolist()
        }
        assert sum(e.n_impossible for e in found.values()) == 0
        means = np.sum([law[t] * np.exp(e.log_ratios[1]) for t, e in found.items()], axis=0)
        assert means.max() <= 1 + 1e-5
        assert sum(law[t] * e.excess for t, e in found.items()) == pytest.approx(0, abs=1e-5)


def test_tokens_that_a_server_does_not_tell_are_still_surprising() -> None:
    log_p = -4.0 * np.log(np.arange(1, 31))
    log_p -= np.logaddexp.reduce(log_p)
    whole = NO_EVIDENCE
    for token in (9, 12, 17, 25):
        whole += evidence(laws_told(log_p, token, 0.6, 8), Filters())
    assert whole.log_e > math.log(2 * 1000 / LEVEL)


def test_fewer_told_tokens_than_asked_for_are_a_coarser_law() -> None:
    """No token counts as told for having followed alone."""
    rows = np.log([[0.5, 0.3, 0.1, 0.05], [0.6, 0.2, 0.1, 0.06]])
    told = [{**dict(enumerate(row[:3])), 3: row[3]} for row in rows]
    uneven = [told[0], {0: rows[1, 0], 1: rows[1, 1], 3: rows[1, 3]}]
    for each in (told, uneven):
        laws = laws_of_top(each, [3, 3], 1.0, 64)
        found = evidence(laws, Filters())
        p = np.exp(laws.log_rest)
        assert laws.log_p.shape == (2, min(map(len, each)) - 1)
        assert found.excess == pytest.approx(
            -np.log(p).sum() + (p * laws.log_rest).sum() + (np.exp(laws.log_p) * laws.log_p).sum()
        )


def test_few_surprising_laws_keep_the_level_where_z_does_not() -> None:
    """Tokens of a model that is nearly sure: z exceeds 5 far too often, e stays below its bound."""
    rng = np.random.default_rng(5)
    p = np.array([1 - 2e-4, 2e-4])
    found = []
    for n in range(5):
        laws = whole(np.tile(p, (40, 1)), np.where(np.arange(40) < n, p[1], p[0]))
        found.append(evidence(laws, Filters()))
    draws = rng.binomial(40, p[1], 4000)
    hits_z = sum(abs(found[n].z or 0.0) > 5 for n in draws)
    hits_e = sum(found[n].log_e >= math.log(1 / 1e-3) for n in draws)
    assert hits_z / 4000 > 100 * 5.7e-7
    assert hits_e / 4000 <= 1e-3 + 3 * math.sqrt(1e-3 / 4000)


@pytest.mark.parametrize("filters", [Filters(top_p=0.9), Filters(top_k=2), Filters(min_p=0.1)], ids=str)
def test_what_sampling_leaves_out_is_impossible_but_for_rounding(filters: Filters) -> None:
    p = np.array([0.6, 0.31, 0.05, 0.04])
    assert [evidence(whole(p, p[t : t + 1]), filters).n_impossible for t in range(4)] == [0, 0, 1, 1]
    near = np.array([0.5, 0.2, 0.199, 0.101])
    tie = Filters(top_p=0.7, slack=0.02)
    assert [evidence(whole(near, near[t : t + 1]), tie).n_impossible for t in range(4)] == [0, 0, 0, 1]
    assert evidence(whole(p, p[3:]), filters).log_e == math.inf


@pytest.mark.parametrize("temperature", [0.3, 0.6, 1.0])
def test_coarse_rounding_makes_nothing_impossible_but_a_foreign_text_is(temperature: float) -> None:
    """Two passes of a 135M model with activations of 8 bits were off by 0.55 once; 0.12 as a rule comes near it."""
    rng = np.random.default_rng(0)
    filters = filters_of(Sampling(temperature, 0.95), "int8", is_nucleus_first=True)
    logits = np.sort(rng.normal(scale=3, size=(60_000, 6)))[:, ::-1]
    sampled = np.exp((logits + rng.normal(scale=0.12, size=logits.shape)) / temperature)
    sampled /= sampled.sum(-1, keepdims=True)
    order = np.argsort(-sampled, axis=-1)
    ranked = np.take_along_axis(sampled, order, -1)
    ranked[ranked.cumsum(-1) - ranked >= 0.95] = 0.0
    below = rng.random((len(logits), 1)) * ranked.sum(-1, keepdims=True)
    tokens = order[np.arange(len(logits)), (ranked.cumsum(-1) < below).sum(-1)]
    assert evidence(laws_of_logits(logits, tokens, temperature), filters).n_impossible == 0
    foreign = laws_of_logits(logits[:200], rng.integers(0, 6, 200), temperature)
    assert evidence(foreign, filters).n_impossible > 20


@pytest.mark.parametrize(("chosen", "impossible"), [(0.7, 0), (0.695, 0), (0.2, 1)])
def test_greedy_writes_the_likeliest_or_one_as_likely(chosen: float, impossible: int) -> None:
    found = evidence(whole([0.7, 0.2], [chosen]), Filters(is_greedy=True))
    assert (found.n_tokens, found.n_impossible, found.z) == (1, impossible, None)


@pytest.mark.parametrize("temperature", [1.0, 0.6, 0.0])
def test_what_a_server_tells_gives_the_same_laws(temperature: float) -> None:
    logits = np.sort(RNG.normal(scale=4, size=(5, 60)))[:, ::-1]
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    tokens = [0, 3, 19, 2, 45]
    told = [
        {**dict(enumerate(row[:20])), token: row[token]} for row, token in zip(log_p, tokens, strict=True)
    ]
    one, other = laws_of_logits(logits, tokens, temperature, 20), laws_of_top(told, tokens, temperature, 20)
    assert np.allclose(one.log_p, other.log_p, atol=1e-3)
    assert np.allclose(one.chosen, other.chosen, atol=1e-3)
    assert np.allclose(np.exp(one.log_rest), np.exp(other.log_rest), atol=1e-3)


def sums(rng: np.random.Generator, n: int, factor: float = 1.0, length: int = 60) -> list[Evidence]:
    """Blocks of 4 completions from random laws, drawn at ``factor`` times the temperature that is claimed."""
    found: list[Evidence] = []
    for _ in range(n):
        whole = NO_EVIDENCE
        for _ in range(4):
            logits = rng.normal(scale=3, size=(length, 12))
            scaled = np.exp(logits / factor)
            tokens = drawn(scaled / scaled.sum(-1, keepdims=True), rng)
            whole += evidence(laws_of_logits(logits, tokens, 1.0), Filters())
        found.append(whole)
    return found


def test_faultless_blocks_pass() -> None:
    judgment = judge(sums(np.random.default_rng(1), 30), 1000)
    assert judgment.failed == ()
    assert not judgment.is_shifted
    assert judgment.temperature == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_another_temperature_is_found_and_named(factor: float) -> None:
    judgment = judge(sums(np.random.default_rng(2), 30, factor), 1000)
    assert judgment.is_shifted
    assert judgment.temperature == pytest.approx(factor, abs=0.1)


def test_a_block_of_foreign_texts_is_named() -> None:
    rng = np.random.default_rng(3)
    blocks = sums(rng, 10)
    blocks[4] = sums(rng, 1, factor=50.0)[0]
    judgment = judge(blocks, 1000)
    assert judgment.failed == (4,)
    assert not judgment.is_shifted  # the others are as they should be


def test_a_foreign_beginning_is_not_drowned_by_what_follows() -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(scale=4, size=(3000, 12))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    tokens = [*rng.integers(0, 12, HEAD).tolist(), *drawn(p[HEAD:], rng)]
    found = evidence(laws_of_logits(logits, tokens, 1.0), Filters())
    assert found.log_e > math.log(2 * 1000 / LEVEL)


def test_an_impossible_token_fails_its_block_only() -> None:
    bad = replace(NO_EVIDENCE, n_tokens=10, n_impossible=1, variance=1.0)
    judgment = judge([NO_EVIDENCE, bad, NO_EVIDENCE], 3)
    assert judgment.failed == (1,)
    assert not judgment.is_shifted
    assert NO_EVIDENCE.z is None


def test_equal_completions_count_as_often_as_they_were_written() -> None:
    one = sums(np.random.default_rng(6), 1)[0]
    several = one + one + one
    assert one.times(3).n_tokens == several.n_tokens
    assert np.allclose(one.times(3).log_ratios, several.log_ratios)


def test_parts_of_a_text_add_up_to_it() -> None:
    logits = np.random.default_rng(8).normal(scale=3, size=(2 * HEAD + 9, 12))
    tokens, parts = [2] * len(logits), NO_EVIDENCE
    for begin in range(0, len(logits), 13):
        rows = slice(begin, begin + 13)
        parts += evidence(laws_of_logits(logits[rows], tokens[rows], 0.8), Filters(top_p=0.9), begin)
    whole = evidence(laws_of_logits(logits, tokens, 0.8), Filters(top_p=0.9))
    assert (parts.n_tokens, parts.n_impossible) == (whole.n_tokens, whole.n_impossible)
    assert (parts.excess, parts.variance) == pytest.approx((whole.excess, whole.variance))
    assert np.allclose(parts.log_ratios, whole.log_ratios)
