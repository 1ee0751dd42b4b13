"""Answers that attack the grader: a verdict or ``unscored`` within the bounds, and nothing is executed."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cot_assets.grading.pool import GraderPool
from cot_assets.grading.text.extract import extract_answer

NESTED = "(" * 20 + "1" + ")" * 20 + "+x"
HOSTILE = [
    r"9^{9^{9^{9}}}", r"9^{9^{9^9}}+1", "100000000!", "((10!)!)!", r"\binom{10^{9}}{5\cdot 10^{8}}",
    r"10^{10^{10}}", r"\lfloor 10^{10^{9}} \rfloor", NESTED, "(" * 500 + "1" + ")" * 500,
    "{" * 2000, r"\sqrt{" * 15 + "2" + "}" * 15, r"\frac{1}{" * 300 + "2" + "}" * 300,
    r"\sum_{i=1}^{10^{10}} \frac{1}{i^2+1}", r"\int_0^1 e^{x^2} \sin x dx", r"\prod_{i=1}^{10^9} i",
    "x^{" + "9" * 500 + "}", "9" * 4096, "1," * 1000 + "1", "x+" * 1500 + "x", "\x00\x01\x02", "x\x00+\x001",
    "٤٢+x", "𝟒𝟐x", "\ud800", "‮42", "x" * 4000, r"\text{" + "a" * 4000 + "}", "%" * 100, "=" * 500, "|" * 200,
    r"\begin{pmatrix}" + r"1\\" * 500 + r"\end{pmatrix}", r"\int" * 200, "\\" * 1000, "^" * 500, "1e999999999",
    r"10^{10^{100}} = 10^{10^{100}}", "nan", r"\infty-\infty", r"\lim_{x\to\infty} x^{x^{x}}", r"\frac{d}{dx} x^{x^x}",
]  # fmt: skip

_SPY = "import pathlib; pathlib.Path({path!r}).touch()"
CODE = [
    "__import__('pathlib').Path({path!r}).touch()",
    "__import__('os').system('touch {path}')",
    "exec({spy!r})",
    "eval({spy!r})",
    r"\text{{__import__('os').system('touch {path}')}}",
    "().__class__.__base__.__subclasses__()",
    "lambda: exec({spy!r})",
    r"\variable{{exec({spy!r})}}",
    r"\operatorname{{exec}}({spy!r})",
    r"\input{{{path}}}",
    r"\immediate\write18{{touch {path}}}",
    'f{{\'__import__("os").system("touch {path}")\'}}',
    "$(touch {path})",
    "`touch {path}`",
]


@pytest.mark.heavy
def test_bounded_in_time_and_memory() -> None:
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            for child in psutil.Process().children(recursive=True):
                try:
                    if "cot_assets.grading" in " ".join(child.cmdline()):
                        peak = max(peak, child.memory_info().rss)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        with GraderPool(2, seconds=1.0, memory_mb=256) as pool:
            pool.grade([("x+1", "1+x", "expression")])  # the start of a worker is not a comparison
            judged = pool.grade([(answer, "1+x", "expression") for answer in HOSTILE])
    finally:
        done.set()
        watcher.join()
    assert len(judged) == len(set(HOSTILE))
    assert {answer for (answer, *_), found in judged.items() if found.verdict == "correct"} <= {
        "x\x00+\x001",
        NESTED,
    }
    assert all(found.reason for found in judged.values())
    unscored = {a: found.reason for (a, *_), found in judged.items() if found.verdict == "unscored"}
    assert "took more than 1 s" in unscored["100000000!"]
    # Processor time, as the machine may be busy elsewhere: 1 s each at most, and the start of the workers.
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 25 + 1.1 * len(HOSTILE)
    assert len(unscored) < len(HOSTILE) / 2
    assert 0 < peak < (256 + 400) * 2**20


@pytest.mark.heavy
def test_memory_is_bounded() -> None:
    answer = r"\sum_{k=1}^{n} k (a+b+c+d+f)^{40}"  # equal, but only algebra can tell
    gold = r"\frac{n(n+1)}{2}(a+b+c+d+f)^{40}"
    with GraderPool(1, seconds=60, memory_mb=64) as pool:
        grade = next(iter(pool.grade([(answer, gold, "expression")]).values()))
        assert (grade.verdict, grade.reason) == ("unscored", "needed more than 64 MB")
        # The process is not used again, and the next comparison is none the worse for it.
        assert pool._workers[0].child is None
        assert next(iter(pool.grade([("x+1", "1+x", "expression")]).values())).verdict == "correct"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux enforces RLIMIT_AS")
def test_allocation_fails_beyond_the_limit() -> None:
    code = (
        "from cot_assets.grading.worker import _limit_memory\n"
        "assert _limit_memory(64 * 2**20)\n"
        "bytearray(32 * 2**20)\n"
        "try:\n    bytearray(128 * 2**20)\nexcept MemoryError:\n    print('refused')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "refused\n"


def test_nothing_is_executed(tmp_path: Path, grader_pool: GraderPool) -> None:
    target = str(tmp_path / "executed")
    answers = [code.format(path=target, spy=_SPY.format(path=target)) for code in CODE]
    pairs = [
        (answer, gold, "expression") for answer in answers for gold in ("x+1", r"\sqrt{2}", "5", r"\text{a}")
    ]
    pairs += [("x+1", answer, "expression") for answer in answers]  # a hostile data set, too
    grades = [*grader_pool.grade(pairs).values()]
    assert not Path(target).exists()
    assert {g.verdict for g in grades} <= {"incorrect", "unscored"}
    # Nor through a whole text.
    assert extract_answer(rf"\boxed{{{answers[0]}}}", "expression").answer == answers[0]
    assert not Path(target).exists()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("attempt", "refusal"),
    [
        ("import os; os.system('true')", "os.system"),
        ("open('made', 'w')", "writing a file"),
        ("import sympy; sympy.sympify('x+1')", "evaluating text"),
        ("import socket; socket.socket()", "socket"),
    ],
)
def test_a_worker_refuses(attempt: str, refusal: str, tmp_path: Path) -> None:
    """What would happen if a release of sympy did what it must not: it cannot, and says so."""
    code = f"""
import sys
from cot_assets.grading import worker
def attempt(answer, gold, kind):
    if gold == "now":
        {attempt.replace("; ", chr(10) + "        ")}
    return worker.Judgement("incorrect", "went on")
worker.verify = attempt
worker.main("algebra", 5.0, 2**29)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input='[1, "a", "now", "expression"]\n',
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert '["ready"' in done.stdout, done.stderr
    assert "unscored" in done.stdout
    assert refusal in done.stdout or "ForbiddenError" in done.stdout
    assert list(tmp_path.iterdir()) == []


_LATEX = st.lists(
    st.sampled_from(
        [
            r"\frac", r"\sqrt", r"\pi", r"\infty", r"\text", r"\left", r"\right", r"\pm", r"\cup", r"\sum", r"\int",
            r"\begin{pmatrix}", r"\end{pmatrix}", r"\\", "&", "{", "}", "(", ")", "[", "]", "^", "_", "=", "<", ",",
            "+", "-", "*", "/", "!", "|", "%", ".", "1", "2", "10", "x", "y", "i", "e", " ", r"\%", r"\$", "°", "²",
        ]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    answers=st.lists(_LATEX | st.text(max_size=30), min_size=1, max_size=8),
    gold=st.sampled_from([r"\sqrt{2}", "(1,2)", "x+1", "7"]),
)
def test_any_answer_gets_a_verdict(answers: list[str], gold: str) -> None:
    grades = [*_fuzz_pool().grade([(answer, gold, "expression") for answer in answers]).values()]
    assert len(grades) == len(set(answers))
    assert {g.verdict for g in grades} <= {"correct", "incorrect", "unscored"}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(a=st.integers(-40, 40), b=st.integers(-40, 40), c=st.integers(-40, 40), seed=st.integers(0, 99))
def test_equal_polynomials_are_equal_and_others_are_not(a: int, b: int, c: int, seed: int) -> None:
    """(x+a)(x+b)+c against its expansion, term order shuffled; and against one that is off by one."""
    terms = ["+x^2", f"{a + b:+d}x", f"{a * b + c:+d}"]
    random.Random(seed).shuffle(terms)
    expansion = "".join(terms).lstrip("+")
    right, wrong = (f"(x{a:+d})(x{b:+d}){k:+d}" for k in (c, c + 1))
    grades = [
        *_fuzz_pool().grade([(right, expansion, "expression"), (wrong, expansion, "expression")]).values()
    ]
    assert [g.verdict for g in grades] == ["correct", "incorrect"]


_pools: list[GraderPool] = []


def _fuzz_pool() -> GraderPool:
    """One pool for all examples; closed by the fixture below."""
    if not _pools:
        _pools.append(GraderPool(2))
    return _pools[0]


@pytest.fixture(scope="module", autouse=True)
def _close_fuzz_pool():
    yield
    while _pools:
        _pools.pop().close()
