"""Files of problems, and the entries that name them."""

from __future__ import annotations

import json
from pathlib import Path

from cot_assets.study import ProblemSetEntry

ROWS = [
    {"id": "a", "problem": "1+1?", "answer": 2},
    {"id": "b", "problem": "A {options} brace, {statement} and \\boxed{0}", "answer": "073"},
    {"id": "c", "problem": "Ünïcode \u2028 line", "answer": 10**40},
]


def entry(source, **fields) -> ProblemSetEntry:
    fields = {"name": "set", "protocol": "paper", **fields}
    return ProblemSetEntry(source=str(source), **fields)


def write(path: Path, rows) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return path
