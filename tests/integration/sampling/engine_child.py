"""The sampling of a small study on the real embedded engine, in processes that a test kills.

``python engine_child.py GIVEN LOG``: every line on the input starts a process that samples the study pickled in
GIVEN; its id is printed, and its wait status once it has ended. The processes are forks of this one, since
imports take longer than the study; so nothing here may use polars or load the engine before the fork.

Belongs here: traces, their cuts, rollouts of the prefixes. Does not belong here: when a process is killed and
what must hold then.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from cot_assets.engines.base import Block, BlockResult, Sampling, Working
from cot_assets.engines.openvino.engine import OpenVINOEngine
from cot_assets.sampling import batches
from cot_assets.sampling.plan import plan_rollouts, plan_traces, sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.sampling.tables import measured_traces, prefix_at, prompts, trace_cuts, traces_frame
from cot_assets.study import ModelEntry, Protocol

BATCH_BLOCKS = 3  #: of rollouts; a batch of traces is as many traces


class LoggedEngine(OpenVINOEngine):
    """Notes every finished block in a file before anybody else hears of it."""

    log: Path

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult | Working]:
        for result in super().sample(blocks, sampling):
            if isinstance(result, BlockResult):
                with self.log.open("a") as file:
                    file.write(f"{result.block.key}\n")
            yield result


def sample_study(
    log: Path, shards: Path, entry: ModelEntry, protocol: Protocol, rows: list[dict[str, Any]]
) -> None:
    """Sample traces and rollouts of problems as the assets ``traces`` and ``completions`` do."""
    engine = LoggedEngine(entry)
    engine.log = log
    problems, sampling = pl.DataFrame(rows), sampling_of(protocol)
    plan = plan_traces(prompts(problems, engine), protocol, engine.describe())
    store = ShardStore(shards, "trace", entry.name)
    batches.ROLLOUTS = BATCH_BLOCKS
    sample_missing(engine, plan, sampling, store, lambda _: None)
    batches.ROLLOUTS = 16 * BATCH_BLOCKS
    found = store.read([p.block.key for p in plan])
    traces = traces_frame(found, plan, engine, "tiny", entry.name, protocol)
    measured = measured_traces(traces, protocol).with_columns(answer=pl.lit(None, pl.String))
    rows = {trace["trace_id"]: trace for trace in measured.iter_rows(named=True)}
    cuts = trace_cuts(measured, problems, protocol, engine.decode).filter(~pl.col("is_end"))
    prefixes = [
        prefix_at(rows[t], position) for t, position in cuts.select("trace_id", "token_end").iter_rows()
    ]
    plan = plan_rollouts(prefixes, protocol, engine.describe())
    sample_missing(engine, plan, sampling, ShardStore(shards, "rollout", entry.name), lambda _: None)


def main(given: Path, log: Path) -> None:
    """Fork for every line on the input."""
    arguments = pickle.loads(given.read_bytes())
    print("ready", flush=True)
    for _ in sys.stdin:
        if not (child := os.fork()):
            try:
                sample_study(log, *arguments)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
