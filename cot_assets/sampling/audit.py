"""Whether sampled blocks are what the model writes: which are looked at, what is done with one that is not.

Belongs here: the choice of blocks, the order of steps, rows of the table ``audits``. Does not belong here: what counts
as evidence (:mod:`cot_assets.statistics.surprise`) and how an engine reads a text again.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import nsmallest
from typing import Any

import numpy as np
import polars as pl

from cot_assets.engines.base import CannotScoreError, Completion, Engine, Sampling
from cot_assets.sampling.plan import PlannedBlock
from cot_assets.sampling.run import Report, SamplingStatus
from cot_assets.sampling.shards import ShardStore
from cot_assets.statistics.surprise import Evidence, Judgment, judge
from cot_assets.warehouse.schema import polars_schema

#: Columns of ``audits`` that are the same in all rows of a partition.
PARTITION = ("problem_set", "model", "asset", "protocol", "protocol_hash")
LEAST = 32  #: blocks of a partition that are audited, however small the share
_AT_ONCE = 256  #: blocks whose texts are in memory at a time
_KEEP_SECONDS = 30.0  #: of reading that are lost where an audit is interrupted
_NEARLY_ALL = 0.99  #: share of tokens that were judged below which it is said
_REPORT_SECONDS = 5.0  #: an audit that takes less is not told of


@dataclass(frozen=True)
class Audit:
    """Rows of ``audits`` but for the partition's columns, and what they say together.

    ``failed``: keys of blocks that are not what the model writes, even after they were sampled again. ``n_redrawn``:
    how many were set aside by this audit, and are sound now.
    """

    rows: pl.DataFrame
    judgment: Judgment
    failed: tuple[str, ...]
    n_redrawn: int

    @property
    def is_passed(self) -> bool:
        """Whether every audited block, and all of them together, are what the model writes."""
        return not self.failed and not self.judgment.is_shifted

    @property
    def judged(self) -> float:
        """The share of the tokens of whose law enough is known."""
        return int(self.rows["n_judged"].sum()) / max(1, int(self.rows["n_tokens"].sum()))

    @property
    def figures(self) -> dict[str, float | int | str]:
        """The figures behind it."""
        judgment = self.judgment
        return {
            "blocks": self.rows["block_key"].n_unique(),
            "set_aside": self.rows.filter(pl.col("verdict") == "set_aside").height,
            "failed": len(self.failed),
            "tokens": int(self.rows["n_tokens"].sum()),
            "judged": round(self.judged, 4),
            "z": judgment.z or 0.0,
            "log_e": min(judgment.log_e, 1e9),
            "limit_of_log_e": judgment.joint_limit,
        }

    @property
    def message(self) -> str:
        """One sentence on it."""
        n = self.rows.filter(pl.col("verdict") == "passed").height
        if self.failed:
            return (
                f"{len(self.failed)} blocks are not what the model writes, also when sampled again: "
                f"{', '.join(self.failed[:5])}{', ...' if len(self.failed) > 5 else ''}; see `cot-assets sql audits`. "
                "Their engine or its settings are at fault: nothing that follows is computed"
            )
        if self.judgment.is_shifted:
            return (
                f"together the {n} audited blocks are not what the model writes: they look as if sampled at "
                f"{self.judgment.temperature:.3g} times the temperature (e = 10^{self.judgment.log_e / math.log(10):.0f})"
            )
        aside = self.rows.filter(pl.col("verdict") == "set_aside")["block_key"].n_unique()
        again = f"; {aside} of them were set aside and sampled again" if aside else ""
        told = "" if self.judged > _NEARLY_ALL else (
            f". Only {self.judged:.1%} of their tokens could be judged: of the others the engine tells too little for this "
            "temperature and top-p, so that small shifts may go unseen (docs/decisions/audit.md)"
        )  # fmt: skip
        return f"{n} audited blocks are what the model writes{again}{told}"


def chosen_blocks(plan: Sequence[PlannedBlock], share: float) -> list[PlannedBlock]:
    """A share of a plan, at least :data:`LEAST` blocks: those with the smallest hashes of their keys.

    So a larger share adds blocks, and a run that is repeated looks at the same ones.
    """
    size = max(LEAST, math.ceil(share * len(plan)))
    return nsmallest(size, plan, key=lambda p: hashlib.sha256(f"audit {p.key}".encode()).digest())


def audit(
    engine: Engine,
    plan: Sequence[PlannedBlock],
    sampling: Sampling,
    store: ShardStore,
    share: float,
    known: pl.DataFrame,
    sample_again: Callable[[Sequence[PlannedBlock]], object],
    *,
    is_new: bool = True,
    report: Report = lambda _: None,
    keep: Callable[[pl.DataFrame], object] = lambda _: None,
) -> Audit:
    """Audit a share of a plan whose blocks are all in shards.

    One block that fails is a sign that there are more, so then every block is looked at. Those that fail are
    set aside and sampled again, once.

    Args:
        engine: Reads what it wrote.
        plan: All blocks of the partition.
        sampling: How they were sampled.
        store: Their shards.
        share: The least share that is looked at.
        known: Rows of ``audits`` from earlier runs; a block that passed is not read again.
        sample_again: Samples blocks that were set aside.
        is_new: Else only blocks that passed before are told of; they are read again only if their shard is another now.
        report: Told of progress, where the audit takes long.
        keep: Given the rows so far from time to time, so that an interrupted audit goes on where it was.

    Raises:
        CannotScoreError: The engine has no second pass, or nothing is known of a plan that is not new.
    """
    passed = known.filter(pl.col("verdict") == "passed").unique(["block_key", "shard"], keep="last")
    seen = {(row["block_key"], row["shard"]): row for row in passed.iter_rows(named=True)}
    ever = set(known["block_key"])
    told = {p.key for p in plan if p.key in ever}
    old = known.filter(pl.col("verdict") == "set_aside", pl.col("block_key").is_in(list(told)))
    reading = _Reading(engine, sampling, store, seen, old, len(plan), report, keep)
    chosen = {key for key, _ in seen if key in told}
    if is_new:  # those that failed in an audit that was interrupted belong to it
        chosen |= {p.key for p in chosen_blocks(plan, share)} | told
    elif not chosen:
        raise CannotScoreError("nothing was sampled here, and no audit of what is there is on record")
    judgment = reading.look([p for p in plan if p.key in chosen])
    if judgment.failed:
        reading.look([p for p in plan if p.key not in reading.found])
        failed = set(reading.set_aside())
        again = [p for p in plan if p.key in failed]
        keep(reading.rows())
        store.set_aside([p.key for p in again])
        sample_again(again)
        judgment = reading.look(again)
    still = tuple(key for key, row in reading.found.items() if row["verdict"] == "failed")
    return Audit(reading.rows(), judgment, still, len(reading.aside) - len(still))


@dataclass
class _Reading:
    """Blocks that are read again, and the rows that come of it; ``seen`` ones, by key and shard, are not read."""

    engine: Engine
    sampling: Sampling
    store: ShardStore
    seen: Mapping[tuple[str, str], dict[str, Any]]
    old: pl.DataFrame
    n_possible: int
    report: Report
    keep: Callable[[pl.DataFrame], object]
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    aside: list[dict[str, Any]] = field(default_factory=list)

    def look(self, blocks: Sequence[PlannedBlock]) -> Judgment:
        """What all blocks so far and these come to."""
        shards = self.store.index()
        new = {p.key: p for p in blocks if (p.key, shards[p.key]) not in self.seen}
        old = [p.key for p in blocks if p.key not in new]
        self.found.update((key, self.seen[key, shards[key]]) for key in old)
        status = SamplingStatus(0, sum(p.n for p in new.values()), is_audit=True)
        begun = kept = time.monotonic()
        for row in _scored(self.engine, list(new.values()), self.sampling, self.store, shards):
            self.found[row["block_key"]] = row
            now = time.monotonic()
            status.n_done += new[row["block_key"]].n
            status.generated_tokens += row["n_tokens"]
            status.seconds = now - begun
            if status.seconds > _REPORT_SECONDS:
                self.report(status)
            if now - kept > _KEEP_SECONDS:
                self._judged()
                self.keep(self.rows())
                kept = now
        return self._judged()

    def set_aside(self) -> list[str]:
        """Keys of the blocks that failed, whose rows are no longer among the found ones."""
        failed = [key for key, row in self.found.items() if row["verdict"] == "failed"]
        self.aside += [{**self.found.pop(key), "verdict": "set_aside"} for key in failed]
        return failed

    def rows(self) -> pl.DataFrame:
        """Rows of ``audits`` so far, with those of blocks that were set aside before."""
        schema = polars_schema("audits", without=PARTITION)
        rows = pl.DataFrame([*self.aside, *self.found.values()], schema)
        return pl.concat([self.old.select(*schema), rows])

    def _judged(self) -> Judgment:
        judgment = judge([_evidence(row) for row in self.found.values()], self.n_possible)
        for index, row in enumerate(self.found.values()):
            row["verdict"] = "failed" if index in judgment.failed else "passed"
        return judgment


def _scored(
    engine: Engine,
    blocks: Sequence[PlannedBlock],
    sampling: Sampling,
    store: ShardStore,
    shards: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """A row per block, verdict left out."""
    for start in range(0, len(blocks), _AT_ONCE):
        group = blocks[start : start + _AT_ONCE]
        texts: dict[str, list[Completion]] = {}
        rows = store.read([p.key for p in group]).sort("block_key", "sample_index")
        for key, ids, reason in rows.select("block_key", "token_ids", "finish_reason").iter_rows():
            texts.setdefault(key, []).append(Completion(tuple(ids), reason))
        written = ((p.block, texts[p.key]) for p in group)
        for p, evidence in zip(group, engine.score(written, sampling), strict=True):
            yield {
                "problem_id": p.prefix.problem_id,
                "prefix_id": p.prefix.prefix_id,
                "block_key": p.key,
                "shard": shards[p.key],
                "n_tokens": evidence.n_tokens,
                "n_judged": evidence.n_judged,
                "n_impossible": evidence.n_impossible,
                "z": evidence.z,
                "log_e": evidence.log_e if math.isfinite(evidence.log_e) else None,
                "excess": evidence.excess,
                "variance": evidence.variance,
                "log_ratios": evidence.log_ratios.ravel().tolist(),
                "audited_at": datetime.now(UTC).replace(tzinfo=None),
            }


def _evidence(row: Mapping[str, Any]) -> Evidence:
    """What a row was made of."""
    ratios = np.array(row["log_ratios"], np.float64).reshape(2, -1)
    return Evidence(
        row["n_tokens"], row["n_impossible"], row["excess"], row["variance"], ratios, row["n_judged"]
    )
