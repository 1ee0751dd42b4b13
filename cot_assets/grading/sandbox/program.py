"""Inside the sandbox: a program that answers calls, and the tests that call it, each in a process of its own.

Belongs here: what the two processes say to one another. Does not belong here: starting and ending them
(:mod:`.code`). Needs the standard library only.

The tests never run in the process that runs the program: between the two travel Python literals, so that nothing
the program returns can be more than a value, and nothing it does can reach the tests.
"""

from __future__ import annotations

import ast
import json
import math
import os
import re
from typing import IO, Any

from cot_assets.grading.sandbox.confine import confine

READY = "ready\n"
ENDED = "the program ended before it answered"
_MAX_REPLY = 2**22  #: characters of one result
_FILE_BYTES = 2**22
#: Where a continuation of a function has left it, as the authors of HumanEval cut completions.
_LEFT_FUNCTION = re.compile(
    r"\n(?=(?:def|class|if|print|assert|from|import|#|@|```|\"\"\"|''')|[A-Za-z_]\w*\s*[=(])"
)


def _channels() -> tuple[IO[str], IO[str]]:
    """Input and output under numbers of their own; what is printed from now on goes nowhere."""
    replies, requests = os.fdopen(os.dup(1), "w", encoding="utf-8"), os.fdopen(os.dup(0), encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return requests, replies


# --- the program --------------------------------------------------------------------------------


def serve(source: int, cpu_seconds: int, memory: int) -> None:
    """Run the program that the file descriptor holds, then answer calls of its function."""
    with os.fdopen(source, encoding="utf-8") as file:
        asked = json.load(file)
    requests, replies = _channels()
    replies.write(READY)
    replies.flush()
    confine(cpu_seconds, memory, _FILE_BYTES)
    function: Any = None
    for line in requests:
        try:
            if function is None:
                function = _function(asked["prompt"], asked["answer"], asked["entry_point"])
            arguments, named = _value(json.loads(line))
            reply = ["returned", repr(function(*arguments, **named))]
        except BaseException as error:  # noqa: BLE001 - also SystemExit is what the program did
            reply = ["raised", type(error).__name__[:100]]
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _function(prompt: str, answer: str, name: str) -> Any:
    """The function that an answer defines, or that it continues where it is not a definition of its own."""
    namespace: dict[str, Any] = {"__name__": "answer"}
    code = f"\n{answer}" if _defines(answer, name) else _LEFT_FUNCTION.split(answer, maxsplit=1)[0]
    exec(compile(prompt + code, "answer.py", "exec"), namespace)  # noqa: S102 - this is what the sandbox is for
    return namespace[name]


def _defines(answer: str, name: str) -> bool:
    try:
        body = ast.parse(answer).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, kinds) and node.name == name for node in body)


class _Unbounded(ast.NodeTransformer):
    """Puts the numbers in that Python writes as names."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = {"inf": math.inf, "nan": math.nan}.get(node.id)
        return node if value is None else ast.Constant(value)


def _value(text: str) -> Any:
    """The value of a literal."""
    return ast.literal_eval(_Unbounded().visit(ast.parse(text, mode="eval")))


# --- its tests ----------------------------------------------------------------------------------


class _ProgramError(Exception):
    """The program raised, ended, or answered with what is not a value."""


class _Counted(ast.NodeTransformer):
    """Counts the assertions that hold."""

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        count = ast.parse("__held()").body
        return [node, *(ast.copy_location(each, node) for each in count)]


def test(source: int, verdict: int, cpu_seconds: int, memory: int) -> None:
    """Run the tests that one file descriptor holds, and write what comes out to the other."""
    with os.fdopen(source, encoding="utf-8") as file:
        asked = json.load(file)
    replies, requests = _channels()
    confine(cpu_seconds, memory, _FILE_BYTES)
    with os.fdopen(verdict, "w", encoding="utf-8") as file:
        json.dump(_outcome(asked, requests, replies), file)


def _outcome(asked: dict[str, str], requests: IO[str], replies: IO[str]) -> tuple[str, str]:
    """Verdict and reason."""
    if replies.readline(len(READY)) != READY:
        return "unscored", "the sandbox did not start the program"
    calls, held = 0, 0

    def candidate(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        requests.write(json.dumps(repr((arguments, named))) + "\n")
        requests.flush()
        return _result(replies.readline(_MAX_REPLY))

    def count() -> None:
        nonlocal held
        held += 1

    namespace: dict[str, Any] = {"__name__": "tests", "__held": count}
    try:
        exec(compile(asked["prompt"], "prompt.py", "exec"), namespace)  # noqa: S102 - helpers that tests call
        namespace[asked["entry_point"]] = candidate
        tests = ast.fix_missing_locations(_Counted().visit(ast.parse(asked["test"])))
        exec(compile(tests, "tests.py", "exec"), namespace)  # noqa: S102 - this is what the sandbox is for
        namespace["check"](candidate)
    except (AssertionError, _ProgramError, BrokenPipeError) as error:
        said = str(error) if isinstance(error, _ProgramError) else ""
        return "incorrect", said[:200] or f"a test failed after {held} that hold"
    except BaseException as error:  # noqa: BLE001 - also SystemExit is not a test that holds
        # The test itself stumbles over what it was given: a list where it takes a number.
        verdict = "incorrect" if calls else "unscored"
        return verdict, f"a test failed ({type(error).__name__}) after {held} that hold"
    if not calls or not held:
        return "unscored", "no test was run"
    return "correct", f"{held} tests hold"


def _result(line: str) -> Any:
    if not line.endswith("\n"):
        raise _ProgramError(ENDED if not line else "a result is too long")
    try:
        kind, value = json.loads(line)
        if kind == "returned":
            return _value(value)
    except Exception as error:
        raise _ProgramError("a result is not a plain value") from error
    raise _ProgramError(f"the program raised {str(value)[:100]}")
