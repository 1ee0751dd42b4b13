"""The exactly solvable model, and what estimates and intervals make of it."""

import numpy as np
import pytest
from markov import BAD, EOS, FIRST_PROBLEM, GOOD, RIGHT, WRONG, MarkovChain, MarkovEngine, verdict

from cot_assets.engines.base import Block, Engine, Sampling
from cot_assets.statistics.estimates import jeffreys_interval

PLAIN = Sampling(1.0, 1.0)
CHAIN = MarkovChain(starts=(0.9, 0.5, 0.1))


def block(token_ids, *, n=64, max_new_tokens=12, seed=1):
    return Block("key", tuple(token_ids), n, max_new_tokens, seed)


def verdicts(engine, request):
    (result,) = engine.sample([request], PLAIN)
    return [
        verdict((*request.token_ids, *c.token_ids), c.finish_reason == "stop") for c in result.completions
    ]


def test_the_engine_follows_the_protocol():
    engine = MarkovEngine(CHAIN)
    assert isinstance(engine, Engine)
    prompt = engine.render_prompt("problem 1")
    (result,) = engine.sample([block(prompt, n=16)], PLAIN)
    assert len(result.completions) == 16
    assert result.generated_tokens == sum(len(c.token_ids) for c in result.completions)
    for completion in result.completions:
        assert EOS not in completion.token_ids
        assert (completion.finish_reason == "length") == (len(completion.token_ids) == 12)
        assert engine.encode(engine.decode(completion.token_ids)).token_ids == completion.token_ids
    with pytest.raises(ValueError, match="temperature"):
        next(engine.sample([block(prompt)], Sampling(0.6, 0.95)))


def test_a_block_is_a_function_of_its_seed():
    engine, prompt = MarkovEngine(CHAIN), (FIRST_PROBLEM,)
    first, again, other = engine.sample([block(prompt), block(prompt), block(prompt, seed=2)], PLAIN)
    assert first.completions == again.completions
    assert first.completions != other.completions


def test_exact_values_by_hand():
    # One token left after a good line: answer right (0.25 * 0.95) or not.
    assert CHAIN.potential([FIRST_PROBLEM, GOOD], 1) == pytest.approx(0.25 * 0.95)
    assert CHAIN.potential([FIRST_PROBLEM, GOOD], 0) == 0
    assert CHAIN.potential([FIRST_PROBLEM, RIGHT], 0) == 1
    assert CHAIN.potential([FIRST_PROBLEM, RIGHT, GOOD, WRONG], 0) == 0
    # From the prompt with two tokens: good (0.9) and right, or bad (0.1) and right by luck.
    assert CHAIN.potential([FIRST_PROBLEM], 2) == pytest.approx(0.9 * 0.25 * 0.95 + 0.1 * 0.25 * 0.05)


def test_exact_values_are_a_martingale():
    table = CHAIN.outcomes(12)
    np.testing.assert_allclose(table.sum(axis=-1), 1)
    for tokens in ([FIRST_PROBLEM], [FIRST_PROBLEM, BAD], [FIRST_PROBLEM, GOOD, WRONG]):
        p = CHAIN.transitions[tokens[-1]]
        following = sum(p[t] * CHAIN.potential([*tokens, t], 11) for t in (GOOD, BAD, RIGHT, WRONG))
        ended = p[EOS] * CHAIN.potential(tokens, 0)
        assert CHAIN.potential(tokens, 12) == pytest.approx(following + ended)


def test_estimates_converge_to_the_exact_values():
    engine = MarkovEngine(CHAIN)
    for tokens, left in (((FIRST_PROBLEM + 1,), 12), ((FIRST_PROBLEM, BAD), 11), ((FIRST_PROBLEM, GOOD), 3)):
        exact = CHAIN.outcomes(left)[left, tokens[-1], 0]
        for n, tolerance in ((256, 4 * 0.5 / 16), (16384, 4 * 0.5 / 128)):
            seen = verdicts(engine, block(tokens, n=n, max_new_tokens=left, seed=n))
            shares = [seen.count(v) / n for v in ("correct", "incorrect", "no_answer", "truncated")]
            np.testing.assert_allclose(shares, exact, atol=tolerance)


def test_intervals_cover_the_exact_values():
    engine, covered, total = MarkovEngine(CHAIN), 0, 0
    for start in range(3):
        for prefix in ((), (GOOD,), (BAD,), (GOOD, GOOD, BAD)):
            tokens, left = (FIRST_PROBLEM + start, *prefix), 12 - len(prefix)
            exact = CHAIN.potential(tokens, left)
            for seed in range(60):
                seen = verdicts(engine, block(tokens, max_new_tokens=left, seed=1000 * start + seed))
                low, high = jeffreys_interval(seen.count("correct"), 64)
                covered += bool(low <= exact <= high)
                total += 1
    # 720 intervals: 95% with a standard error of 0.8%, and Jeffreys wanders by about 2% with p.
    assert covered / total == pytest.approx(0.95, abs=0.03)
