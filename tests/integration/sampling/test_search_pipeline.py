"""search_traces through Dagster: interrupted, switched off, refused; and once with the embedded engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.lab import Lab, ScriptedEngines
from support.scripted import ScriptedEngine
from support.searching import World

from cot_assets.definitions import build_defs
from cot_assets.engines.opening import open_engine
from cot_assets.measures.search.greedy import is_chunk
from cot_assets.orchestration.runs import PipelineError, execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import ensure_partitions
from cot_assets.sampling.plan import Prefix
from cot_assets.study import Protocol, load_config

SEARCH = {
    "search_problems": 2, "search_candidates": 4, "search_chunk": 24, "search_n": 16,
    "search_fresh_n": 16,
}  # fmt: skip
TABLES = ("search_traces", "search_steps", "search_effects", "blocks")
Run = Callable[..., None]


@contextmanager
def runs(lab: Lab, *models: str, **protocol: int) -> Iterator[Run]:
    """A function that materializes assets of a scripted model; the problems are loaded."""
    lab.write_sums(protocol={**SEARCH, **protocol})
    with lab.instance() as instance:
        ensure_partitions(instance, list(models), ["sums"])
        definitions = build_defs(resource_overrides={"engines": ScriptedEngines()})
        execute(definitions, instance, Unit("load_problems", "sums"), assets=["problems"])

        def run(model: str, *assets: str) -> None:
            execute(definitions, instance, Unit("evaluate_model", "sums", model), assets=assets)

        yield run


@pytest.mark.heavy
def test_a_search_that_broke_off_goes_on_and_samples_nothing_twice(tmp_path: Path) -> None:
    lab, whole = Lab(tmp_path / "one"), Lab(tmp_path / "other")
    ScriptedEngine.sampled.clear()
    with runs(lab, "m") as run:
        # At most seven blocks of a wave come back: six traces do, eight candidates or rollouts do not.
        lab.write_script("m", fail_after=7)
        for assets in (("traces", "search_traces"), ("search_traces",)):
            with pytest.raises(PipelineError, match="fail_after"):
                run("m", *assets)
        lab.write_script("m")
        run("m", "search_traces")
    keys = list(ScriptedEngine.sampled)
    assert len(keys) == len(set(keys))

    whole.write_script("m")
    with runs(whole, "m") as run:
        run("m", "traces", "search_traces")
    for name in TABLES:
        assert whole.table(name).height
        assert whole.table(name).equals(lab.table(name)), name
    steps = whole.table("search_steps", arm="searched")
    chosen = steps.filter(steps["n_candidates"].is_not_null() & ~steps["is_end"])
    assert chosen.select("n_candidates", "selection_n", "n").unique().rows() == [(4, 16, 16)]
    arms = whole.table("search_traces").group_by("arm").len().sort("arm")
    assert arms.rows() == [("sampled", 2), ("searched", 2)]
    # Every run is in the ledger, those that broke off too; the waves of one run are one row.
    one, other = (each.table("sampling_runs", asset="search_traces") for each in (lab, whole))
    assert (one.height, other.height) == (3, 1)
    assert one["n_blocks"].sum() == other["n_blocks"].sum()


def test_without_search_no_engine_is_opened_and_imported_models_are_refused(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_script("m")
    lab.write(models={"published": {"engine": "imported"}})
    with runs(lab, "m", "published", search_problems=0) as run:
        run("m", "search_traces")
        assert lab.table("models").is_empty()
        assert lab.table("search_traces").is_empty()
        with pytest.raises(PipelineError, match=r"published.* imported"):
            run("published", "search_traces")


def test_the_embedded_engine_finds_the_same_trace_again() -> None:
    """For real: chunks of a fixed length, ended by the model, reproducible block by block."""
    config = load_config()
    engine = open_engine(config.model("demo-weak"))
    protocol = Protocol(
        name="p", max_tokens=400, temperature=1.0, top_p=1.0, search_candidates=2, search_chunk=40,
        search_n=16, search_fresh_n=16,
    )  # fmt: skip
    try:
        prompt = engine.render_prompt("What is 7^5 mod 11?")
        found = []
        for _ in range(2):
            world = World(engine, protocol, gold="10")
            found.append(world.search_from([Prefix("p", prompt, len(prompt))])[0])
            chunks = [p.block for p in world.drawn if is_chunk(p)]
            assert {block.max_new_tokens for block in chunks} <= {40, *range(1, 40)}
        assert found[0] == found[1]
        assert found[0].is_complete
        assert all(len(chunk) == 40 for chunk in found[0].chunks[:-1])
    finally:
        engine.close()
