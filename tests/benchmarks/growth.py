"""CPU seconds and memory where something is large or many: cuts, characters, registry entries; and of the least study.

    python tests/benchmarks/growth.py [CASE...]

By hand. Each case runs one command in a home of its own. Seconds are of user and system, the command's children
included; on a machine that is busy elsewhere the same work takes up to twice as many. Python's bytecode counts: where
``PYTHONDONTWRITEBYTECODE`` is set and packages were installed without ``--compile-bytecode``, every command compiles
what it imports, which takes five to ten seconds.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SEED = 1
_WORDS = ("so", "we", "have", "x = 3", "then", "the", "sum", "is", "wait,", "12", "hence", "4 + 5.")
Command = list[str]


def _import(folder: Path, *, characters: int, cuts: int) -> Command:
    """Counts of a trace, a walk between 0 and 1, as a file to import."""
    rng = random.Random(SEED)
    text = " ".join(rng.choices(_WORDS, k=characters))[:characters] + " \\boxed{7}"
    potential, n = 0.3, 32
    shared = {"problem_id": "sum", "statement": "What is 3 + 4?", "gold_answer": "7", "trace_id": "only"}
    file = folder / "counts.jsonl"
    with file.open("w") as out:
        for number, cut in enumerate([0, *sorted(rng.sample(range(1, characters), cuts - 1))]):
            potential = min(max(potential + rng.gauss(0, 0.08), 0.02), 0.98)
            k = sum(rng.random() < potential for _ in range(n))
            row = {**shared, "trace": text if number == 0 else None, "cut": cut, "n": n, "n_correct": k}
            out.write(json.dumps(row) + "\n")
    return ["import", "rollouts", str(file), "--model", "theirs", "--problem-set", "theirs"]


def _two_problems(folder: Path) -> Command:
    (folder / "protocols.toml").write_text('[two]\nextends = "quick"\n[two.sampling]\nn = 16\nmax_cuts = 4\n')
    (folder / "problem_sets.toml").write_text('[two]\nextends = "demo"\nprotocol = "two"\nlimit = 2\n')
    return ["run", "--model", "demo-weak", "--problem-set", "two"]


def _idle(folder: Path) -> Command:
    """A study that is done, beside 500 entries of the registry that list its problem set."""
    command = _two_problems(folder)
    _run(folder, command)
    entries = (f'[m{i}]\nextends = "demo-weak"\nproblem_sets = ["two"]\n' for i in range(500))
    (folder / "models.toml").write_text("".join(entries))
    return command


#: Command by case; what it needs is made before, uncounted.
CASES: dict[str, Callable[[Path], Command]] = {
    "a trace of 5,000 cuts": lambda folder: _import(folder, characters=60_000, cuts=5_000),
    "a trace of 206,000 characters": lambda folder: _import(folder, characters=206_000, cuts=60),
    "a study of two problems": _two_problems,
    "nothing to do, 500 entries": _idle,
}


def _run(folder: Path, command: Command) -> tuple[float, float]:
    """CPU seconds and MB of a command."""
    env = {**os.environ, "COT_ASSETS_HOME": str(folder / "home"), "COT_ASSETS_CONFIG": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", "cot_assets.cli", *command],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, said
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Print a line for each case."""
    for case in sys.argv[1:] or CASES:
        with tempfile.TemporaryDirectory() as folder:
            seconds, memory = _run(Path(folder), CASES[case](Path(folder)))
        print(f"{case:<40}{seconds:6.1f} s of CPU{memory:8,.0f} MB", flush=True)


if __name__ == "__main__":
    main()
