"""The pipeline on a scripted model that stalls in mid-sampling, twice: once to be interrupted, once to be killed.

``python stalling_child.py ROOT``: prints ``stalled`` each time, and ``interrupted`` in between.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.lab import Lab
from support.scripted import ScriptedEngine

from cot_assets.engines.base import Block, BlockResult, Sampling

BLOCKS_BEFORE = 3  #: that come back before a stall
PAIRS = [("script", "sums")]
_sample = ScriptedEngine.sample


def stalling(self: ScriptedEngine, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
    """The script, until it has done some blocks."""
    for done, result in enumerate(_sample(self, blocks, sampling)):
        if done == BLOCKS_BEFORE:
            print("stalled", flush=True)
            time.sleep(600)
        yield result


def main(root: Path) -> None:
    """Run until the second stall."""
    ScriptedEngine.sample = stalling  # type: ignore[method-assign]
    lab = Lab(root)
    try:
        lab.bring_up_to_date(PAIRS)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    lab.bring_up_to_date(PAIRS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
