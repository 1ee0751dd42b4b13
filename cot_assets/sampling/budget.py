"""What a study will take before it is sampled: rollouts, tokens, hours, disk.

Belongs here: counting from a protocol, and expectations from what was sampled before. Does not belong
here: reading tables and files (the caller), printing (:mod:`cot_assets.cli`), what was spent
(``sampling_runs``).

Two figures stand side by side. *At most* follows from the protocol alone: every trace is long enough for
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
    most_prefixes: int
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
    protocol: Protocol, n_problems: int, known: Known, new_writers: Sequence[str] = ()
) -> list[Work]:
    """The engine runs of one model on one problem set.

    Args:
        protocol: The problem set's.
        n_problems: Problems in the set.
        known: What was sampled before.
        new_writers: Other models that will be evaluated on the set in the same go.

    Returns:
        Traces, completions, the greedy search where there is one, and transfer from each writer,
        in that order.
    """
    rules = protocol.sampling
    length, basis = _mean_length(protocol, known.traces)
    n_traces = n_problems * rules.traces_per_problem
    expected = None if length is None else n_traces * length
    works = [
        Work(
            "traces",
            "traces",
            n_problems,
            n_traces,
            n_traces * rules.max_tokens,
            n_traces,
            expected,
            basis,
            "traces" in known.done,
        ),
        *_own_works(protocol, n_problems, known, length),
    ]
    if searched := min(rules.search_problems, n_problems):
        works.append(_search_work(protocol, searched, known, length))
    writers = {**dict.fromkeys(new_writers, measured_traces(protocol, n_problems)), **known.n_writer_traces}
    return works + [_given_work(protocol, *writer, known, length) for writer in sorted(writers.items())]


def _own_works(protocol: Protocol, n_problems: int, known: Known, length: float | None) -> list[Work]:
    """Rollouts of the model's own prefixes, and their exploration where sampling is adaptive."""
    rules, is_done = protocol.sampling, "completions" in known.done
    measured = measured_traces(protocol, n_problems)
    n_cuts, basis = _mean_cuts(protocol, known.cuts)
    if rules.measured == "correct":
        n_cuts = None
        basis = "prefixes unknown: only correct traces are measured, and how many will be is not known"
    if rules.is_adaptive:
        n_cuts, basis = None, "prefixes unknown: adaptive sampling finds them; at most, every token is one"
    prefixes = n_problems + measured * ((rules.max_tokens if rules.is_adaptive else rules.max_cuts) - 1)
    works: list[Work] = []
    if rules.is_adaptive:
        label, rollouts = "exploration of its own prefixes", prefixes * rules.adaptive.most
        most_tokens = rollouts * rules.max_tokens
        works.append(Work("exploration", label, prefixes, rollouts, most_tokens, None, None, basis, is_done))
    per_rollout, rollout_basis = _mean_rollout(known.runs, "completions", length)
    expected = None if n_cuts is None else (n_problems + measured * (n_cuts - 1)) * rules.n
    works.append(
        Work(
            "completions",
            "rollouts of its own prefixes",
            prefixes,
            prefixes * rules.n,
            prefixes * rules.n * rules.max_tokens,
            expected,
            _times(expected, per_rollout),
            _joined(basis, rollout_basis),
            is_done,
        )
    )
    return works


def _given_work(protocol: Protocol, writer: str, n_traces: int, known: Known, length: float | None) -> Work:
    """Rollouts of what the model is given of a writer's traces.

    At fraction 0 the reader has its own empty prefix, which is sampled already.
    """
    rules, prefixes = protocol.sampling, n_traces * given_prefixes(protocol)
    per_rollout, basis = _mean_rollout(known.runs, "transfer_completions", length)
    is_open = writer not in known.n_writer_traces and rules.measured == "correct"
    expected = None if is_open else prefixes * rules.n
    return Work(
        "transfer_completions",
        f"reading {writer}",
        prefixes,
        prefixes * rules.n,
        prefixes * rules.n * rules.max_tokens,
        expected,
        _times(expected, per_rollout),
        _joined(basis, "as if no fractions shared a cut and every control existed"),
        writer in known.done_writers,
    )


def given_prefixes(protocol: Protocol) -> int:
    """The most prefixes that a reader is given of one trace, its own empty one not counted.

    Fractions may share a cut and a control may not exist: then there are fewer.
    """
    real = sum(f > 0 for f in protocol.sampling.transfer_fractions)
    return real + len(protocol.sampling.control_fractions) * len(protocol.sampling.controls)


def _search_work(protocol: Protocol, n_problems: int, known: Known, length: float | None) -> Work:
    """Searching and measuring on so many problems.

    The budget of the search holds for candidates and the rollouts that choose among them, and may be
    exceeded by one step; the rollouts that measure both arms come on top.
    """
    chunk, most_length = protocol.sampling.search_chunk, protocol.sampling.max_tokens
    step = protocol.sampling.search_candidates * (1 + protocol.sampling.search_n)
    step_tokens = protocol.sampling.search_candidates * (
        min(chunk, most_length) + protocol.sampling.search_n * max(most_length - chunk, 0)
    )
    most_steps = -(-most_length // chunk)
    most_measured = (1 + 2 * (most_steps - 1)) * protocol.sampling.search_fresh_n
    most_tokens = min(most_steps * step_tokens, protocol.sampling.search_budget + step_tokens)
    per_rollout, basis = _mean_rollout(known.runs, "search_traces", length)
    expected = None
    if length is None:
        basis = _joined("chunks of the search unknown: no trace was sampled yet", basis)
    else:
        steps = max(1.0, length / chunk)
        expected = steps * step + (1 + 2 * (steps - 1)) * protocol.sampling.search_fresh_n
        if per_rollout is not None and expected * per_rollout > protocol.sampling.search_budget:
            basis = _joined(basis, "the budget of the search, search_budget, may end it earlier")
    return Work(
        "search_traces",
        f"search on {n_problems} problem{'s' * (n_problems > 1)}",
        n_problems * (1 + most_steps * protocol.sampling.search_candidates + 2 * (most_steps - 1)),
        n_problems * (most_steps * step + most_measured),
        n_problems * (most_tokens + most_measured * most_length),
        None if expected is None else n_problems * expected,
        None if expected is None else _times(n_problems * expected, per_rollout),
        basis,
        "search_traces" in known.done,
    )


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


def _times(rollouts: float | None, tokens: float | None) -> float | None:
    return None if rollouts is None or tokens is None else rollouts * tokens


def _joined(*bases: str) -> str:
    return "; ".join(dict.fromkeys(basis for basis in bases if basis))


def _mean_length(protocol: Protocol, traces: pl.DataFrame) -> tuple[float | None, str]:
    """Mean tokens of the model's traces: under this protocol, else under others within its budget."""
    same = traces.filter(pl.col("sampling_hash") == protocol.sampling_hash)
    pool = same if same.height else traces
    if pool.is_empty():
        return None, "length of its traces unknown: none sampled yet"
    mean = min(float(pool["n_tokens"].to_numpy().mean()), float(protocol.sampling.max_tokens))
    where = "" if same.height else f" (of other protocols: {', '.join(sorted(set(pool['problem_set'])))})"
    return mean, f"{pool.height:,} of its traces had {mean:,.0f} tokens on average{where}"


def _mean_cuts(protocol: Protocol, cuts: pl.DataFrame) -> tuple[float | None, str]:
    """Mean measured cuts of a trace under this protocol."""
    same = cuts.filter(pl.col("sampling_hash") == protocol.sampling_hash)
    if same.height:
        mean = float(same["n_cuts"].to_numpy().mean())
        return mean, f"{same.height:,} traces had {mean:.1f} cuts on average"
    if protocol.sampling.cut_policy == "tokens":
        # Equal token lengths: only a trace of fewer tokens than cuts has fewer.
        return float(protocol.sampling.max_cuts), ""
    return (
        None,
        f"cuts per trace unknown: they stand at {protocol.sampling.cut_policy}, and no trace was cut yet",
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
