"""Evidence of copies: an exact mean, and what is found."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest

from cot_assets.engines.base import Completion, Sampling
from cot_assets.engines.samples import evidence_told, filters_of
from cot_assets.statistics.copies import THETAS, log_copies, of_block
from cot_assets.statistics.surprise import NO_EVIDENCE, Evidence, judge

EOS = (0,)


def told(n_tokens: int, law: dict[int, float], sampling: Sampling, tokens: tuple[int, ...]) -> Evidence:
    """Evidence on a completion each of whose tokens has the same law, as a server tells its likeliest."""
    rows = [{token: math.log(p) for token, p in law.items()} for _ in range(n_tokens + 1)]
    filters = filters_of(sampling, "f32", is_nucleus_first=False)
    return evidence_told(rows, Completion(tokens, "length"), EOS, sampling, filters, len(law))


@pytest.mark.parametrize("theta", THETAS)
@pytest.mark.parametrize("law", [(0.7, 0.2, 0.1), (0.98, 0.01, 0.01), (1.0,)])
def test_the_mean_is_one_under_the_law(law: tuple[float, ...], theta: float) -> None:
    mean = 0.0
    for block in product(range(len(law)), repeat=5):
        counts = [(n, math.log(law[x])) for x, n in Counter(block).items()]
        mean += math.prod(law[x] for x in block) * math.exp(log_copies(counts, theta))
    assert mean == pytest.approx(1)


def test_probabilities_that_are_too_large_are_on_the_safe_side() -> None:
    counts = [(4, -5.0), (1, -1.0)]
    assert log_copies([(n, log_p + 1) for n, log_p in counts if log_p < -1] + counts[1:], 16.0) < log_copies(
        counts, 16.0
    )


@pytest.mark.parametrize("sampling", [Sampling(1.0, 1.0), Sampling(0.6, 0.95), Sampling(1.5, 0.9)], ids=str)
def test_few_texts_in_turn_fail_where_draws_pass(sampling: Sampling) -> None:
    """Texts as likely as any: token by token there is nothing to see."""
    rng, law = np.random.default_rng(3), dict.fromkeys(range(1, 5), 1 / 4)
    for pool, fails in ((16, False), (4, True), (1, True)):
        texts = [tuple(map(int, rng.integers(1, 5, size=20))) for _ in range(pool)]
        counts = Counter(texts[i % pool] for i in range(16))
        blocks = [of_block((told(20, law, sampling, text), n) for text, n in counts.items())] * 2
        assert (len(judge(blocks, 2).failed) == 2) == fails, pool


def test_copies_of_what_nothing_else_could_follow_are_no_evidence() -> None:
    certain = of_block([(told(20, {1: 1 - 1e-9, 2: 1e-9}, Sampling(1.0, 1.0), (1,) * 20), 16)])
    assert -0.2 < certain.log_e < 0


def test_what_is_not_told_is_not_judged() -> None:
    """At a high temperature what a server leaves out may be much, and then top-p hangs on it."""
    law = {1: 0.5, 2: 0.3}
    assert told(8, law, Sampling(1.5, 0.5), (1,) * 8).n_judged == 0
    assert told(8, law, Sampling(1.0, 1.0), (1,) * 8).n_judged == 8
    unknown = evidence_told(
        [{}] * 9, Completion((1,) * 8, "stop"), EOS, Sampling(1.0, 1.0), filters_of(Sampling(1.0, 1.0), "f32", is_nucleus_first=False)
    )  # fmt: skip
    assert (unknown.n_tokens, unknown.n_judged) == (9, 0)
    assert of_block([(unknown, 2)]).n_tokens == 18
    assert of_block([]).log_e == NO_EVIDENCE.log_e == pytest.approx(0)
