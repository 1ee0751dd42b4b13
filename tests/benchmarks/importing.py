"""CPU seconds of an import of 120 traces of 20 cuts, with the report and without.

    python tests/benchmarks/importing.py

Each import starts anew, in a data home of its own. As a measure of the machine the same command is timed with
``--help`` and with the definitions loaded: what an import costs beyond them is its own.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TRACES, CUTS, ROLLOUTS = 120, 20, 64
MOST = 20.0  #: CPU seconds, on an idle machine of two cores
_DEFINITIONS = ("-c", "import cot_assets.definitions")
_IMPORT = ("-m", "cot_assets.cli", "import", "rollouts")


def write(file: Path) -> None:
    """Traces of one problem each, their potentials on a random walk."""
    random.seed(7)
    lines = list[str]()
    for number in range(TRACES):
        steps = [f"Step {cut} of way {number} gives {random.randint(1, 99)}. " for cut in range(CUTS)]
        text, potential, at = "".join(steps) + "So \\boxed{5}.", random.random(), 0
        for step in steps:
            potential = min(1.0, max(0.0, potential + random.gauss(0, 0.12)))
            row = {
                "problem_id": f"p{number:03}", "statement": f"What is q{number}?", "gold_answer": "5", "trace": text,
                "cut": at, "n": ROLLOUTS, "n_correct": sum(random.random() < potential for _ in range(ROLLOUTS)),
            }  # fmt: skip
            lines.append(json.dumps(row))
            at += len(step)
    file.write_text("\n".join(lines))


def cpu_seconds(*words: str, home: str) -> float:
    """User and system time of a Python command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    variables = {**os.environ, "COT_ASSETS_HOME": home, "COT_ASSETS_REPORTS": ""}
    subprocess.run(
        [sys.executable, *words],
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print a line for each; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rollouts.jsonl"
        write(file)
        loading = cpu_seconds(*_DEFINITIONS, home=folder)
        print(f"{'loading the definitions':<30}{loading:6.1f} s CPU")
        worst = 0.0
        for number, options in enumerate((("--no-report",), ())):
            home = str(Path(folder) / f"home-{number}")
            names = ("--model", "m", "--problem-set", "s")
            seconds = cpu_seconds(*_IMPORT, str(file), *names, *options, home=home)
            worst = max(worst, seconds)
            said = " ".join(("import", *options))
            print(f"{said:<30}{seconds:6.1f} s CPU, {seconds / loading:.1f} times loading; at most {MOST:g}")
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main())
