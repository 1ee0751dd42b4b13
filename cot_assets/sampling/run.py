"""The loop that drives an engine over a plan and keeps what comes back.

Belongs here: sampling what is missing, progress, the cost of the run. Does not belong here: the plan
(:mod:`cot_assets.sampling.plan`), when rows become a shard (:mod:`cot_assets.sampling.batches`), engines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from cot_assets.engines.base import Block, BlockResult, Engine, EngineError, News, Sampling, Waiting, Working
from cot_assets.sampling.batches import Batch
from cot_assets.sampling.cuts import REPLACEMENT, complete_text
from cot_assets.sampling.plan import PlannedBlock, Prefix
from cot_assets.sampling.repeats import Repeats
from cot_assets.sampling.shards import ShardStore

_SUMMED = (
    "n_before", "n_total", "n_done", "n_blocks", "prompt_tokens", "generated_tokens", "seconds", "most_tokens",
)  # fmt: skip
_CONTEXT = 16  #: tokens of the prefix decoded with a completion, so that blanks at the seam are right


@dataclass
class SamplingStatus:
    """How far a run is; ``n_done`` counts rollouts of this run, ``n_before`` those found in shards.

    With ``is_open`` more may be asked for than ``n_total`` says. ``waiting_for`` says what keeps the engine
    from going on, if anything does. ``underway_tokens``: about how many were generated for unfinished blocks.
    ``most_tokens``: what is missing may have as many. ``is_audit``: rollouts are read again, none is sampled.
    """

    n_before: int
    n_total: int
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    n_done: int = 0
    n_blocks: int = 0
    underway_tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int | None = 0
    generated_tokens: int = 0
    seconds: float = 0.0
    most_tokens: int = 0
    is_open: bool = False
    is_audit: bool = False
    waiting_for: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether everything is in shards, and nothing more will be asked for."""
        return not self.is_open and self.n_before + self.n_done >= self.n_total

    @property
    def tokens(self) -> int:
        """Tokens generated in this run, those of unfinished blocks included."""
        return self.generated_tokens + self.underway_tokens

    @property
    def seconds_left(self) -> tuple[float, bool] | None:
        """How long what is missing takes, and whether that is the most it can take; None before anything came.

        By tokens: rollouts as long as those that finished, or as their budgets where none has. What is underway may
        be longer than those, so at most half of what is missing counts as there.
        """
        if self.is_finished or not self.seconds or not self.tokens:
            return None
        missing = self.n_total - self.n_before - self.n_done
        left = missing * self.generated_tokens / self.n_done if self.n_done else self.most_tokens
        return (left - min(self.underway_tokens, left / 2)) * self.seconds / self.tokens, not self.n_done

    def line(self, label: str) -> str:
        """One line on it, for logs and where there is no terminal."""
        done = self.n_before + self.n_done
        left = self.seconds_left
        ending = "" if left is None else f", {'at most ' * left[1]}{left[0]:,.0f} s left"
        rollouts, tokens = (n / self.seconds if self.seconds else 0.0 for n in (self.n_done, self.tokens))
        told = "read again" if self.is_audit else f"{self.n_before:,} found"
        return (
            f"{label}: {done:,} of {self.n_total:,} rollouts, {told}, {self.tokens:,} tokens, "
            f"{rollouts:,.{0 if rollouts >= 10 else 1}f} rollouts/s, {tokens:,.0f} tokens/s{ending}"
        )

    def followed_by(self, later: SamplingStatus, *, is_last: bool) -> SamplingStatus:
        """The sum of this run's plans so far and one more."""
        summed: dict[str, Any] = {name: getattr(self, name) + getattr(later, name) for name in _SUMMED}
        is_told = self.cached_tokens is not None and later.cached_tokens is not None
        cached = (self.cached_tokens or 0) + (later.cached_tokens or 0) if is_told else None
        return replace(later, **summed, cached_tokens=cached, started_at=self.started_at, is_open=not is_last)

    def add(self, result: BlockResult) -> None:
        """Count a finished block."""
        self.underway_tokens = max(0, self.underway_tokens - result.generated_tokens)
        self.n_done += result.block.n
        self.n_blocks += 1
        self.prompt_tokens += result.prompt_tokens
        self.generated_tokens += result.generated_tokens
        if result.cached_tokens is None or self.cached_tokens is None:
            self.cached_tokens = None
        else:
            self.cached_tokens += result.cached_tokens


Report = Callable[[SamplingStatus], None]


def _context(engine: Engine, prefix: Prefix) -> tuple[int, ...]:
    """The last tokens of a prefix, from the beginning of a character on."""
    ids = prefix.token_ids[prefix.n_prompt :]
    for size in range(_CONTEXT, _CONTEXT + 4):  # a character has at most four bytes
        if not engine.decode(ids[-size:]).startswith(REPLACEMENT):
            return ids[-size:]
    return ids


def _rows(engine: Engine, planned: PlannedBlock, result: BlockResult) -> list[dict[str, object]]:
    prefix_id = planned.prefix.prefix_id
    context = _context(engine, planned.prefix)
    head = complete_text(engine.decode, context)  # a character cut in two belongs to the completion
    rows: list[dict[str, object]] = []
    for i, completion in enumerate(result.completions):
        whole = engine.decode((*context, *completion.token_ids))
        text = whole[len(head) :] if whole.startswith(head) else engine.decode(completion.token_ids)
        rows.append(
            {
                "block_key": result.block.key,
                "sample_index": planned.first_sample + i,
                "prefix_id": prefix_id,
                "finish_reason": completion.finish_reason,
                "n_tokens": len(completion.token_ids),
                "token_ids": completion.token_ids,
                "text": text,
            }
        )
    return rows


def sample_missing(
    engine: Engine, plan: Sequence[PlannedBlock], sampling: Sampling, store: ShardStore, report: Report
) -> SamplingStatus:
    """Sample the blocks of ``plan`` that no shard holds; returns when every block is in a shard.

    A finished block is in a shard after 5,000 further rollouts or 10 seconds at most. Blocks that have come
    back when the run is interrupted are written before the interruption goes on.

    Raises:
        EngineError: The engine failed, gave back what it was not asked for, or repeated itself.
        ShardsInUseError: Another process samples the model.
        ShardWriteError: A shard cannot be written.
    """
    started = time.monotonic()
    missing, underway = set[str](), dict[str, PlannedBlock]()  # keys, and the blocks that the engine has
    status = SamplingStatus(n_before=0, n_total=sum(p.n for p in plan))

    def look() -> bool:
        known = store.index()
        missing.clear()
        status.n_before, status.most_tokens = status.n_total, 0
        for p in plan:
            if p.key not in known and p.key not in missing:
                missing.add(p.key)
                status.n_before -= p.n
                status.most_tokens += p.n * p.max_new_tokens
        report(status)
        return bool(missing)

    def blocks() -> Iterator[Block]:
        for p in plan:
            if p.key in missing:
                missing.remove(p.key)
                underway[p.key] = p
                yield p.block

    if not look():
        return status
    with store.writing():
        look()  # another process may have finished some between the look and the lock
        n_missing = len(missing)
        store.sampled_with = engine.describe().sampled_with()
        wanted = (p for p in plan if p.key in missing)
        repeats = Repeats(None if engine.describe().is_seeded else store, wanted)
        results = cast("Generator[News, None, None]", engine.sample(blocks(), sampling))
        with closing(results), Batch(store) as batch:
            for result in results:
                status.waiting_for = result.text if isinstance(result, Waiting) else None
                if isinstance(result, Working):
                    status.underway_tokens = max(status.underway_tokens, result.n_tokens)
                if not isinstance(result, BlockResult):
                    status.seconds = time.monotonic() - started
                    report(status)
                    continue
                planned = underway.pop(result.block.key, None)
                if planned is None or len(result.completions) != planned.n:
                    raise EngineError(
                        f"block {result.block.key}: {len(result.completions)} completions came back, "
                        f"{planned.n if planned else 'none'} were asked for; nothing of it is kept"
                    )
                if not sampling.is_greedy:
                    repeats.check(planned, [c.token_ids for c in result.completions])
                batch.add(_rows(engine, planned, result))
                status.add(result)
                status.seconds = time.monotonic() - started
                report(status)
        if lacking := len(missing) + len(underway):
            raise EngineError(f"{lacking:,} of {n_missing:,} blocks never came back; start again")
    return status
