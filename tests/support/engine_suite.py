"""What every engine must do, as tests that any engine can be put through.

A test module makes a class of it, with a fixture ``engine`` of scope "class" that loads the engine::

    class TestMine(EngineSuite):
        @pytest.fixture(scope="class")
        def engine(self) -> Iterator[Engine]: ...

Belongs here: the protocol of :mod:`cot_assets.engines.base`. Does not belong here: how one engine is
loaded and what it refuses.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

import pytest

from cot_assets.engines.base import Block, BlockResult, Completion, Engine, Sampling
from cot_assets.sampling.plan import block_seed
from cot_assets.statistics.surprise import judge
from support.auditing import RESIDUES, audited, real_blocks, sampled

SAMPLE = Sampling(temperature=1.0, top_p=1.0)
GREEDY = Sampling(temperature=0.0, top_p=1.0)
HOT = Sampling(temperature=2.0, top_p=1.0)
#: Tokens that make no sense to any model: after them, even one that is sure of itself writes many things.
PUZZLING = tuple(range(20, 60))
Results = dict[str, tuple[Completion, ...]]


def block(name: str, ids: Sequence[int], *, n: int = 16, budget: int = 24) -> Block:
    """A block whose seed is a hash of its name, as in a real plan."""
    return Block(name, tuple(ids), n, budget, block_seed(name))


def run(engine: Engine, blocks: Iterable[Block], sampling: Sampling = SAMPLE) -> list[BlockResult]:
    return [r for r in engine.sample(blocks, sampling) if isinstance(r, BlockResult)]


def completions(engine: Engine, blocks: Iterable[Block], sampling: Sampling = SAMPLE) -> Results:
    return {result.block.key: result.completions for result in run(engine, blocks, sampling)}


class EngineSuite:
    """The conformance suite; see the module for its use."""

    #: Text that the model was trained on or can read, for tokens and prompts.
    statement: ClassVar[str] = "Find the number of positive divisors of 360."
    written: ClassVar[str] = "360 = 2 * 180 + 0.\n180 = 2 * 90 + 0.\n"
    #: A text after which the model ends, with the prompt before it.
    almost_done: ClassVar[str] = "The answer is \\boxed{24}."
    #: Ids that end a completion.
    eos_token_ids: ClassVar[tuple[int, ...]] = ()
    #: Seconds that closing an iterator in mid-run may take.
    patience: ClassVar[float] = 30.0
    #: Blocks of the longest test, which is marked heavy.
    audited_blocks: ClassVar[int] = 2_000

    @pytest.fixture(scope="class")
    def engine(self) -> Iterator[Engine]:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    def prompt(self, engine: Engine) -> tuple[int, ...]:
        return engine.render_prompt(self.statement)

    def test_it_says_what_it_is(self, engine: Engine) -> None:
        info = engine.describe()
        assert isinstance(engine, Engine)
        for value in (
            info.engine,
            info.version,
            info.model_revision,
            info.dtype,
            info.quantization,
            info.device,
        ):
            assert isinstance(value, str)
            assert value
        assert engine.describe() == info

    def test_text_survives_its_tokens(self, engine: Engine) -> None:
        encoding = engine.encode(self.written)
        assert engine.decode(encoding.token_ids) == self.written
        assert len(encoding.offsets) == len(encoding.token_ids)
        assert all(0 <= start <= end <= len(self.written) for start, end in encoding.offsets)
        assert not set(encoding.token_ids) & set(self.eos_token_ids)

    def test_the_prompt_holds_the_statement_and_leaves_the_turn_open(self, engine: Engine) -> None:
        ids = engine.render_prompt(self.statement)
        assert self.statement in engine.decode(ids)
        assert ids == engine.render_prompt(self.statement)
        assert ids[-1] not in self.eos_token_ids

    def test_every_block_comes_back_once_and_whole(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        blocks = [
            block(f"whole {i}", prompt, n=n, budget=b) for i, (n, b) in enumerate([(16, 9), (1, 30), (16, 3)])
        ]
        results = run(engine, blocks)
        assert sorted(r.block.key for r in results) == [b.key for b in blocks]
        for result in results:
            assert result.block in blocks
            assert len(result.completions) == result.block.n

    def test_no_blocks_no_results(self, engine: Engine) -> None:
        assert run(engine, []) == []

    def test_the_costs_are_counted(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        for result in run(engine, [block(f"cost {i}", prompt) for i in range(3)]):
            tokens = sum(len(c.token_ids) for c in result.completions)
            stops = sum(c.finish_reason == "stop" for c in result.completions)
            assert tokens <= result.generated_tokens <= tokens + stops
            assert result.prompt_tokens == len(prompt)
            assert result.cached_tokens is None or 0 <= result.cached_tokens <= result.prompt_tokens

    def test_the_budget_is_never_exceeded(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        budgets = (1, 2, 7, 33)
        results = completions(engine, [block(f"budget {b}", prompt, budget=b) for b in budgets])
        for budget in budgets:
            for completion in results[f"budget {budget}"]:
                assert len(completion.token_ids) <= budget
                if completion.finish_reason == "length":
                    assert len(completion.token_ids) == budget
        assert {c.finish_reason for c in results["budget 1"]} == {"length"}

    def test_a_model_that_is_done_stops(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        ids = (*prompt, *engine.encode(self.written + self.almost_done).token_ids)
        reasons = Counter(c.finish_reason for c in completions(engine, [block("done", ids)])["done"])
        assert reasons["stop"] >= 12

    def test_eos_is_never_among_the_ids(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        ids = (*prompt, *engine.encode(self.written + self.almost_done).token_ids)
        results = completions(engine, [block("eos a", ids), block("eos b", prompt, budget=200)])
        found = [c for several in results.values() for c in several]
        assert self.eos_token_ids
        assert any(c.finish_reason == "stop" for c in found)
        assert not {i for c in found for i in c.token_ids} & set(self.eos_token_ids)

    def test_a_prefix_is_its_tokens(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        """The greedy continuation of any part of the greedy completion is the rest of it."""
        whole = completions(engine, [block("greedy", prompt, n=1, budget=24)], GREEDY)["greedy"][0].token_ids
        assert len(whole) > 4
        cuts = [
            block(f"greedy {cut}", (*prompt, *whole[:cut]), n=1, budget=24 - cut)
            for cut in range(1, len(whole))
        ]
        parts = completions(engine, cuts, GREEDY)
        for cut in range(1, len(whole)):
            assert parts[f"greedy {cut}"][0].token_ids == whole[cut:], f"at token {cut}"

    def test_tokens_are_taken_as_they_are(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        """Another spelling of the same text in tokens is another prefix."""
        usual = engine.encode("The answer is").token_ids
        spelled = tuple(i for letter in "The answer is" for i in engine.encode(letter).token_ids)
        assert engine.decode(spelled) == engine.decode(usual)
        assert spelled != usual
        results = run(
            engine, [block(f"spelled {k}", (*prompt, *ids)) for k, ids in enumerate((usual, spelled))]
        )
        if engine.describe().is_retokenized:
            return
        assert {r.block.key: r.prompt_tokens for r in results} == {
            "spelled 0": len(prompt) + len(usual),
            "spelled 1": len(prompt) + len(spelled),
        }

    def test_greedy_rollouts_of_a_block_are_the_same(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        found = completions(engine, [block("g16", prompt), block("g1", prompt, n=1)], GREEDY)
        assert set(found["g16"]) == set(found["g1"])

    def test_a_tiny_top_p_is_greedy(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        narrow = completions(engine, [block("narrow", prompt)], Sampling(1.0, 1e-6))["narrow"]
        greedy = completions(engine, [block("g", prompt, n=1)], GREEDY)["g"]
        assert set(narrow) == set(greedy)

    @pytest.mark.parametrize("narrow", [{"top_k": 1}, {"min_p": 0.999}])
    def test_tokens_that_are_not_likely_can_be_left_out(
        self, engine: Engine, prompt: tuple[int, ...], narrow: dict[str, Any]
    ) -> None:
        """Only the likeliest one is left, at a temperature that would choose among all."""
        found = completions(engine, [block("few", prompt)], replace(HOT, **narrow))["few"]
        assert set(found) == set(completions(engine, [block("g", prompt, n=1)], GREEDY)["g"])

    @pytest.mark.parametrize("k", [2, 5])
    def test_so_many_tokens_are_left_by_top_k(self, engine: Engine, prompt: tuple[int, ...], k: int) -> None:
        blocks = [block(f"k{k} {i}", (*prompt, *PUZZLING), budget=1) for i in range(12)]
        found = completions(engine, blocks, replace(HOT, top_k=k))
        assert len({c for several in found.values() for c in several}) == k

    def test_completions_differ_within_and_across_blocks(
        self, engine: Engine, prompt: tuple[int, ...]
    ) -> None:
        blocks = [block(f"differ {i}", (*prompt, *PUZZLING), budget=60) for i in range(6)]
        results = completions(engine, blocks, HOT)
        found = Counter(c.token_ids for several in results.values() for c in several)
        assert len(found) > 0.75 * found.total()

    def test_neighboring_seeds_do_not_share_samples(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        """Engines that number the children of a request from its seed shift samples between blocks."""
        first = block("seed", (*prompt, *PUZZLING), budget=60)
        blocks = [replace(first, key=f"seed {i}", seed=first.seed + i) for i in range(3)]
        found = Counter(c.token_ids for several in completions(engine, blocks, HOT).values() for c in several)
        assert len(found) > 0.75 * found.total()

    def test_blocks_are_samples_of_one_law(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        """First tokens of the first and the second half of a block's rollouts, and of the blocks."""
        blocks = [block(f"law {i}", (*prompt, *PUZZLING), budget=1) for i in range(40)]
        results = completions(engine, blocks)
        table = [[c.token_ids for c in results[f"law {i}"]] for i in range(40)]
        by_index = [[t for row in table for t in row[part]] for part in (slice(0, 8), slice(8, 16))]
        by_block = [[t for row in table[part] for t in row] for part in (slice(0, 20), slice(20, 40))]
        assert len(set(by_index[0])) > 1
        for one, other in (by_index, by_block):
            assert _same_law(one, other) > 1e-4

    def test_the_same_block_gives_the_same_tokens_whatever_runs_beside_it(
        self, engine: Engine, prompt: tuple[int, ...]
    ) -> None:
        if not engine.describe().is_reproducible:
            return  # it says so, and so do its rows in sampling_runs
        longer = (*prompt, *engine.encode(self.written).token_ids)
        chosen = [block("same 0", prompt, budget=80), block("same 1", longer, budget=80)]
        others = [block(f"other {i}", (prompt, longer)[i % 2], budget=10 + 3 * i) for i in range(20)]
        alone = {**completions(engine, chosen[:1]), **completions(engine, chosen[1:])}
        for around in ([*chosen, *others], [*others, *chosen[::-1]], [*others[:9], *chosen, *others[9:]]):
            beside = completions(engine, around)
            assert {b.key: beside[b.key] for b in chosen} == alone

    def test_closing_the_iterator_cancels(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        before = completions(engine, [block("again", prompt)])
        many = (block(f"many {i}", prompt, budget=200) for i in range(10_000))
        results = cast("Generator[BlockResult, None, None]", engine.sample(many, SAMPLE))
        next(results)
        started = time.monotonic()
        results.close()
        assert time.monotonic() - started < self.patience
        after = run(engine, [block("again", prompt)])
        assert [r.block.key for r in after] == ["again"]  # nothing of the canceled run comes back
        if engine.describe().is_reproducible:
            assert {r.block.key: r.completions for r in after} == before

    @pytest.mark.heavy
    def test_two_thousand_blocks_are_what_the_model_writes(self, engine: Engine) -> None:
        """Real prefixes of many lengths, all residues modulo the size of KV blocks, in the order of a plan."""
        blocks = real_blocks(engine, self.audited_blocks, budget=8)
        assert {len(b.token_ids) % RESIDUES for b in blocks} == set(range(RESIDUES))
        written = sampled(engine, blocks)
        found, judgment = audited(engine, written)
        assert judgment.failed == ()
        assert not judgment.is_shifted, judgment
        assert sum(e.n_tokens for e in found) > 8 * len(blocks)
        # And it would have seen a block of somebody else's texts.
        foreign = [(written[i][0], written[i - 7][1]) for i in range(64)]
        assert len(judge(list(engine.score(foreign, SAMPLE)), len(blocks)).failed) > 48

    def test_it_can_be_used_after_its_blocks_raised(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        def broken() -> Iterator[Block]:
            yield block("first", prompt)
            raise LookupError("no more")

        with pytest.raises(LookupError, match="no more"):
            run(engine, broken())
        assert len(run(engine, [block("second", prompt)])) == 1


def _same_law(one: Sequence[object], other: Sequence[object]) -> float:
    """P-value of a chi-square test that two samples come from one law, rare values taken together."""
    from scipy.stats import chi2_contingency

    first, second = Counter(one), Counter(other)
    common = [v for v in first | second if first[v] + second[v] >= 10]
    rows = [[c[v] for v in common] + [c.total() - sum(c[v] for v in common)] for c in (first, second)]
    columns = [i for i in range(len(rows[0])) if rows[0][i] + rows[1][i]]
    if len(columns) < 2:
        return 1.0
    return float(chi2_contingency([[row[i] for i in columns] for row in rows]).pvalue)
