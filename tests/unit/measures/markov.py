"""A language model whose potential is known exactly: a Markov chain over tokens.

The chain writes lines: every token's text ends in a newline. Its last answer counts; a rollout that ends
without one is ``no_answer``, one that runs out of budget without one is ``truncated``. Problems differ in
the token that their prompt ends with. :class:`MarkovEngine` serves the chain through the engine protocol.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from cot_assets.engines.base import (
    Block,
    BlockResult,
    CannotScoreError,
    Completion,
    Encoding,
    EngineInfo,
    Sampling,
)
from cot_assets.statistics.surprise import Evidence

EOS, GOOD, BAD, RIGHT, WRONG, FIRST_PROBLEM = 0, 1, 2, 3, 4, 5
TEXTS = ("", "so far so good\n", "a slip\n", "answer: 1\n", "answer: 0\n")
VERDICTS = ("correct", "incorrect", "no_answer", "truncated")
NONE, HIT, MISS = 0, 1, 2  # what the last answer so far is


@dataclass(frozen=True)
class MarkovChain:
    """Transition probabilities over tokens; ``starts[i]`` is P(first line is good) of problem i."""

    starts: tuple[float, ...]
    slip: float = 0.08
    recover: float = 0.15
    answer: float = 0.25
    give_up: float = 0.05

    @cached_property
    def transitions(self) -> np.ndarray:
        """Matrix of shape (tokens, 5): from any token to EOS, good, bad, right, wrong."""
        stay = 1 - self.give_up - self.recover - self.answer
        rows = [
            [1.0, 0, 0, 0, 0],
            [0.01, 0.99 - self.slip - self.answer, self.slip, self.answer * 0.95, self.answer * 0.05],
            [self.give_up, self.recover, stay, self.answer * 0.05, self.answer * 0.95],
            [0.9, 0.1, 0, 0, 0],
            [0.8, 0.1, 0.1, 0, 0],
        ]
        rows += [[0, q, 1 - q, 0, 0] for q in self.starts]
        return np.array(rows, dtype=np.float64)

    def outcomes(self, horizon: int) -> np.ndarray:
        """Exact verdict probabilities, shape (horizon + 1, tokens, 3 answers, 4 verdicts).

        Entry [r, t, a] holds after token t with last answer a and r tokens of budget left.
        """
        p = self.transitions
        table = np.zeros((horizon + 1, len(p), 3, 4))
        stop = np.zeros((3, 4))
        stop[NONE, 2] = stop[HIT, 0] = stop[MISS, 1] = 1
        table[0, :, HIT, 0] = table[0, :, MISS, 1] = table[0, :, NONE, 3] = 1
        for r in range(1, horizon + 1):
            for answer in (NONE, HIT, MISS):
                after = table[r - 1]
                following = np.stack(
                    [
                        stop[answer],
                        after[GOOD, answer],
                        after[BAD, answer],
                        after[RIGHT, HIT],
                        after[WRONG, MISS],
                    ]
                )
                table[r, :, answer] = p @ following
        return table

    def potential(self, token_ids: Sequence[int], max_new_tokens: int) -> float:
        """Exact P(correct) of prompt and prefix with so many tokens left."""
        return float(self.outcomes(max_new_tokens)[max_new_tokens, token_ids[-1], last_answer(token_ids), 0])

    def trace(self, problem: int, max_tokens: int, rng: np.random.Generator) -> tuple[list[int], str]:
        """One sampled trace (EOS not included) and its verdict."""
        tokens, token = [], FIRST_PROBLEM + problem
        while len(tokens) < max_tokens:
            token = int(rng.choice(5, p=self.transitions[token]))
            if token == EOS:
                break
            tokens.append(token)
        return tokens, verdict(tokens, is_finished=token == EOS)


def last_answer(token_ids: Sequence[int]) -> int:
    answers = [t for t in token_ids if t in (RIGHT, WRONG)]
    return NONE if not answers else HIT if answers[-1] == RIGHT else MISS


def verdict(token_ids: Sequence[int], is_finished: bool) -> str:
    return {HIT: "correct", MISS: "incorrect", NONE: "no_answer" if is_finished else "truncated"}[
        last_answer(token_ids)
    ]


class MarkovEngine:
    """The chain behind the engine protocol; the same block gives the same tokens again."""

    def __init__(self, chain: MarkovChain) -> None:
        self.chain = chain
        self.texts = (*TEXTS, *(f"problem {i}\n" for i in range(len(chain.starts))))

    def describe(self) -> EngineInfo:
        revision = hashlib.sha256(self.chain.transitions.tobytes()).hexdigest()[:12]
        return EngineInfo("markov", "1", revision, "float64", "none", "CPU")

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        return (self.texts.index(f"{statement}\n"),)

    def encode(self, text: str) -> Encoding:
        tokens, offsets, at = [], [], 0
        for line in text.splitlines(keepends=True):
            tokens.append(self.texts.index(line))
            offsets.append((at, at + len(line)))
            at += len(line)
        return Encoding(tuple(tokens), tuple(offsets))

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        return "".join(self.texts[t] for t in token_ids)

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        if sampling != Sampling(1.0, 1.0):
            raise ValueError(f"the Markov engine samples at temperature 1 and top_p 1, not {sampling}")
        cumulative = self.chain.transitions.cumsum(axis=1)
        for block in blocks:
            rng = np.random.default_rng(block.seed)
            state = np.full(block.n, block.token_ids[-1])
            steps = np.zeros((block.n, block.max_new_tokens), dtype=np.int64)
            for step in range(block.max_new_tokens):
                following = (rng.random(block.n)[:, None] > cumulative[state]).sum(axis=1)
                state = np.where(state == EOS, EOS, np.minimum(following, 4))
                steps[:, step] = state
                if not state.any():
                    break
            completions = []
            for row in steps:
                length = int(np.argmin(row != EOS)) if (row == EOS).any() else block.max_new_tokens
                reason = "stop" if length < block.max_new_tokens else "length"
                completions.append(Completion(tuple(row[:length].tolist()), reason))
            generated = sum(len(c.token_ids) for c in completions)
            yield BlockResult(block, tuple(completions), len(block.token_ids), None, generated)

    def score(self, written: Iterable[object], sampling: Sampling) -> Iterator[Evidence]:
        raise CannotScoreError("the Markov engine has no second pass")

    def close(self) -> None:
        return None


def prompt_mismatch(chain: MarkovChain, strength: float) -> MarkovChain:
    """The chain under another prompt: P(first line is good) goes that share of the way to 0.2."""
    return replace(chain, starts=tuple(q + strength * (0.2 - q) for q in chain.starts))


def stopping_values(
    chain: MarkovChain,
    rng: np.random.Generator,
    *,
    traces: int = 1,
    n: int = 64,
    max_tokens: int = 12,
    positions: Sequence[int] = (1, 2, 3, 4, 5, 6, 7, 8),
    defect: str | None = None,
    strength: float = 1.0,
    measured: int | None = None,
) -> pl.DataFrame:
    """The frame of the martingale test for this chain, with one of three defects planted or none.

    ``template``: rollouts of the empty CoT see a prompt after which the first line is mostly a slip.
    ``budget``: every rollout gets the whole budget. ``no_answer``: rollouts that end without an answer are
    dropped. A ``strength`` below 1 goes that share of the way from sound to broken. Only the first
    ``measured`` traces of a problem have a curve (default: all), of the others the verdict is known.
    """
    table = chain.outcomes(max_tokens)
    other = prompt_mismatch(chain, strength).outcomes(max_tokens)
    drawn: dict[tuple[int, ...], tuple[int, int]] = {}

    def rollouts(prompt: int, tokens: tuple[int, ...]) -> tuple[int, int]:
        key = (prompt, *tokens)
        if key not in drawn:
            spare = round(strength * len(tokens)) if defect == "budget" else 0
            left = max_tokens - len(tokens) + spare
            source = other if defect == "template" and not tokens else table
            p = source[left, key[-1], last_answer(tokens)]
            counts = rng.multinomial(n, p / p.sum())
            dropped = int(rng.binomial(counts[2], strength)) if defect == "no_answer" else 0
            drawn[key] = (max(1, n - dropped), int(counts[0]))
        return drawn[key]

    rows = []
    for problem in range(len(chain.starts)):
        prompt = FIRST_PROBLEM + problem
        for t in range(traces):
            tokens, outcome = chain.trace(problem, max_tokens, rng)
            for position in (0, *positions) if measured is None or t < measured else (0,):
                prefix = tuple(tokens[:position])
                # At the whole budget nothing is left to sample: the trace has ended.
                ended = position > len(tokens) or position >= max_tokens
                count = (None, None) if ended else rollouts(prompt, prefix)
                rows.append(
                    {
                        "problem_id": f"p{problem}",
                        "trace_id": f"p{problem}-{t}",
                        "is_correct": outcome == "correct",
                        "position": position,
                        "prefix_id": f"{problem}:{prefix}",
                        "has_ended": ended,
                        "n": count[0],
                        "n_correct": count[1],
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)
