"""The verdict of a program by the tests of its problem.

Belongs here: starting and ending the two processes of one verdict. Does not belong here: what they do
(:mod:`.program`), and the sandbox (:mod:`.bubblewrap`).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from typing import IO

from cot_assets.grading.judgement import Judgement
from cot_assets.grading.sandbox.bubblewrap import sandboxed
from cot_assets.grading.sandbox.program import ENDED

_CPU_SECONDS = 3  #: of the program; the tests have as much
_MEMORY = 512 * 2**20
#: Wall-clock seconds: a program that sleeps is ended, one that waits for a busy machine is not.
_WALL_SECONDS = 30.0
_MAX_VERDICT = 10_000  #: bytes


def run_tests(
    answer: str, tests: str, *, cpu_seconds: int = _CPU_SECONDS, wall_seconds: float = _WALL_SECONDS
) -> Judgement:
    """Whether a program passes its tests; ``unscored`` where the sandbox fails, not the program.

    Args:
        answer: A whole function, or the continuation of the prompt.
        tests: JSON with ``prompt``, ``test`` and ``entry_point``, as HumanEval has them.
        cpu_seconds: Processor time of the program.
        wall_seconds: Most time for everything.
    """
    asked = json.loads(tests)
    deadline = time.monotonic() + wall_seconds
    bounds = (cpu_seconds, _MEMORY)
    with contextlib.ExitStack() as stack:
        calls_out, calls_in = _pipe(stack)
        replies_out, replies_in = _pipe(stack)
        told, telling = _pipe(stack)
        program = _start(stack, "serve", {**asked, "answer": answer}, calls_out, replies_in, None, bounds)
        tests_process = _start(stack, "test", asked, replies_out, calls_in, telling, bounds)
        for end in (calls_out, calls_in, replies_out, replies_in, telling):
            end.close()
        said = _all_of(told, deadline)
        if said is None:
            return Judgement("incorrect", f"took more than {wall_seconds:g} s")
        if not said:
            status = _status(tests_process)
            return Judgement("unscored", f"the sandbox of the tests ended with status {status}")
        verdict, reason = json.loads(said)
        return _ended(program, cpu_seconds) if reason == ENDED else Judgement(verdict, reason)


def _status(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a process that has closed its output, and so has a second left to end by itself."""
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _ended(program: subprocess.Popen[bytes], cpu_seconds: int) -> Judgement:
    """Why a program ended that had calls to answer; it has closed its output and is gone, or is ended now."""
    try:
        status = program.wait(1)
    except subprocess.TimeoutExpired:
        return Judgement("incorrect", ENDED)
    if status == 128 + signal.SIGXCPU:
        return Judgement("incorrect", f"took more than {cpu_seconds} s of processor time")
    if status in (128 + signal.SIGKILL, -signal.SIGKILL):
        return Judgement("unscored", "the program was killed")
    return Judgement("incorrect", f"{ENDED} (status {status})")


def _start(
    stack: contextlib.ExitStack,
    role: str,
    asked: dict[str, str],
    reads: IO[bytes],
    writes: IO[bytes],
    tells: IO[bytes] | None,
    bounds: tuple[int, int],
) -> subprocess.Popen[bytes]:
    """A process in a sandbox of its own; it is ended with the stack, and all that it started with it."""
    source = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the stack
    source.write(json.dumps(asked).encode())
    source.seek(0)
    handed = [file.fileno() for file in (source, tells) if file is not None]
    arguments = ", ".join(map(str, (*handed, *bounds)))
    process = subprocess.Popen(
        sandboxed(f"from cot_assets.grading.sandbox.program import {role}; {role}({arguments})"),
        stdin=reads, stdout=writes, stderr=subprocess.DEVNULL, pass_fds=handed,
    )  # fmt: skip
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def _pipe(stack: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """Both ends of a pipe, which are closed with the stack at the latest."""
    out, into = os.pipe()
    return stack.enter_context(os.fdopen(out, "rb", 0)), stack.enter_context(os.fdopen(into, "wb", 0))


def _all_of(pipe: IO[bytes], deadline: float) -> bytes | None:
    """What is written to a pipe until its other end is closed; None where that takes too long."""
    said = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([pipe], [], [], left)[0]:
            break
        chunk = pipe.read(_MAX_VERDICT)
        if not chunk:
            return said
        said += chunk
    return None
