"""CPU seconds of the commands that do little: help, a question, a plan, a run that finds everything done.

    COT_ASSETS_HOME=HOME python tests/benchmarks/startup.py

HOME holds a finished `cot-assets demo --quick`; nothing is sampled. Each command runs three times, and the least
counts: on a busy machine the same work takes more CPU. Exits with 1 where a limit is passed.
"""

from __future__ import annotations

import resource
import subprocess
import sys

#: Most CPU seconds by command, on an idle machine of two cores.
LIMITS = {
    ("--help",): 0.5,
    ("sql", "pattern_table"): 0.5,
    ("plan", "--model", "demo-strong", "--problem-set", "demo-quick"): 1.5,
    ("demo", "--quick"): 5.0,
}


def cpu_seconds(command: tuple[str, ...]) -> float:
    """User and system time of the command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "cot_assets.cli", *command], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print a line for each command; returns the exit code."""
    is_slow = False
    for command, limit in LIMITS.items():
        seconds = min(cpu_seconds(command) for _ in range(3))
        is_slow |= seconds > limit
        print(f"{' '.join(command):<60}{seconds:6.2f} s CPU, at most {limit:g}")
    return int(is_slow)


if __name__ == "__main__":
    sys.exit(main())
