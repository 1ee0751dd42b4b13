"""A small served study, sampled and analyzed again and again in one process: does anything grow?

    python tests/benchmarks/soak.py [--hours 6] [--every 10]

By hand, best overnight: six hours say more than one. Each round loses its rollouts and the rows made of them, as a
disk might, so that the pipeline notices, samples, grades, analyzes, publishes and reports once more. A server of the
tests stands for a model. Printed are a line per ``--every`` rounds: memory, open descriptors, threads, and files and
bytes of the home with and without Dagster's history, which keeps every run until its owner deletes it. At the end the
least of the last tenth of the time is compared with the most of the first tenth, since threads come and go; memory,
descriptors, threads or the home's own files that grew by more than a tenth make the exit code 1.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

import psutil

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from support.lab import Lab  # noqa: E402
from support.served import TinyServer  # noqa: E402
from support.vocabularies import write_tokenizer  # noqa: E402

PAIRS = [("served", "sums")]
Sizes = dict[str, float]


def study(root: Path, server: TinyServer) -> Lab:
    """Three problems and a model behind the server."""
    lab = Lab(root)
    lab.write_sums()
    folder = write_tokenizer(root / "tokenizer", "byte_level")
    lab.write(
        models={
            "served": {
                "engine": "openai",
                "endpoint": server.url,
                "path": str(folder),
                "template": "{statement}",
            }
        }
    )
    return lab


def sizes(lab: Lab) -> Sizes:
    """What might grow, by name."""
    own = psutil.Process()
    files = [file for file in lab.home.root.rglob("*") if file.is_file()]
    history = [file for file in files if file.is_relative_to(lab.home.dagster)]
    rest = set(files) - set(history)
    return {
        "MB of memory": own.memory_info().rss / 2**20,
        "descriptors": own.num_fds(),
        "threads": own.num_threads(),
        "files": len(rest),
        "MB of files": sum(file.stat().st_size for file in rest) / 2**20,
        "files of history": len(history),
        "MB of history": sum(file.stat().st_size for file in history) / 2**20,
    }


def main() -> int:
    """Run rounds until the time is up; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--every", type=int, default=10, help="rounds between two lines")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # the lab writes names of settings that have moved
    server = TinyServer()
    server.seed = 1
    server.start()
    rounds, started, found = 0, time.monotonic(), list[tuple[float, int, Sizes]]()
    early = args.hours / 10
    with tempfile.TemporaryDirectory() as folder:
        lab = study(Path(folder), server)
        while (hours := (time.monotonic() - started) / 3600) < args.hours:
            shutil.rmtree(lab.home.shards / "rollouts", ignore_errors=True)
            server.bodies.clear()
            server.headers.clear()
            done = lab.bring_up_to_date(PAIRS, is_scripted=False)
            assert done, "nothing was missing: the round measured nothing"
            rounds += 1
            if rounds % args.every == 0 or not found or hours >= args.hours - early:
                found.append((hours, rounds, sizes(lab)))
                told = ", ".join(f"{value:,.0f} {name}" for name, value in found[-1][2].items())
                print(f"{hours * 60:.0f} min, {rounds} rounds: {told}", flush=True)
    server.stop()
    (_, first, before), (_, last, after) = found[0], found[-1]
    grown = [
        name
        for name in after
        if "history" not in name
        and min(each[name] for at, _, each in found if at >= found[-1][0] - early)
        > 1.1 * max(each[name] for at, _, each in found if at <= found[0][0] + early)
    ]
    per_round = (after["MB of history"] - before["MB of history"]) / max(1, last - first)
    print(
        f"{rounds} rounds; Dagster's history takes about {per_round:.2f} MB a round; grown: {', '.join(grown) or 'nothing'}"
    )
    return int(bool(grown))


if __name__ == "__main__":
    sys.exit(main())
