"""Outcomes at the forks of a trace (ericb-goodfire/forking-fast): branches with probabilities, rollouts of each.

Belongs here: their stores and the weights of branches. Does not belong here: identity and tables
(:mod:`cot_assets.importing.frames`).

A store ``rowNNN.json.gz`` holds one question: ``base`` is the trace (``token_texts``), ``branches`` has one entry per
position ``t`` and next token that was kept there: its probability ``tok_p``, and ``answers``, the category of each of its
``s`` rollouts ("Other": none of the choices). The prefix of position t is the text before token t.

What is worth knowing of the numbers:

* The potential of a position is the mean of its branches' shares, weighted by their probabilities: what the source plots
  (``o_t_full``), and compared with it here.
* Rollouts of one position have unequal weights, so n is not what it seems. A rollout weighs its branch's probability
  over its branch's number of rollouts, and n_effective = (sum of weights)^2 / (sum of their squares): Kish, Survey
  Sampling (1965), section 11.7. It is what the interval is made of (Jeffreys' with the effective size in place of n, as
  in Franco, Little, Louis and Slud 2019). Where one branch was kept, all rollouts count once.
* Next tokens below ``p_thresh`` were not followed; the weights are normalized over those that were.
* The trace is the most likely one (temperature 0), its rollouts were sampled: it follows another law than they do.
"""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from cot_assets.grading.text.extract import extract_answer
from cot_assets.importing.base import (
    Counts,
    Cut,
    Imported,
    ImportingError,
    Problem,
    Source,
    Trace,
    Verdict,
    add_once,
    check_one_model,
)
from cot_assets.importing.cliff_token import token_ends
from cot_assets.importing.files import Record, checked_share, checked_text, files_in, read_json, records
from cot_assets.importing.frames import build
from cot_assets.study import CutPolicy

NAME = "forking-fast"
FILES = "row*.json*"
MAX_BRANCHES, MAX_ROLLOUTS = 200_000, 10_000  #: of a store, of a branch
_TOLERANCE = 1e-5  #: the source rounds its curve to six decimals
_SAMPLING = (
    "cont_temperature",
    "top_k",
    "p_thresh",
    "base_max_tokens",
    "cont_max_tokens",
    "base_temperature",
)
_OTHER = "Other"


@dataclass(frozen=True)
class _Branch:
    """A next token that was followed: its probability, its rollouts, and how many were correct."""

    weight: float
    n: int
    k: int


def import_forking_fast(*paths: Path, problem_set: str = NAME, model: str | None = None) -> list[Imported]:
    """Read stores, and every store below folders.

    Args:
        *paths: Files ``rowNNN.json.gz`` (or unpacked) and folders.
        problem_set: Name that the problems get.
        model: Name of the model; default: the last part of the store's own.

    Returns:
        One result per model, by name.

    Raises:
        ImportingError: The layout is another one, or a store is malformed, too large or contradicts itself.
    """
    traces: defaultdict[str, dict[str, Trace]] = defaultdict(dict)
    sources: dict[str, Source] = {}
    told: set[str | None] = set()
    for file in files_in(paths, FILES, "store rowNNN.json.gz"):
        record = Record(read_json(file), str(file))
        meta = record.part("meta")
        told.add(meta.optional_text("model"))
        check_one_model(model, told)
        name = model or meta.text("model").rpartition("/")[2]
        source = _source(record, meta)
        if sources.setdefault(name, source) != source:
            raise ImportingError(
                f"{file}: model {name!r} was sampled in another way than in the stores before; import it into another "
                "problem set"
            )
        trace = _read_trace(record, meta)
        add_once(traces[name], trace.problem.problem_id, trace, str(file))
    return [
        build(sources[name], name, problem_set, list(found.values()), notes=_NOTES, sum_shared=False)
        for name, found in sorted(traces.items())
    ]


_NOTES = (
    "Rollouts have weights (the probabilities of the next tokens that they begin with): potentials are weighted shares, "
    "and n_effective says how many rollouts of equal weights tell as much",
    "Traces are the most likely ones (temperature 0), their rollouts were sampled",
)


def _source(record: Record, meta: Record) -> Source:
    config = Record(record.value.get("config") or {}, f"{record.where}: config")
    numbers = {
        name: config.value[name] for name in _SAMPLING if isinstance(config.value.get(name), int | float)
    }
    policy: CutPolicy = "sentences" if meta.text("selector").startswith("sentence") else "tokens"
    return Source(NAME, policy, {"rollouts_per_branch": record.value.get("s"), **numbers})


def _read_trace(record: Record, meta: Record) -> Trace:
    choices = [
        checked_text(str(choice), f"{meta.where}: 'choices'").strip() for choice in meta.items("choices")
    ]
    gold = meta.text("answer_letter")
    if not 1 < len(choices) <= len(ascii_uppercase) or gold not in ascii_uppercase[: len(choices)]:
        raise ImportingError(
            f"{meta.where}: {len(choices)} choices and the answer {gold[:40]!r} do not fit together"
        )
    listed = [f"{letter}) {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False)]
    row = meta.value.get("row_id")
    if isinstance(row, bool) or not isinstance(row, int | str):
        raise ImportingError(f"{meta.where}: 'row_id' should hold a number, found {type(row).__name__}")
    problem = Problem(
        f"row{row:03}" if isinstance(row, int) else row,
        "\n".join([meta.text("question"), *listed]),
        gold,
        "multiple_choice",
        subject=meta.optional_text("track"),
    )
    base = record.part("base")
    text, ends = _tokens(base)
    token_ids = base.token_ids("gen_ids")
    if len(token_ids) != len(ends):
        raise ImportingError(
            f"{base.where}: 'gen_ids' does not hold a token id for each of {len(ends)} 'token_texts'"
        )
    cuts, notes = _cuts(record, problem, ends)
    answer = extract_answer(text, problem.answer_kind, rules=("boxed", "statement")).answer
    return Trace(problem, text, len(ends), answer, _verdict(base, answer, gold), tuple(cuts),
                 token_ids=token_ids, char_ends=tuple(ends), notes=notes)  # fmt: skip


def _verdict(base: Record, answer: str | None, gold: str) -> Verdict:
    if answer is not None:
        return "correct" if answer == gold else "incorrect"
    return "truncated" if base.optional_text("finish_reason") == "length" else "no_answer"


def _tokens(base: Record) -> tuple[str, list[int]]:
    """The text of the trace, and the characters that are complete after each token."""
    tokens = [checked_text(str(token), f"{base.where}: 'token_texts'") for token in base.items("token_texts")]
    joined = "".join(tokens)
    if "Ġ" not in joined or " " in joined:
        return joined, token_ends(joined, tokens, base.where)
    decoder, text, ends = codecs.getincrementaldecoder("utf-8")("replace"), "", list[int]()
    for token in tokens:
        if unknown := [character for character in token if character not in _BYTES]:
            raise ImportingError(
                f"{base.where}: the token {token[:40]!r} holds {unknown[0]!r}, which spells no byte"
            )
        text += decoder.decode(bytes(_BYTES[character] for character in token))
        ends.append(len(text))
    return text, ends


def _spelled_bytes() -> dict[str, int]:
    """The byte that each character means in tokens of byte-level BPE (GPT-2's ``bytes_to_unicode``)."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


_BYTES = _spelled_bytes()


def _cuts(record: Record, problem: Problem, ends: Sequence[int]) -> tuple[list[Cut], tuple[str, ...]]:
    """The cuts with their counts, the empty prefix first, and what to know of the weights."""
    by_position: defaultdict[int, list[_Branch]] = defaultdict(list)
    branches = record.items("branches")
    if len(branches) > MAX_BRANCHES:
        raise ImportingError(f"{record.where}: {len(branches):,} branches; at most {MAX_BRANCHES:,} are read")
    for branch in records(branches, f"{record.where}: branches"):
        t = branch.value.get("t")
        if type(t) is not int or not 0 <= t < len(ends):
            raise ImportingError(
                f"{branch.where}: t = {t!r:.80} is not a position of a trace of {len(ends)} tokens"
            )
        by_position[t].append(_branch(branch, problem))
    counts = {t: weighted_counts(found) for t, found in by_position.items()}
    _compare(record, problem, counts)
    cuts = [Cut(ends[t - 1] if t else 0, t, counts[t]) for t in sorted({0, *counts}) if t in counts]
    if 0 not in counts:
        cuts.insert(0, Cut(0, 0, Counts(n=0, n_correct=0)))
    followed = min((sum(branch.weight for branch in found) for found in by_position.values()), default=1.0)
    note = f"{problem.problem_id}: at every position next tokens of at least {followed:.0%} probability were followed"
    return cuts, (note,)


def _branch(branch: Record, problem: Problem) -> _Branch:
    weight = checked_share(branch.value.get("tok_p"), f"{branch.where}: 'tok_p'")
    answers = branch.items("answers")
    if not 1 <= len(answers) <= MAX_ROLLOUTS or not weight:
        raise ImportingError(
            f"{branch.where}: {len(answers):,} rollouts of probability {weight:g}; a branch has 1 to {MAX_ROLLOUTS:,} and "
            "a probability above 0"
        )
    known = {*ascii_uppercase, _OTHER}
    if odd := [answer for answer in answers if not isinstance(answer, str) or answer not in known]:
        raise ImportingError(f"{branch.where}: 'answers' holds {odd[0]!r:.80}; known: letters and {_OTHER}")
    return _Branch(weight, len(answers), answers.count(problem.gold_answer))


def weighted_counts(branches: Sequence[_Branch]) -> Counts:
    """Counts of a position: all rollouts, the weighted share of correct ones, and Kish's effective number of rollouts.

    With weights w of the branches that sum to 1 and n rollouts of each, n_effective = 1 / sum(w^2 / n).
    """
    total = sum(branch.weight for branch in branches)
    n, k = sum(branch.n for branch in branches), sum(branch.k for branch in branches)
    if len(branches) == 1:
        return Counts(n=n, n_correct=k)
    share = sum(branch.weight * (branch.k / branch.n) for branch in branches) / total
    effective = total**2 / sum(branch.weight**2 / branch.n for branch in branches)
    return Counts(n=n, n_correct=k, n_effective=effective, potential=min(1.0, share))


def _compare(record: Record, problem: Problem, counts: dict[int, Counts]) -> None:
    """Raise where the store's own curve says something else."""
    if not (record.has("o_t_full") and record.has("idxs") and record.has("categories")):
        return
    curve, positions, categories = (record.items(name) for name in ("o_t_full", "idxs", "categories"))
    if problem.gold_answer not in categories or len(curve) != len(positions):
        raise ImportingError(f"{record.where}: 'o_t_full', 'idxs' and 'categories' do not fit together")
    column = categories.index(problem.gold_answer)
    for t, row in zip(positions, curve, strict=True):
        there = counts.get(t) if isinstance(t, int) else None
        said = row[column] if isinstance(row, list) and column < len(row) else None
        published = checked_share(said, f"{record.where}: 'o_t_full' at position {t!r:.40}")
        found = None if there is None else there.potential
        if found is None and there is not None and there.n:
            found = (there.n_correct or 0) / there.n
        if found is None or abs(found - published) > _TOLERANCE:
            raise ImportingError(
                f"{record.where}: at position {t} the branches give a potential of {found}, 'o_t_full' says {published}; the "
                "store contradicts itself"
            )
