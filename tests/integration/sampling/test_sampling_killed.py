"""Twenty kills at random moments: nothing finished is lost, nothing doubled, nothing different in the end."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from support.lab import Lab
from support.sameness import assert_same_tables

from cot_assets.problems.load import load_problems

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]  # minutes on a machine that is busy

N_KILLS, SEED = 20, 5
PAIR = MODEL, PROBLEM_SET = "demo-weak", "tiny"
CHILD = Path(__file__).with_name("engine_child.py")


def write_study(root: Path) -> Lab:
    """Two problems, the weak demo model, a few cuts of 64 rollouts."""
    lab = Lab(root)
    protocol = {
        "extends": "quick",
        "n": 64,
        "max_cuts": 8,
        "max_tokens": 150,
        "search_problems": 0,
        "traces_per_problem": 2,
    }
    problems = {"extends": "demo", "protocol": "tiny", "generator": {"per_cell": [1, 0, 0, 0]}, "limit": 2}
    lab.write(protocols={"tiny": protocol}, problem_sets={PROBLEM_SET: problems})
    return lab


class Killed:
    """A study whose sampling is started and killed again and again."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self._log, given = lab, lab.root / "sampled.log", lab.root / "given.pickle"
        self._log.touch()
        config = lab.config()
        problems = load_problems(config.problem_set(PROBLEM_SET), lab.home)
        rows = problems.select("problem_id", "prompt", "gold_answer", "answer_kind").to_dicts()
        arguments = (lab.home.shards, config.model(MODEL), config.protocol_of(PROBLEM_SET), rows)
        given.write_bytes(pickle.dumps(arguments))
        command = [sys.executable, str(CHILD), str(given), str(self._log)]
        self._starter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def close(self) -> None:
        self._starter.communicate()

    def _line(self) -> str:
        assert self._starter.stdout is not None
        return self._starter.stdout.readline().strip()

    def start(self) -> int:
        """The id of a process that samples."""
        assert self._starter.stdin is not None
        self._starter.stdin.write("start\n")
        self._starter.stdin.flush()
        return int(self._line())

    def status(self) -> int:
        """How it ended: a signal as a positive number, else an exit code as a negative one, or 0."""
        status = int(self._line())
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)

    def sampled(self) -> list[str]:
        """Keys of blocks in the order in which engines finished them, whole lines only."""
        return self._log.read_text().split("\n")[:-1]

    def in_shards(self) -> pl.DataFrame:
        files = sorted(self.lab.home.shards.rglob("*.parquet"))
        empty = pl.DataFrame(schema={"block_key": pl.String, "sample_index": pl.Int32})
        return pl.concat([empty, *(pl.read_parquet(f, columns=empty.columns) for f in files)])

    def kill_at(self, n_blocks: int, delay: float) -> None:
        """SIGKILL after so many further blocks and seconds."""
        before, deadline, child = len(self.sampled()), time.monotonic() + 60, self.start()
        while len(self.sampled()) - before < n_blocks and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        assert self.status() == signal.SIGKILL, "it ended by itself: an error, or the study is too small"


def test_sampling_killed_twenty_times_ends_in_the_same_tables(tmp_path: Path) -> None:
    rng, study = random.Random(SEED), Killed(write_study(tmp_path / "killed"))
    kept = study.in_shards()
    for _ in range(N_KILLS):
        n_logged = len(study.sampled())
        n_blocks = rng.choice([0, 1, 2, 3, 4, 4, 5])  # before the first, between shards, around a shard's end
        study.kill_at(n_blocks, rng.uniform(0, 0.02 if n_blocks else 0.5))
        now = study.in_shards()
        assert kept.join(now, on=kept.columns, how="anti").is_empty(), "a finished block was lost"
        assert not now.is_duplicated().any(), "a block is in two shards"
        assert not set(study.sampled()[n_logged:]) & set(kept["block_key"]), (
            "a block in a shard was sampled again"
        )
        kept = now
    study.start()
    assert study.status() == 0
    study.close()
    final = study.in_shards()
    assert final.height > kept.height > 0, "some blocks were found after the last kill, some were missing"
    assert not final.is_duplicated().any()

    calm = write_study(tmp_path / "calm")
    for lab in (calm, study.lab):
        lab.bring_up_to_date([PAIR], is_scripted=False)
    assert study.in_shards().height == final.height  # the pipeline found everything
    assert study.lab.table("sampling_runs").is_empty()
    assert_same_tables(study.lab.home, calm.home)
    assert set(calm.table("potentials")["n"]) == {64}
