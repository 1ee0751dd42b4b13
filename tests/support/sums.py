"""A sampling plan of the scripted engine, for tests that sample without Dagster."""

from __future__ import annotations

from pathlib import Path

from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_rollouts
from cot_assets.study import ModelEntry, Protocol
from support.scripted import ScriptedEngine, scripted_folder, statement

PROTOCOL = Protocol(name="p", n=32, max_tokens=200, temperature=1.0, top_p=1.0)


def scripted_engine(folder: Path, **args: object) -> ScriptedEngine:
    """A script whose model folder is ``folder``."""
    entry = ModelEntry(name="m", engine="openvino", path=str(scripted_folder(folder)), engine_args=args)
    return ScriptedEngine(entry)


def plan_of(engine: ScriptedEngine, n_prompts: int, protocol: Protocol = PROTOCOL) -> list[PlannedBlock]:
    """Blocks for the empty prefixes of so many sums."""
    prompts = [engine.render_prompt(statement(i, 1)) for i in range(n_prompts)]
    prefixes = [Prefix(str(i), ids, len(ids)) for i, ids in enumerate(prompts)]
    return plan_rollouts(prefixes, protocol, engine.describe())
