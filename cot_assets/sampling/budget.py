"""What a study will take before it is sampled: rollouts, tokens, hours, disk.

Belongs here: counting from a protocol, and expectations from what was sampled before. Does not belong
here: reading tables and files (the caller), printing (:mod:`cot_assets.cli`), what was spent
(``sampling_runs``).

There are two figures. *At most* follows from the protocol alone: every trace is long enough for
every cut, every completion uses the whole budget. *Expected* uses what the same model did before, and is
None where it has not done anything comparable; nothing is guessed in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from cot_assets.study import Protocol

#: Bytes per generated token in shards where none were written yet. Measured: 0.9 for the demo models' 396
#: tokens; ids of a large vocabulary take up to 3 bytes and their text about as much, compressed.
ASSUMED_BYTES = 6.0


@dataclass(frozen=True)
class Work:
    """One engine run to come. ``expected_*`` is None where nothing is known; ``basis`` says what it rests on.

    ``tokens`` are generated tokens; reading prompts and prefixes is not counted. ``is_done``: measured
    already under this protocol.
    """

    asset: str
    label: str
    most_rollouts: int
    most_tokens: int
    expected_rollouts: float | None
    expected_tokens: float | None
    basis: str
    is_done: bool = False


@dataclass(frozen=True)
class Known:
    """What tables hold of the model and its writers, all empty if nothing.

    ``traces``: of the model on any problem set: problem_set, sampling_hash, n_tokens. ``cuts``: of the
    model's traces, a row per trace: sampling_hash, n_cuts (the end not counted). ``runs``: the table
    ``sampling_runs`` of the model. ``done``: assets that have run under the protocol on the problem set.
    ``n_writer_traces``: measured traces of every other model on the problem set.
    """

    traces: pl.DataFrame
    cuts: pl.DataFrame
    runs: pl.DataFrame
    done: frozenset[str]
    n_writer_traces: dict[str, int]
    done_writers: frozenset[str]


def plan_work(
    protocol: Protocol,
    n_problems: int,
    known: Known,
    new_writers: Sequence[str] = (),
    *,
    reads_only: bool = False,
) -> list[Work]:
    """The engine runs of one model on one problem set.

    Args:
        protocol: The problem set's.
        n_problems: Problems in the set.
        known: What was sampled before.
        new_writers: Other models that will be evaluated on the set in the same go.
        reads_only: Whether the model has no traces of its own.

    Returns:
        Traces, completions, the greedy search where there is one, and transfer from each writer,
        in that order.
    """
    rules, budget = protocol.sampling, _Budget(protocol, n_problems, known)
    works = [budget.start()] if reads_only else [budget.traces(), *budget.own()]
    if not reads_only and (searched := min(rules.search_problems, n_problems)):
        works.append(budget.search(searched))
    writers = {**dict.fromkeys(new_writers, measured_traces(protocol, n_problems)), **known.n_writer_traces}
    return works + [budget.given(*writer) for writer in sorted(writers.items())]


class _Budget:
    """Counts the engine runs of one model on one problem set."""

    def __init__(self, protocol: Protocol, n_problems: int, known: Known) -> None:
        self._protocol, self._n_problems, self._known = protocol, n_problems, known
        self._length, self._basis = _mean_length(protocol, known.traces)

    def _work(
        self,
        asset: str,
        label: str,
        most: int,
        expected: float | None,
        per_rollout: float | None,
        basis: str,
        *,
        most_tokens: int | None = None,
        is_done: bool | None = None,
    ) -> Work:
        """``most`` rollouts at most, ``expected`` of them expected; each takes the whole budget at most, unless ``most_tokens`` says less."""
        if most_tokens is None:
            most_tokens = most * self._protocol.sampling.max_tokens
        tokens = None if expected is None or per_rollout is None else expected * per_rollout
        is_done = asset in self._known.done if is_done is None else is_done
        return Work(asset, label, most, most_tokens, expected, tokens, basis, is_done)

    def traces(self) -> Work:
        """The model's own traces."""
        n = self._n_problems * self._protocol.sampling.traces_per_problem
        return self._work("traces", "traces", n, n, self._length, self._basis)

    def start(self) -> Work:
        """Rollouts of the bare problems, which a model with curves has among them."""
        n = self._n_problems * self._protocol.sampling.n_bare
        return self._work(
            "transfer_completions", "rollouts of the bare problems", n, n, self._length, self._basis
        )

    def own(self) -> list[Work]:
        """Rollouts of the model's own prefixes, and their exploration where sampling is adaptive."""
        rules, works = self._protocol.sampling, list[Work]()
        measured = measured_traces(self._protocol, self._n_problems)
        n_cuts, basis = _mean_cuts(self._protocol, self._known.cuts)
        if rules.measured == "correct":
            n_cuts = None
            basis = "prefixes unknown: only correct traces are measured, and how many will be is not known"
        if rules.is_adaptive:
            n_cuts, basis = (
                None,
                "prefixes unknown: adaptive sampling finds them; at most, every token is one",
            )
        most_cuts = rules.max_tokens if rules.is_adaptive else rules.max_cuts
        later = measured * (most_cuts - 1)
        if rules.is_adaptive:
            label, most = "exploration of its own prefixes", (self._n_problems + later) * rules.adaptive.most
            is_done = "completions" in self._known.done
            works.append(self._work("exploration", label, most, None, None, basis, is_done=is_done))
        per_rollout, rollout_basis = _mean_rollout(self._known.runs, "completions", self._length)
        bare = self._n_problems * rules.n_bare
        most, expected = bare + later * rules.n, None
        if n_cuts is not None:
            expected = bare + measured * (n_cuts - 1) * rules.n
        label, basis = "rollouts of its own prefixes", _joined(basis, rollout_basis)
        return [*works, self._work("completions", label, most, expected, per_rollout, basis)]

    def given(self, writer: str, n_traces: int) -> Work:
        """Rollouts of what the model is given of a writer's traces.

        At fraction 0 the reader has its own empty prefix, which is counted already.
        """
        known, rules = self._known, self._protocol.sampling
        most = n_traces * given_prefixes(self._protocol) * rules.n
        per_rollout, basis = _mean_rollout(known.runs, "transfer_completions", self._length)
        is_open = writer not in known.n_writer_traces and rules.measured == "correct"
        basis = _joined(basis, "as if no fractions shared a cut and every control existed")
        expected, is_done = None if is_open else most, writer in known.done_writers
        label = f"reading {writer}"
        return self._work("transfer_completions", label, most, expected, per_rollout, basis, is_done=is_done)

    def search(self, n_problems: int) -> Work:
        """Searching and measuring on ``n_problems`` problems.

        The budget of the search holds for candidates and the rollouts that choose among them, and may be
        exceeded by one step; the rollouts that measure both arms come on top.
        """
        rules = self._protocol.sampling
        chunk, most_length, candidates = rules.search_chunk, rules.max_tokens, rules.search_candidates
        step = candidates * (1 + rules.search_n)
        step_tokens = candidates * (min(chunk, most_length) + rules.search_n * max(most_length - chunk, 0))
        most_steps = -(-most_length // chunk)
        most_measured = (1 + 2 * (most_steps - 1)) * rules.search_fresh_n
        most_tokens = (
            min(most_steps * step_tokens, rules.search_budget + step_tokens) + most_measured * most_length
        )
        per_rollout, basis = _mean_rollout(self._known.runs, "search_traces", self._length)
        expected = None
        if self._length is None:
            basis = _joined("chunks of the search unknown: no trace was sampled yet", basis)
        else:
            steps = max(1.0, self._length / chunk)
            expected = steps * step + (1 + 2 * (steps - 1)) * rules.search_fresh_n
            if per_rollout is not None and expected * per_rollout > rules.search_budget:
                basis = _joined(basis, "the budget of the search, search_budget, may end it earlier")
        return self._work(
            "search_traces",
            f"search on {n_problems} problem{'s' * (n_problems > 1)}",
            n_problems * (most_steps * step + most_measured),
            None if expected is None else n_problems * expected,
            per_rollout,
            basis,
            most_tokens=n_problems * most_tokens,
        )


def given_prefixes(protocol: Protocol) -> int:
    """The most prefixes that a reader is given of one trace, its own empty one not counted.

    Fractions may share a cut and a control may not exist: then there are fewer.
    """
    real = sum(f > 0 for f in protocol.sampling.transfer_fractions)
    return real + len(protocol.sampling.control_fractions) * len(protocol.sampling.controls)


def measured_traces(protocol: Protocol, n_problems: int) -> int:
    """The most traces that get a curve."""
    per_problem = (
        protocol.sampling.traces_per_problem
        if protocol.sampling.measured == "all"
        else protocol.sampling.measured_per_problem
    )
    return n_problems * per_problem


def total(works: Iterable[Work]) -> tuple[int, int, float | None, float | None]:
    """(most rollouts, most tokens, expected rollouts, expected tokens) of what is not done."""
    left = [work for work in works if not work.is_done]

    def add(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    return (
        sum(work.most_rollouts for work in left),
        sum(work.most_tokens for work in left),
        add([work.expected_rollouts for work in left]),
        add([work.expected_tokens for work in left]),
    )


def measured_rate(runs: pl.DataFrame) -> tuple[float, str] | None:
    """Generated tokens per second of the model's latest engine and device, with their names; None if never."""
    spent = runs.filter((pl.col("seconds") > 0) & (pl.col("generated_tokens") > 0)).sort("started_at")
    if spent.is_empty():
        return None
    engine, device = spent.select("engine", "device").row(-1)
    own = spent.filter((pl.col("engine") == engine) & (pl.col("device") == device))
    rate = float(own["generated_tokens"].sum()) / float(own["seconds"].sum())
    return rate, f"{engine}, {device}, {own.height} run{'s' * (own.height > 1)}"


def _joined(*bases: str) -> str:
    return "; ".join(dict.fromkeys(basis for basis in bases if basis))


def _mean_length(protocol: Protocol, traces: pl.DataFrame) -> tuple[float | None, str]:
    """Mean tokens of the model's traces: under this protocol, else under others within its budget."""
    same = traces.filter(pl.col("sampling_hash") == protocol.sampling_hash)
    pool = same if same.height else traces
    if pool.is_empty():
        return None, "length of its traces unknown: none sampled yet"
    mean = min(float(pool.select(pl.col("n_tokens").mean()).item()), float(protocol.sampling.max_tokens))
    where = "" if same.height else f" (of other protocols: {', '.join(sorted(set(pool['problem_set'])))})"
    return mean, f"{pool.height:,} of its traces had {mean:,.0f} tokens on average{where}"


def _mean_cuts(protocol: Protocol, cuts: pl.DataFrame) -> tuple[float | None, str]:
    """Mean measured cuts of a trace under this protocol."""
    same = cuts.filter(pl.col("sampling_hash") == protocol.sampling_hash)
    if same.height:
        mean = float(same.select(pl.col("n_cuts").mean()).item())
        return mean, f"{same.height:,} traces had {mean:.1f} cuts on average"
    if protocol.sampling.cut_policy == "tokens":
        # Equal token lengths: only a trace of fewer tokens than cuts has fewer.
        return float(protocol.sampling.max_cuts), ""
    return (
        None,
        f"cuts per trace unknown: they are at {protocol.sampling.cut_policy}, and no trace was cut yet",
    )


def _mean_rollout(runs: pl.DataFrame, asset: str, length: float | None) -> tuple[float | None, str]:
    """Mean tokens of a rollout from a prefix: of runs of the asset, else of any rollouts, else from traces."""
    for assets in ((asset,), ("completions", "transfer_completions")):
        own = runs.filter(pl.col("asset").is_in(assets) & (pl.col("n_rollouts") > 0))
        if own.height:
            n_rollouts = int(own["n_rollouts"].sum())
            mean = float(own["generated_tokens"].sum()) / n_rollouts
            where = ", ".join(sorted(set(own["problem_set"])))
            return mean, f"{n_rollouts:,} of its rollouts ({where}) had {mean:,.0f} tokens on average"
    if length is None:
        return None, "length of its rollouts unknown: none sampled yet"
    return length / 2, f"half a trace, {length / 2:,.0f} tokens, taken for a rollout: none sampled yet"
