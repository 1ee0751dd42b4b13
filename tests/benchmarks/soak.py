"""A small served study, sampled and analyzed again and again in one process: does anything grow?

    python tests/benchmarks/soak.py [--hours 6] [--every 10]

By hand, best overnight: six hours say more than one. Each round loses its rollouts and the rows made of them, as a
disk might, so that the pipeline notices, samples, grades, analyzes, publishes and reports once more. A server of the
tests stands for a model. Printed are a line per ``--every`` rounds: memory, open descriptors, threads, and files and
bytes of the home with and without Dagster's history, which keeps every run until its owner deletes it. At the end the
last line is compared with the first after a tenth of the time; memory, descriptors, threads or the home's own files
that grew by more than a tenth make the exit code 1.
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
    rounds, settled_at, started, settled = 0, 0, time.monotonic(), dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        lab = study(Path(folder), server)
        while (hours := (time.monotonic() - started) / 3600) < args.hours or not settled:
            shutil.rmtree(lab.home.shards / "rollouts", ignore_errors=True)
            server.bodies.clear()
            server.headers.clear()
            done = lab.bring_up_to_date(PAIRS, is_scripted=False)
            assert done, "nothing was missing: the round measured nothing"
            rounds += 1
            if rounds % args.every == 0 or (hours >= args.hours / 10 and not settled):
                found = sizes(lab)
                if not settled and hours >= args.hours / 10:
                    settled, settled_at = found, rounds
                told = ", ".join(f"{value:,.0f} {name}" for name, value in found.items())
                print(f"{hours * 60:.0f} min, {rounds} rounds: {told}", flush=True)
        found = sizes(lab)
    server.stop()
    grown = [name for name, value in found.items() if "history" not in name and value > 1.1 * settled[name]]
    per_round = (found["MB of history"] - settled["MB of history"]) / max(1, rounds - settled_at)
    print(
        f"{rounds} rounds; Dagster's history takes about {per_round:.2f} MB a round; grown: {', '.join(grown) or 'nothing'}"
    )
    return int(bool(grown))


if __name__ == "__main__":
    sys.exit(main())
