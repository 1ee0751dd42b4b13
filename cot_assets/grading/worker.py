"""The processes that compare answers, one after the other, until their input ends.

Belongs here: the loop, the limits that a process puts on itself, and what it refuses to do. Does not
belong here: starting and ending such processes (:mod:`.pool`), and the comparison (:mod:`.verify`).

Started by :mod:`.pool` as a fresh interpreter, which imports sympy once, learns the grammar, and then forks
the process that compares: after a comparison that had to be ended the next one starts at once. This fork
is safe, since the interpreter that forks has one thread and does nothing else.

One JSON array per line on standard input: number of the request, answer, gold answer, kind. On standard
output: ``["ready", process id]``, ``["verdict", number, verdict, reason, is the process worn out]``, and
``["ended", status]`` where the comparing process has ended. Its limits, set before every comparison:

- processor time: the kernel ends the process (SIGPROF), also inside one long operation on integers;
- growth of the address space: allocation fails beyond it (RLIMIT_AS; macOS does not enforce this one);
- no file is written, no process started, no connection opened, no text evaluated by sympy.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import sys
from pathlib import Path
from typing import IO, Any, Literal

from cot_assets.grading.comparing.algebra import decide
from cot_assets.grading.comparing.scalars import UndecidableError
from cot_assets.grading.judgement import Judgement
from cot_assets.grading.sandbox.confine import forbid_processes
from cot_assets.grading.tasks import verdict_of
from cot_assets.grading.text.spelling import MAX_ANSWER_CHARS
from cot_assets.grading.verify import verify

#: What a worker is for: algebra, verifiers that read text, or (in a sandbox) verifiers that evaluate it.
Room = Literal["algebra", "verifier", "sandbox"]

#: Comparisons that make later ones fast: the parser learns its grammar by use.
_WARM_UP = (
    (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}", "scalar"),
    (r"\int_0^1 x^2 dx", r"\frac{1}{3}", "scalar"),
    (r"\lim_{x\to 0} \frac{\sin x}{x}", r"\sqrt{2}\cdot 3", "scalar"),
    ("x^2<4", "(-2,2)", "relation"),
    (r"[0,1)\cup(2,\infty)", r"x^2=4", "relation"),
)
#: Comparisons after which the process is replaced: sympy's caches grow, and what was evaluated may linger.
_MAX_USES: dict[Room, int] = {"algebra": 5000, "verifier": 5000, "sandbox": 1}
_INPUT_ENDED = 3
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,4})?|\.[0-9]+")
_FORBIDDEN = ("os.", "subprocess.", "socket.", "shutil.", "ctypes.", "pty.", "webbrowser.", "urllib.")
_HARMLESS = frozenset(("os.listdir", "os.scandir", "os.putenv", "os.unsetenv"))


class ForbiddenError(RuntimeError):
    """A comparison tried to do something that no comparison needs."""


#: What has been refused during the comparison at hand; sympy may catch the error and go on.
_refused: list[str] = []
_refuses_evaluation = False  #: set in the room of verifiers that are known to evaluate nothing


def _refusal(what: str) -> ForbiddenError:
    _refused.append(what)
    return ForbiddenError(what)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        writes = (isinstance(mode, str) and any(c in mode for c in "wax+")) or (
            isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if writes:
            raise _refusal("writing a file")
    elif event == "compile" and _refuses_evaluation and arguments[1] == "<string>":
        raise _refusal("evaluating text")
    elif event.startswith(_FORBIDDEN) and event not in _HARMLESS:
        raise _refusal(event)


def _number_only(text: str, *_: object, **__: object) -> Any:
    """In the place of sympy's ``parse_expr``, which is built on ``eval``: numbers pass, all else fails.

    latex2sympy2 makes its numbers by ``Number(text)``, which sympy hands to ``parse_expr``.
    """
    from sympy import Float, Integer

    if len(text) <= MAX_ANSWER_CHARS and _NUMBER.fullmatch(text):
        return Integer(int(text)) if text.isdigit() else Float(text)
    raise _refusal("evaluating text")


def _memory(what: str) -> int:
    """Bytes of address space in use (``VmSize``), or most that ever were (``VmPeak``); 0 where the system does not tell."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(f"{what}:")).split()[1]) * 1024
    return 0


def _limit_memory(growth: int) -> int | None:
    """Let the address space grow by ``growth`` bytes from now; returns the limit, None without one."""
    with contextlib.suppress(ValueError, OSError):
        if used := _memory("VmSize"):
            resource.setrlimit(resource.RLIMIT_AS, (used + growth, resource.getrlimit(resource.RLIMIT_AS)[1]))
            return used + growth
    return None


def _compare(answer: str, gold: str, kind: str, limit: int | None, growth: int) -> tuple[Judgement, bool]:
    """The judgement, and whether memory ran short: then this process is not used again."""
    short = f"needed more than {growth // 2**20} MB"
    try:
        judgement = verdict_of(answer, gold) if kind == "verifier" else verify(answer, gold, kind)
    except MemoryError:
        return Judgement("unscored", short), True
    if judgement.verdict == "incorrect" and _refused:
        return Judgement("unscored", f"the comparison asked for {_refused[0]}, which is refused"), True
    # sympy, math-verify and verifiers catch MemoryError and go on as if equality had not been shown.
    if judgement.verdict == "incorrect" and limit is not None and _memory("VmPeak") > limit - growth // 2:
        return Judgement("unscored", short), True
    return judgement, False


def _serve(room: Room, requests: IO[str], replies: IO[str], cpu_seconds: float, growth: int) -> int:
    """Compare until the input ends or the process is worn out; returns the exit status that says which."""
    base = _memory("VmSize")
    _send(replies, "ready", os.getpid())
    for use, line in enumerate(requests, 1):
        number, answer, gold, kind = json.loads(line)
        limit = _limit_memory(growth)
        _refused.clear()
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        try:
            judgement, is_short = _compare(answer, gold, kind, limit, growth)
        except Exception as error:  # noqa: BLE001 - one odd answer must not take the others with it
            judgement, is_short = Judgement("unscored", f"the grader failed: {type(error).__name__}"), True
        signal.setitimer(signal.ITIMER_PROF, 0)
        has_grown = _memory("VmPeak") > base + growth // 2
        is_worn = is_short or has_grown or use >= _MAX_USES[room]
        _send(replies, "verdict", number, judgement.verdict, judgement.reason, judgement.unit, is_worn)
        if is_worn:
            return 0
    return _INPUT_ENDED


def _send(replies: IO[str], *message: object) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def _prepare(room: Room) -> None:
    """Import and learn all that comparisons use, then forbid what they must not use."""
    import logging

    logging.disable(logging.CRITICAL)
    if room == "algebra":
        _prepare_algebra()
    else:
        _prepare_verifiers(room)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.dont_write_bytecode = True


def _prepare_verifiers(room: Room) -> None:
    import reasoning_gym  # noqa: F401 - before the guards, since some of what it imports writes caches
    import sympy

    global _refuses_evaluation
    _refuses_evaluation = room == "verifier"
    if room == "sandbox":  # each answer has a process of its own, which should find sympy warm
        sympy.simplify(sympy.diff(sympy.parse_expr("x*exp(x)/2 - 3*sin(2*x) + sqrt(x)")))


def _prepare_algebra() -> None:
    import sympy.parsing.sympy_parser as sympy_parser

    # Before the guards: some modules of sympy evaluate their own constants when they are first imported.
    import sympy.physics.units  # noqa: F401

    for given, gold, what in _WARM_UP:
        with contextlib.suppress(UndecidableError):
            decide(given, gold, what)
    sympy_parser.parse_expr = sympy_parser.eval_expr = _number_only


def main(room: Room, cpu_seconds: float, growth: int) -> None:
    """Serve comparisons until standard input ends.

    Args:
        room: what is compared.
        cpu_seconds: processor time of one comparison.
        growth: bytes by which the address space may grow in one comparison.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    requests, replies = os.dup(0), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # what a library prints must not get among the replies
        os.dup2(nowhere, descriptor)
    _prepare(room)
    os.dup2(nowhere, 2)  # up to here standard error explains why a worker does not start
    while True:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                if room == "sandbox":
                    forbid_processes()
                sys.addaudithook(_refuse)
                status = _serve(room, os.fdopen(requests, encoding="utf-8"), replies, cpu_seconds, growth)
            finally:
                os._exit(status)  # in any case: this process must not go on as its parent
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == _INPUT_ENDED:
            return
        try:
            _send(replies, "ended", status)
        except BrokenPipeError:
            return
