"""Time of the asset ``completions`` against that of the bare engine on the same blocks.

Run from the repository root: ``python tests/benchmarks/asset_overhead.py [--n 256] [--repeat 5]``; with
``--weights FILE.gguf --n 64 --max-tokens 32 --max-cuts 2`` for a pretrained model, 64 rollouts of about 8 prefixes.

The asset is materialized through Dagster, in a data home and an instance of its own, for ``demo-strong``, or the
weights named, on a problem set of the demo; the bare engine samples the blocks of the same plan and drops what comes back. Both use
one loaded engine, which has sampled the plan once before, and take turns; before each turn of the asset the
shards of rollouts are deleted, so that it samples, decodes and writes everything. Stated are the median and the
range of the ratios of neighboring turns, in time and in CPU time (which says more where others use the machine);
and what a run pays once: the asset's fixed time (a run that finds all in shards) and that of loading.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.lab import Lab  # noqa: E402

from cot_assets.definitions import build_defs  # noqa: E402
from cot_assets.engines.base import BlockResult, Engine  # noqa: E402
from cot_assets.engines.opening import open_engine  # noqa: E402
from cot_assets.orchestration.assets.resources import Engines  # noqa: E402
from cot_assets.orchestration.runs import execute  # noqa: E402
from cot_assets.orchestration.staleness import Unit  # noqa: E402
from cot_assets.orchestration.state import ensure_partitions  # noqa: E402
from cot_assets.sampling.plan import plan_rollouts, sampling_of  # noqa: E402
from cot_assets.sampling.tables import prefixes_of  # noqa: E402
from cot_assets.study import ModelEntry  # noqa: E402
from cot_assets.warehouse.store import Warehouse  # noqa: E402

MODEL, PROBLEMS = "strong", "bench"
UNIT = Unit("evaluate_model", PROBLEMS, MODEL)


class OneEngine(Engines):
    """The resource ``engines`` with the engine that was loaded before, which outlives the run."""

    engine: ClassVar[Engine]

    def open(self, entry: ModelEntry) -> Engine:
        return self.engine

    def _close(self) -> None:
        self._loaded.clear()


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall-clock and CPU time of a call."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=256, help="rollouts per prefix")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--problems", type=int, default=1, help="per family, of level 3")
    parser.add_argument("--weights", type=Path, help="an OpenVINO folder or a GGUF file")
    parser.add_argument("--max-tokens", type=int, default=400)
    parser.add_argument("--max-cuts", type=int, default=16)
    args = parser.parse_args()
    entry = {"engine": "openvino", "path": str(args.weights.resolve())} if args.weights else None
    sampling = {"max_tokens": args.max_tokens, "max_cuts": args.max_cuts}
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        lab.write(
            models={MODEL: entry or {"extends": "demo-strong"}},
            problem_sets={
                PROBLEMS: {
                    "extends": "demo",
                    "protocol": PROBLEMS,
                    "generator": {"per_cell": [0, 0, args.problems, 0]},
                }
            },
            protocols={PROBLEMS: {"extends": "demo", "n": args.n, "traces_per_problem": 1, **sampling}},
        )
        os.environ.update(lab.variables)
        _measure(lab, args.repeat)


def _measure(lab: Lab, repeat: int) -> None:
    config = lab.config()
    started = time.perf_counter()
    engine = OneEngine.engine = open_engine(config.model(MODEL))
    loading = time.perf_counter() - started
    definitions = build_defs(resource_overrides={"engines": OneEngine()})
    with lab.instance() as instance:
        ensure_partitions(instance, [MODEL], [PROBLEMS])
        execute(definitions, instance, Unit("load_problems", PROBLEMS), assets=["problems"])
        execute(definitions, instance, UNIT, assets=["traces", "prefixes"])
        protocol = config.protocol_of(PROBLEMS)
        prefixes = prefixes_of(
            Warehouse(lab.home).read_transform("cut_traces", {"problem_set": PROBLEMS, "model": MODEL})
        )
        blocks = [p.block for p in plan_rollouts(prefixes, protocol, engine.describe())]
        tokens = 0

        def bare() -> None:
            nonlocal tokens
            tokens = 0
            for result in engine.sample(blocks, sampling_of(protocol)):
                if isinstance(result, BlockResult):
                    tokens += result.generated_tokens

        def asset() -> None:
            execute(definitions, instance, UNIT, assets=["completions"])

        bare()
        asset()
        fixed = statistics.median(seconds(asset)[0] for _ in range(3))
        turns: list[tuple[tuple[float, float], tuple[float, float]]] = []
        for _ in range(repeat):
            shutil.rmtree(lab.home.shards / "rollouts")
            turns.append((seconds(bare), seconds(asset)))
            (wall, cpu), (asset_wall, asset_cpu) = turns[-1]
            print(
                f"bare {wall:.1f} s, CPU {cpu:.1f} s; asset {asset_wall:.1f} s, CPU {asset_cpu:.1f} s",
                flush=True,
            )
        ledger = lab.table("sampling_runs", asset="completions")["generated_tokens"].unique().to_list()
        assert ledger == [tokens], f"the asset generated {ledger} tokens, the bare engine {tokens}"
    print(
        f"{16 * len(blocks):,} rollouts of {len(prefixes)} prefixes, {tokens:,} tokens, bare "
        f"{statistics.median(first[0] for first, _ in turns):.1f} s; asset against bare engine, {repeat} pairs: "
        f"time {_ratio(turns, 0)}, CPU time {_ratio(turns, 1)}; fixed {fixed:.2f} s, loading {loading:.2f} s"
    )


def _ratio(turns: list[tuple[tuple[float, float], tuple[float, float]]], which: int) -> str:
    ratios = sorted(asset[which] / bare[which] for bare, asset in turns)
    return f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"


if __name__ == "__main__":
    main()
