r"""An engine without a model: a script whose potentials are known exactly.

The script adds numbers. A trace has ``STEPS`` lines, each of which holds, slips or mends a slip, then
states an answer: the right one unless a slip was left. With ``skill`` = P(a step holds) and ``mend`` =
P(a slipped trace is mended at a step), :func:`potential` is P(correct | text so far), also in the middle of
a line or of a character. Completions depend on the block's seed alone.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from cot_assets.engines.base import (
    Block,
    BlockResult,
    CannotScoreError,
    Completion,
    Encoding,
    EngineError,
    EngineInfo,
    Sampling,
    Written,
)
from cot_assets.engines.revision import entry_revision
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import ModelEntry

STEPS = 4
_HOLDS, _SLIPS, _MENDS = "✓ holds", "✗ slips", "↺ mended"  # three bytes each, of which they share the first
_TERMS = re.compile(r"What is (-?\d+) \+ (-?\d+)\?")
_PROMPT = "{statement} Let us see.\n"


def statement(a: int, b: int) -> str:
    """A question that the script understands."""
    return f"What is {a} + {b}?"


def _next_lines(lines: Sequence[str], gold: int, skill: float, mend: float) -> list[tuple[str, float]]:
    """The lines that may follow whole lines, with their probabilities."""
    step, is_slipped = len(lines) + 1, _is_slipped(lines)
    if step > STEPS:
        return [(rf"The answer is \boxed{{{gold + is_slipped}}}.", 1.0)]
    if is_slipped:
        return [(f"Step {step}: {_SLIPS}.\n", 1 - mend), (f"Step {step}: {_MENDS}.\n", mend)]
    return [(f"Step {step}: {_HOLDS}.\n", skill), (f"Step {step}: {_SLIPS}.\n", 1 - skill)]


def _is_slipped(lines: Sequence[str]) -> bool:
    return bool(lines) and _SLIPS in lines[-1]


def _split(written: bytes) -> tuple[list[str], bytes]:
    """Whole lines, and the bytes of the line that is not whole."""
    *whole, rest = written.split(b"\n")
    return [line.decode() for line in whole], rest


def _choices(written: bytes, gold: int, skill: float, mend: float) -> list[tuple[bytes, float]]:
    """How the line at hand may go on, with probabilities; nothing where it does not follow the script."""
    lines, rest = _split(written)
    fitting = [
        (line.encode()[len(rest) :], p)
        for line, p in _next_lines(lines, gold, skill, mend)
        if line.encode().startswith(rest)
    ]
    total = sum(p for _, p in fitting)
    return [(line, p / total) for line, p in fitting if p > 0] if total else []


def potential(written: bytes, skill: float, mend: float) -> float:
    """P(correct | text so far) of an endless budget; ``written`` may end within a character."""

    def right(lines: int, is_slipped: bool) -> float:
        if lines == STEPS:
            return float(not is_slipped)
        stays = 1 - mend if is_slipped else skill
        return stays * right(lines + 1, is_slipped) + (1 - stays) * right(lines + 1, not is_slipped)

    lines, _ = _split(written)
    if len(lines) >= STEPS:
        return float(not _is_slipped(lines))
    return sum(
        p * right(len(lines) + 1, _SLIPS.encode() in (written.split(b"\n")[-1] + line))
        for line, p in _choices(written, 0, skill, mend)
    )


class ScriptedEngine:
    """Follows the protocol of :mod:`cot_assets.engines.base`.

    ``engine_args`` of the entry: ``skill``, ``mend``; ``is_mute``: end at once; ``fail_after``: raise after
    so many blocks. The folder's ``tokenizer.json`` says ``{"kind": "bytes"}`` or ``"characters"``.
    """

    revision = ""  #: as tokenizer
    sampled: ClassVar[list[str]] = []  #: keys of all blocks that any scripted engine has sampled

    def __init__(self, entry: ModelEntry) -> None:
        folder = entry.local_path
        if folder is None:
            raise EngineError(
                f"model {entry.name!r}: {entry.path!r} is not a folder; check `path` in models.toml"
            )
        self._entry = entry
        self._is_bytes = json.loads((folder / "tokenizer.json").read_text())["kind"] == "bytes"
        self._revision = entry_revision(entry)
        self.is_closed = False

    def describe(self) -> EngineInfo:
        return EngineInfo("scripted", "1", self._revision, "none", "none", "none")

    def encode(self, text: str) -> Encoding:
        if not self._is_bytes:
            return Encoding(tuple(map(ord, text)), tuple((i, i + 1) for i in range(len(text))))
        spans = [(i, i + 1) for i, c in enumerate(text) for _ in c.encode()]
        return Encoding(tuple(text.encode()), tuple(spans))

    encode_after = encode

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        return self._bytes(token_ids).decode(errors="replace")

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        return self.encode(_PROMPT.replace("{statement}", statement)).token_ids

    def _bytes(self, token_ids: Sequence[int]) -> bytes:
        return bytes(token_ids) if self._is_bytes else "".join(map(chr, token_ids)).encode()

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        for done, block in enumerate(blocks):
            if done == self._entry.engine_args.get("fail_after"):
                raise EngineError(f"model {self._entry.name!r}: the script says to fail; drop fail_after")
            completions = tuple(self._complete(block, i) for i in range(block.n))
            self.sampled.append(block.key)
            generated = sum(len(c.token_ids) + (c.finish_reason == "stop") for c in completions)
            yield BlockResult(block, completions, len(block.token_ids), 0, generated)

    def _complete(self, block: Block, index: int) -> Completion:
        rng = random.Random(f"{block.seed} {index}")
        given = self._bytes(block.token_ids)
        prompt_end = given.index(b"\n") + 1
        terms = _TERMS.search(given[:prompt_end].decode())
        assert terms is not None, f"no sum in {given!r}"
        gold, written = int(terms[1]) + int(terms[2]), given[prompt_end:]
        args = self._entry.engine_args
        new = b""
        if not args.get("is_mute"):
            while choices := _choices(written + new, gold, args.get("skill", 0.8), args.get("mend", 0.2)):
                lines, weights = zip(*choices, strict=True)
                new += rng.choices(lines, weights)[0]
                if (written + new).endswith(b"."):  # only the answer's line ends without a line break
                    break
        ids = tuple(new) if self._is_bytes else tuple(map(ord, new.decode()))
        if len(ids) >= block.max_new_tokens:
            return Completion(ids[: block.max_new_tokens], "length")
        return Completion(ids, "stop")

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        raise CannotScoreError(
            f"model {self._entry.name!r} cannot be audited: a script tells no probabilities"
        )

    def close(self) -> None:
        self.is_closed = True


def scripted_folder(folder: Path, *, weights: str = "first", tokenizer: str = "bytes") -> Path:
    """A model folder for a script; other ``weights`` make another revision."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_text(weights)
    (folder / "tokenizer.json").write_text(json.dumps({"kind": tokenizer}))
    return folder
