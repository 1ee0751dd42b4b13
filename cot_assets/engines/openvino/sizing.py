"""How much the embedded engine takes on at a time: its KV cache, and the sequences in flight.

Belongs here: what follows from the model's bytes per token, the memory that is free, the measured speed and the
lengths of what has come back. Does not belong here: requests (:mod:`cot_assets.engines.openvino.engine`).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from cot_assets.engines.base import Block
from cot_assets.study.files import read_json, write_json

KV_BLOCK = 32  #: tokens of a block of OpenVINO's KV cache on a CPU
#: Sequences that are tried together, ascending. More than a step has room for would make requests wait half-way.
TRIED = (16, 32, 64, 128, 256)
LEAST = 32  #: sequences in flight however slow the engine is: two blocks, so that a long rollout is not alone
AT_STAKE = 50.0  #: seconds of sampling that may be in unfinished blocks
_NOISE = 1.03  #: between speeds that are about the same
_PATIENCE = 2  #: trials without gain after which no more are tried
_RULE = 2  #: how a pace is found; paces that were found otherwise are not asked for
_MEMORY = 0.5  #: share of the free memory that the cache may come to by what is expected of blocks in flight
MOST_MEMORY = 0.9  #: and by what they turn out to be
_MOST_TOKENS = 2048  #: of one sequence that the cache is made for
_LEAST_TOKENS = 2048  #: without room for these a model is not worth loading
_STATE = re.compile(r'<data variable_id="([^"]*)" variable_type="f\d+" variable_shape="([^"]*)"')


def kv_bytes_per_token(model: Path, bytes_per_number: int) -> int:
    """Bytes of keys and values of one token, from the state of OpenVINO's model; 0 where it has none of that form."""
    shapes = dict(_STATE.findall(model.read_text(encoding="utf-8")))  # each is read and assigned
    # Batch and length are open; the number of heads and their size are not.
    numbers = (math.prod(int(n) for n in shape.split(",") if n.isdecimal()) for shape in shapes.values())
    return sum(numbers) * bytes_per_number


def free_memory() -> int:
    """Bytes that this process may still take."""
    return psutil.virtual_memory().available


def kv_blocks(per_token: int, context: int | None, free: int) -> int | None:
    """Blocks that a KV cache may have; None where there is not room for even the shortest run."""
    room = int(free * _MEMORY) // max(1, per_token)
    if room < _LEAST_TOKENS:
        return None
    return min(room, TRIED[-1] * min(context or _MOST_TOKENS, _MOST_TOKENS)) // KV_BLOCK


@dataclass(frozen=True)
class Pace:
    """What a trial found: sequences that run together best, and the tokens per second that they make."""

    sequences: int
    rate: float


def find_pace(measure: Callable[[int], tuple[float, float]], most: int = TRIED[-1]) -> Pace:
    """The pace of an engine: the most sequences that are about as fast as any.

    Args:
        measure: Tokens per second of work, which other programs do not change much, and per second, of a number of sequences.
        most: Sequences that there is room for.
    """
    found: dict[int, tuple[float, float]] = {}
    best = TRIED[0]
    for tried, sequences in enumerate(TRIED):
        if tried and (sequences > most or tried > TRIED.index(best) + _PATIENCE):
            break
        found[sequences] = measure(sequences)
        best = max(found, key=lambda each: found[each][0])
    chosen = max(each for each, (speed, _) in found.items() if speed * _NOISE >= found[best][0])
    return Pace(chosen, found[chosen][1])


class Intake:
    """Decides whether a further block is taken on."""

    def __init__(self, pace: Pace, kv_tokens: int) -> None:
        self._pace, self._kv_tokens = pace, kv_tokens
        self._tokens, self._rollouts = 0, 0
        self._rate = pace.rate

    def mean_length(self, budget: int) -> float:
        """Tokens of a rollout to expect: of those that have come back, else half of the budget."""
        return self._tokens / self._rollouts if self._rollouts else budget / 2

    def finished(self, block: Block, generated: int, passed: float) -> None:
        """Learn from a block that has come back after these seconds of sampling."""
        self._tokens += generated
        self._rollouts += block.n
        # The trial may have run on a busy machine.
        self._rate = max(self._rate, self._tokens / max(1.0, passed))

    def admits(self, running: Sequence[tuple[Block, int]], block: Block) -> bool:
        """Whether a block is begun while others run, which are given with their steps; one always is.

        There is room for what it may come to, no more sequences run than pay, and little is at stake: of blocks that
        are begun one after the other, half is in flight when the first one finishes, and all of that one.
        """
        if not running:
            return True
        sequences = sum(b.n for b, _ in running) + block.n
        length = max(1.0, self.mean_length(block.max_new_tokens))
        least = AT_STAKE * self._rate / length  # sequences, were all as old as they become
        # A quarter more than run best: some of the sequences of unfinished blocks have ended.
        most = max(LEAST, min(self._pace.sequences * 1.25, 2 * least - block.n))
        youngest = min(steps for _, steps in running)
        is_early = sequences > least and youngest < length * block.n / most
        blocks = [*(b for b, _ in running), block]
        needed = sum(len(b.token_ids) + b.n * min(b.max_new_tokens, 2 * length) for b in blocks)
        return sequences <= most and not is_early and needed <= self._kv_tokens


def kept_pace(file: Path, key: str) -> Pace | None:
    """The pace that a file of the data home holds for a model on a machine; None for none."""
    found = _paces(file).get(key)
    return None if found is None else Pace(*found)


def keep_pace(file: Path, key: str, pace: Pace) -> None:
    """Write a pace to the file for the next time."""
    write_json(file, {**_paces(file), key: (pace.sequences, round(pace.rate, 1))})


def _paces(file: Path) -> dict[str, tuple[int, float]]:
    return read_json(file, dict[str, tuple[int, float]]) or {}


def pace_key(*identity: str) -> str:
    """A name for a model's identity on this machine."""
    machine = (platform.node(), platform.processor(), str(os.cpu_count()), _RULE)
    return hashlib.sha256(json.dumps([*identity, *machine]).encode()).hexdigest()[:16]
