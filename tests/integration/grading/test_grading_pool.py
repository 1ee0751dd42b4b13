"""The pool of workers: threads, death, replacement, start, and what a worker imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import psutil
import pytest

from cot_assets.grading import workers
from cot_assets.grading.judge import judge_rollouts
from cot_assets.grading.pool import GraderError, GraderPool

#: Needs a worker: no rule of ours adds up a series.
EASY = (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}", "expression")
SLOW = ("100000000!", "7", "expression")


def test_a_pair_over_its_time_is_unscored_and_others_are_not() -> None:
    with GraderPool(1, seconds=0.5) as pool:
        grades = [*pool.grade([EASY, SLOW, ("x+2", "2+x", "expression")]).values()]
        assert [g.verdict for g in grades] == ["correct", "unscored", "correct"]
        assert grades[1].reason == "took more than 0.5 s"


@pytest.mark.heavy
def test_wall_clock_ends_a_worker_that_uses_no_processor_time() -> None:
    with GraderPool(1, seconds=0.2) as pool:
        pool.grade([EASY])
        stopped = pool._workers[0].child
        assert stopped is not None
        os.kill(stopped, signal.SIGSTOP)
        again = (r"\sum_{k=1}^{m} k", r"\frac{m(m+1)}{2}", "expression")  # needs the worker, as EASY does
        grade = next(iter(pool.grade([again]).values()))
        assert (grade.verdict, grade.reason) == ("unscored", "took more than 0.2 s")
        assert not psutil.pid_exists(stopped)


@pytest.mark.heavy
def test_a_worker_that_dies_idle_is_replaced() -> None:
    with GraderPool(1) as pool:
        pool.grade([EASY])
        worker = pool._workers[0]
        for victim in (worker.child, worker._process.pid):  # the comparing process alone; then everything
            assert victim is not None
            os.kill(victim, signal.SIGKILL)
            time.sleep(0.2)
            assert (
                next(iter(pool.grade([(f"x+{victim}", f"{victim}+x", "expression")]).values())).verdict
                == "correct"
            )


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.heavy
def test_a_worker_that_dies_at_work_costs_one_pair(whole: bool) -> None:
    with GraderPool(1, seconds=30) as pool:
        pool.grade([EASY])
        worker = pool._workers[0]
        victim = worker._process.pid if whole else worker.child
        threading.Timer(1.0, os.kill, (victim, signal.SIGKILL)).start()
        grades = [*pool.grade([SLOW, ("x+3", "3+x", "expression")]).values()]
        assert [g.verdict for g in grades] == ["unscored", "correct"]
        assert grades[0].reason == "the comparing process was ended by signal 9"


def test_works_from_many_threads() -> None:
    """math-verify's own timeouts fail outside the main thread; here several threads share a pool."""
    with GraderPool(2) as pool, ThreadPoolExecutor(4) as threads:
        jobs = [
            threads.submit(pool.grade, [(f"x+{k}", f"{k}+x", "expression"), ("x", "y", "expression")])
            for k in range(8)
        ]
        for job in jobs:
            assert [found.verdict for found in job.result().values()] == ["correct", "incorrect"]


def test_works_beside_busy_threads_that_hold_locks() -> None:
    """As in a Dagster daemon: threads run, hold locks and import while a worker thread grades.

    A forked worker could inherit a lock that is held by a thread that does not exist in it.
    """
    stop = threading.Event()
    lock = threading.Lock()

    def churn() -> None:
        while not stop.is_set():
            with lock:
                subprocess.run([sys.executable, "-S", "-c", ""], check=False)
                json.loads(json.dumps({"a": [1] * 1000}))
            time.sleep(0.05)  # enough locks and children at any moment, without starving the grader

    background = [threading.Thread(target=churn, daemon=True) for _ in range(3)]
    for thread in background:
        thread.start()
    result: list = []
    try:
        grading = threading.Thread(
            target=lambda: result.append(
                judge_rollouts(
                    pl.DataFrame(
                        {
                            "text": [rf"\boxed{{{EASY[0]}}}", "no"],
                            "finish_reason": ["stop", "length"],
                            "gold_answer": [EASY[1], EASY[1]],
                            "answer_kind": ["expression", "expression"],
                        }
                    )
                )
            )
        )
        grading.start()
        grading.join(900)
    finally:
        stop.set()
        for thread in background:
            thread.join()
    assert result[0].verdicts["verdict"].to_list() == ["correct", "truncated"]


def test_no_process_is_left_behind() -> None:
    pool = GraderPool(2)
    pool.grade([EASY])
    processes = [psutil.Process(pid) for w in pool._workers for pid in (w._process.pid, w.child) if pid]
    assert len(processes) == 2
    pool.close()
    pool.close()
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    with pytest.raises(GraderError, match="closed"):
        pool.grade([EASY])


def test_a_worker_ends_when_its_parent_is_killed() -> None:
    code = (
        "import os, signal\n"
        "from cot_assets.grading.pool import GraderPool\n"
        "pool = GraderPool(1)\n"
        f"pool.grade([{EASY!r}])\n"
        "print(pool._workers[0]._process.pid, pool._workers[0].child, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    deadline = time.monotonic() + 60
    for pid in map(int, done.stdout.split()):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "a worker outlives its parent"
            time.sleep(0.1)


def test_a_main_module_is_not_run_again(tmp_path: Path) -> None:
    """A script without ``if __name__ == "__main__"`` is safe: multiprocessing's spawn would run it again."""
    script = tmp_path / "script.py"
    script.write_text(
        "print('once', flush=True)\n"
        "from cot_assets.grading.pool import GraderPool\n"
        "with GraderPool(1) as pool:\n"
        f"    print(pool.grade([{EASY!r}])[{EASY!r}].verdict)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["once", "correct"], done.stderr


def test_a_worker_imports_neither_dagster_nor_polars(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from cot_assets.grading import worker\n"
        "verify = worker.verify\n"
        "def judge(*pair):\n"
        "    found = sorted({'dagster', 'polars', 'duckdb', 'torch', 'scipy'} & set(sys.modules))\n"
        "    return worker.Judgement('incorrect', str(found))\n"
        "def first(*pair):\n"
        "    return judge(*pair) if pair[1] == 'what' else verify(*pair)\n"
        "worker.verify = first\n"
        "worker.main('algebra', 5.0, 2**29)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input='[1, "a", "what", "expression"]\n', capture_output=True, text=True
    )
    assert json.loads(done.stdout.splitlines()[1])[3] == "[]", done.stderr


def test_a_working_folder_cannot_replace_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sympy.py").write_text("raise RuntimeError('taken from the working folder')")
    monkeypatch.chdir(tmp_path)
    with GraderPool(1) as pool:
        assert next(iter(pool.grade([EASY]).values())).verdict == "correct"


def test_a_worker_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_BOOTSTRAP", "raise SystemExit('no sympy here')")
    with GraderPool(1) as pool, pytest.raises(GraderError, match=r"exit status 1.*no sympy here"):
        pool.grade([EASY])


def test_the_same_pairs_get_the_same_verdicts_again() -> None:
    pairs = [(f"(x+{k})^2", f"x^2+{2 * k}x+{k * k}", "expression") for k in range(30)]
    with GraderPool(1) as one, GraderPool(2) as two:
        assert one.grade(pairs) == two.grade(pairs)
