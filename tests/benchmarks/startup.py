"""CPU seconds of what people wait for: small commands, the quick demo, a run that finds everything done, a new threshold.

    python tests/benchmarks/startup.py

Data homes are made for it and removed. Small commands run three times, and the least counts: on a busy machine the same
work takes more CPU. Python may write its bytecode, as on a user's machine. Exits with 1 where a limit is passed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import cot_assets

_QUICK = ("demo", "--quick")
#: Command, most CPU seconds on an idle machine of two cores, and how often it is run.
LIMITS = (
    (_QUICK, 60.0, 1),
    (("--help",), 0.5, 3),
    (("sql", "pattern_table"), 0.5, 3),
    (("plan", "--model", "demo-strong", "--problem-set", "demo-quick"), 1.0, 3),
    (_QUICK, 3.5, 3),
)
CHANGED_LIMIT = 30.0


def cpu_seconds(command: tuple[str, ...], env: dict[str, str]) -> float:
    """User and system time of the command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = [sys.executable, "-m", "cot_assets.cli", *command]
    subprocess.run(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def told(label: str, seconds: float, limit: float) -> bool:
    """Whether the limit is passed; prints a line."""
    print(f"{label:<60}{seconds:7.2f} s CPU, at most {limit:g}", flush=True)
    return seconds > limit


def main() -> int:
    """Print a line for each command; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env["COT_ASSETS_HOME"] = str(Path(folder, "home"))
        are_slow = [
            told(" ".join(command), min(cpu_seconds(command, env) for _ in range(times)), limit)
            for command, limit, times in LIMITS
        ]
        own = Path(str(cot_assets.__file__)).with_name("study") / "protocols.toml"
        Path(folder, "protocols.toml").write_text(
            f"{own.read_text()}\n[quick.analysis]\ninsight_threshold = 0.25\n"
        )
        changed = cpu_seconds(_QUICK, {**env, "COT_ASSETS_CONFIG": folder})
        are_slow.append(told("demo --quick, a threshold changed", changed, CHANGED_LIMIT))
    return int(any(are_slow))


if __name__ == "__main__":
    sys.exit(main())
