"""Greedy search for searched traces: the bias of selection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from support.searching import PROTOCOL, World
from support.sums import scripted_engine

from cot_assets.measures.search.greedy import count, fresh_blocks
from simulations import Row


def selection_bias(repeats: int) -> Iterator[Row]:
    """Greedy search on a scripted engine of known potentials; ``repeats`` problems a row.

    Errors are estimate minus exact potential of the kept chunk; gain is its exact potential minus the mean
    over all candidates.
    """
    for candidates, n in ((2, 16), (4, 16), (8, 16), (4, 64), (8, 64)):
        protocol = PROTOCOL.model_copy(update={"search_candidates": candidates, "search_n": n})
        with TemporaryDirectory() as folder:
            world = World(scripted_engine(Path(folder), skill=0.6, mend=0.15), protocol)
            searches = world.search(repeats)
        info = world.engine.describe()
        errors: dict[str, list[float]] = {"selection": [], "fresh": [], "gain": []}
        for search in searches:
            for number, step in enumerate(search.steps, 1):
                if step.choice.is_end:
                    continue
                prefix = search.prefix(number)
                blocks = fresh_blocks(prefix, protocol, info)
                fresh = count(world.draw(blocks), blocks)
                truth = world.truth(prefix, 0.6, 0.15)
                rivals = [search.prefix(number - 1, more=c.token_ids) for c in step.candidates]
                errors["selection"].append(float(step.choice.estimate or 0.0) - truth)
                errors["fresh"].append(fresh.n_correct / fresh.n - truth)
                errors["gain"].append(truth - float(np.mean([world.truth(p, 0.6, 0.15) for p in rivals])))
        row: Row = {"candidates": candidates, "n": n, "chunks": len(errors["gain"])}
        for name, values in errors.items():
            row[name] = float(np.mean(values))
            row[f"se {name}"] = float(np.std(values, ddof=1) / np.sqrt(len(values)))
        right = [search.steps[-1].choice.verdict == "correct" for search in searches]
        yield {**row, "right": float(np.mean(right)), "V0": world.truth(searches[0].prompt, 0.6, 0.15)}
