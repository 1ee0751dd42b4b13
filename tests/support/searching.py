"""The search for a better trace on the scripted engine, whose potentials are known exactly.

Belongs here: sampling and grading what a search asks for, without Dagster, shards and grader processes.
Does not belong here: the engine (``support.scripted``) and assertions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from cot_assets.engines.base import BlockResult
from cot_assets.measures.search.effects import judge_searches, judge_steps, search_effects
from cot_assets.measures.search.greedy import Outcome, Search, search_all
from cot_assets.measures.search.tables import Measured, first_traces, measuring_plan, used_rollouts
from cot_assets.sampling.cuts import char_ends
from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_traces, sampling_of
from cot_assets.study import Protocol
from support.scripted import potential, statement
from support.views import shown_estimates

#: Two candidates a step: a step's line is 16 to 18 bytes, so chunks end within lines and characters.
PROTOCOL = Protocol(
    name="p", max_tokens=200, temperature=1.0, top_p=1.0, search_problems=1, search_candidates=4,
    search_chunk=20, search_n=16, search_fresh_n=32,
)  # fmt: skip
_BOX = re.compile(r"\\boxed\{(-?\d+)\}")


def gold_of(prompt: str) -> str:
    """The correct answer of a scripted question."""
    first, second = re.findall(r"-?\d+", prompt)[:2]
    return str(int(first) + int(second))


@dataclass
class World:
    """An engine with what was drawn from it, by block key; ``gold`` where it is not scripted."""

    engine: Any
    protocol: Protocol = PROTOCOL
    gold: str | None = None
    outcomes: dict[str, tuple[Outcome, ...]] = field(default_factory=dict)
    drawn: list[PlannedBlock] = field(default_factory=list)

    def prompts(self, n: int) -> list[Prefix]:
        """Empty prefixes of so many questions."""
        ids = [self.engine.render_prompt(statement(i, 1)) for i in range(n)]
        return [Prefix(f"p{i}", tokens, len(tokens)) for i, tokens in enumerate(ids)]

    def draw(self, plan: Sequence[PlannedBlock]) -> dict[str, tuple[Outcome, ...]]:
        """Sample what was not yet drawn, and grade it."""
        new = {p.block.key: p for p in plan if p.block.key not in self.outcomes}
        self.drawn += new.values()
        for result in self.engine.sample((p.block for p in new.values()), sampling_of(self.protocol)):
            if not isinstance(result, BlockResult):
                continue
            prefix = new[result.block.key].prefix
            graded: list[Outcome] = []
            for completion in result.completions:
                ids = (*prefix.token_ids, *completion.token_ids)
                boxes = _BOX.findall(self.engine.decode(ids[prefix.n_prompt :]))
                verdict = "truncated" if completion.finish_reason == "length" else "no_answer"
                if boxes:
                    gold = self.gold or gold_of(self.engine.decode(ids))
                    verdict = "correct" if boxes[-1] == gold else "incorrect"
                graded.append(
                    Outcome(
                        completion.token_ids,
                        completion.finish_reason,
                        len(completion.token_ids),
                        boxes[-1] if boxes else None,
                        verdict,
                    )
                )
            self.outcomes[result.block.key] = tuple(graded)
        return self.outcomes

    def search(self, n_problems: int) -> list[Search]:
        """Search on so many scripted problems to the end."""
        return self.search_from(self.prompts(n_problems))

    def search_from(self, prompts: Sequence[Prefix]) -> list[Search]:
        """Search from these prompts to the end."""
        return search_all(prompts, self.protocol, self.engine.describe(), self.draw)

    def truth(self, prefix: Prefix, skill: float, mend: float) -> float:
        """The exact potential of a prefix, of an endless budget; tokens are bytes."""
        return potential(bytes(prefix.token_ids[prefix.n_prompt :]), skill, mend)

    def traces(self, prompts: Sequence[Prefix]) -> pl.DataFrame:
        """Sampled traces, with the columns of ``traces`` that the other arm needs."""
        plan = plan_traces(prompts, self.protocol, self.engine.describe())
        found = self.draw(plan)
        rows = []
        for planned in plan:
            outcome, name = found[planned.block.key][0], planned.prefix.problem_id
            text, ids = self.engine.decode(outcome.token_ids), list(outcome.token_ids)
            rows.append(
                {
                    "problem_id": name, "sample_index": planned.first_sample,
                    "trace_id": f"{name} {planned.first_sample}", "token_ids": ids, "text": text,
                    "char_ends": char_ends(self.engine.decode, ids), "answer": outcome.answer,
                    "verdict": outcome.verdict, "n_tokens": outcome.n_tokens,
                }
            )  # fmt: skip
        return pl.DataFrame(rows)

    def tables(self, n_problems: int) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        """The tables of a search on so many problems by name, and the rollouts of chosen chunks by use."""
        info, searches = self.engine.describe(), self.search(n_problems)
        traces = self.traces([search.prompt for search in searches])
        sampled = first_traces(traces)
        self.draw(measuring_plan(searches, sampled, self.protocol, info))
        names = {"problem_set": "s", "model": "m"}
        measured = Measured(self.outcomes, self.engine.decode, self.protocol, info, names)
        counted, steps = measured.rows(searches, sampled)
        steps = judge_steps(steps, self.protocol)
        counted = counted.with_columns(model_revision=pl.lit("r"), grader_version=pl.lit("g"))
        found = judge_searches(counted, steps, self.protocol)
        effects = search_effects(found, steps, traces, self.protocol)
        tables = {
            "search_traces": found,
            "search_steps": steps,
            "search_effects": shown_estimates("search_effects", effects),
        }
        return tables, used_rollouts(searches, self.outcomes, self.protocol, info)
