"""Verdicts by the verifiers of reasoning-gym's tasks.

Belongs here: what travels of a problem to its verifier, and which verifiers evaluate what they are given. Does not
belong here: bounds of time and memory. Only a worker (:mod:`.worker`) calls :func:`verdict_of`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from cot_assets.grading.judgement import Judgement

#: Tasks whose verifiers hand text to ``eval`` or to sympy's ``parse_expr``, which is built on it. A test looks for
#: such calls in the package's source.
EVALUATING = frozenset({
    "binary_matrix", "bitwise_arithmetic", "countdown", "intermediate_integration", "n_queens",
    "number_sorting", "polynomial_multiplication", "puzzle24", "simple_integration", "spiral_matrix", "string_insertion",
})  # fmt: skip
#: Tasks whose verifiers are not used, and why.
REFUSED = {
    "composite": "it mixes tasks; give each task an entry of its own",
    "puzzle24": "its verifier does not compare the numbers used with those given, and cuts decimals off",
    "number_sorting": "its verifier takes numbers that are off by up to 1",
}


#: What a value of numbers and names does without: attributes, text, brackets, and statements.
_REACHES = re.compile(r"""__|['"\[\]{}\\:;@`$]|[^\W\d]\w*\s*\.|[)]\s*\.|\.\s*[^\W\d]""")
_LITERAL = (
    ast.Expression, ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.operator,
    ast.unaryop, ast.expr_context,
)  # fmt: skip


#: What an item says of the day on which it is made, which no verifier reads: left out, items are the same on all days.
_OF_THE_DAY = {"time_intervals": ("start_time", "end_time")}


class ItemError(ValueError):
    """An item holds what is not a plain value, so that no process could be handed it."""


def packed(task: str, config: Mapping[str, Any], item: Mapping[str, Any], threshold: float) -> str:
    """What a worker needs to judge answers to an item, as one text.

    Raises:
        ItemError: The item's metadata holds more than plain values.
    """
    metadata = {k: v for k, v in item["metadata"].items() if k not in _OF_THE_DAY.get(task, ())}
    kept = {"answer": item["answer"], "metadata": _plain(metadata)}
    asked = {"task": task, "config": dict(config), "threshold": threshold, "item": repr(kept)}
    return json.dumps({**asked, "version": version("reasoning-gym")}, sort_keys=True)


def is_evaluating(judged_by: str) -> bool:
    """Whether the verifier evaluates what it is given."""
    return json.loads(judged_by)["task"] in EVALUATING


def verdict_of(answer: str, judged_by: str) -> Judgement:
    """Whether the task's own verifier gives an answer the points that are asked for."""
    asked = json.loads(judged_by)
    if asked["task"] in EVALUATING and not _is_harmless(answer):
        return Judgement("incorrect", "it would do more than state a value")
    dataset = _dataset(asked["task"], json.dumps(asked["config"]))
    score = float(dataset.score_answer(answer, ast.literal_eval(asked["item"])))
    verdict = "correct" if score >= asked["threshold"] else "incorrect"
    return Judgement(verdict, f"{asked['task']} gives {score:.3g} of 1")


def _is_harmless(answer: str) -> bool:
    """Whether evaluating a text makes a value of numbers and names, or of literals, and nothing else.

    The sandbox holds what gets by: this keeps a text from forging its own verdict within it.
    """
    if not _REACHES.search(answer):
        return True
    try:
        tree = ast.parse(answer.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # sympy changes a text before it evaluates it, so what Python cannot read proves nothing
    return all(isinstance(node, _LITERAL) for node in ast.walk(tree))


@lru_cache(maxsize=64)
def _dataset(task: str, config: str) -> Any:
    from reasoning_gym import create_dataset

    return create_dataset(task, **{**json.loads(config), "seed": 0, "size": 1})


def _plain(value: Any) -> Any:
    """The value built of Python's own types alone, which its ``repr`` can be read back to."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    for kind in (tuple, list, set, frozenset):
        if isinstance(value, kind):
            items = [_plain(each) for each in value]
            return tuple(items) if kind is tuple else items if kind is list else set(items)
    if hasattr(value, "tolist"):  # numbers and arrays of numpy
        return _plain(value.tolist())
    raise ItemError(f"its metadata holds a {type(value).__name__}")
