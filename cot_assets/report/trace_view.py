"""What the page of one trace shows: its text piece by piece, its events, its cuts and what the rules say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from cot_assets.report import numbers
from cot_assets.report.curve import Chart
from cot_assets.report.source import Row
from cot_assets.report.text import one_line, visible

MOST_CHARACTERS = 400_000  #: text shown of one trace; beyond it every stretch is abridged
MOST_PER_STRETCH = 60_000
MOST_DRAWN = 3  #: readers whose curves are in one picture; the table has all
_ABRIDGED = 200
_SHORT = 12  # characters per stretch below which numbers between them would drown the text
_TAG = re.compile(r"(</?(?:think|thinking|thought|reasoning|answer)>|<\|[A-Za-z0-9_]{1,40}\|>)")
_FROM_OTHERS = ("answer", "model_revision", "protocol")
JUDGED = ("spikes", "tangents", "lucky_guesses", "monotonicity")  #: views that :func:`build_trace_view` takes
#: What the texts that a model was given do to the problem, the first that is said of any of them.
_UNLOCKS = {"unlocked": "unlocked", "solved_before": "V0 not near 0, nothing to unlock",
            "undecided": "undecided, too few rollouts", "not_unlocked": "not unlocked"}  # fmt: skip
_SHARES = {"truncated_share": "Truncated", "no_answer_share": "No answer"}
SYMBOLS = {"insight": "▲", "tangent": "▼", "late_spike": "◆", "lucky_guess": "✱"}


TraceView = dict[str, Any]  #: from :func:`build_trace_view`


def _events(spikes: Sequence[Row], tangents: Sequence[Row], guesses: Sequence[Row]) -> list[Row]:
    """Everything that is marked in text and curve, in the order of the text; ``at`` is the cut that ends its text."""
    events = [{**row, "kind": "insight"} for row in spikes] + [{**row, "kind": "tangent"} for row in tangents]
    for event in events:
        event |= {"is_pair": True, "at": event["cut_index"] + 1, "value": numbers.change(event["delta"])}
    for row in guesses:
        if row["cut_index"] is not None and (row["by_threshold"] or row["is_confirmed"]):
            more = {"is_pair": False, "at": row["cut_index"], "value": numbers.potential(row["potential"])}
            events.append({**row, "kind": row["rule"], **more})
    events.sort(key=lambda event: (event["cut_index"], event["kind"]))
    for number, event in enumerate(events, 1):
        event["anchor"] = f"e{number}"
    return events


def _stretches(cuts: Sequence[Row], events: Sequence[Row]) -> list[Row]:
    """The text between two cuts, with the potential at the second one and the change since the first.

    ``cut`` counts the rows of the table of cuts. ``head`` and ``tail`` are the white space around the text, kept out
    of the colored part; ``pieces`` are its text, tags such as ``<think>`` apart.
    """
    stretches: list[Row] = []
    shown = 0
    for row, cut in enumerate(cuts[1:], 1):
        raw: str = cut["chunk"]
        body = raw.strip(" \n\t") or raw.strip("\n")  # a stretch of blanks alone keeps them
        n_head = raw.index(body) if body else 0
        limit = MOST_PER_STRETCH if shown < MOST_CHARACTERS else _ABRIDGED
        before, now = cuts[row - 1]["value"], cut["value"]
        stretches.append(
            {
                "cut": row, "value": now, "change": None if before is None or now is None else now - before,
                "head": raw[:n_head][:_ABRIDGED],
                "pieces": [(p, bool(_TAG.fullmatch(p))) for p in _TAG.split(visible(body, limit)) if p],
                "tail": raw[n_head + len(body) :][:_ABRIDGED],
                "is_end": cut["is_end"],
                "marks": [event for event in events if event["at"] == cut["cut_index"]],
            }
        )  # fmt: skip
        shown += min(len(raw), limit)
    return stretches


def _readers(read: Sequence[Row], cuts: Sequence[Row], n_tokens: int) -> list[Row]:
    """Each model that was given parts of the text: its points, the writer's cut of each, and which unlocks; that first."""
    at = {round(cut["fraction"], 9): cut for cut in cuts if not cut["is_end"]}
    readers: list[Row] = []
    for name, group in groupby(read, key=lambda row: row["reader"]):
        points = [
            {**row, "token_end": row["share"] * n_tokens, "writer": at.get(round(row["share"], 9))}
            for row in group
        ]
        states = [point["status"] for point in points]
        first = points[states.index("unlocked")] if "unlocked" in states else None
        told = next((words for state, words in _UNLOCKS.items() if state in states), "")
        told += f" at {numbers.percent(first['share'])}" if first else ""
        if not any(point["share"] for point in points):
            continue  # all that it was asked for is the bare problem
        readers.append({"name": one_line(name, 80), "points": points, "unlocked": first, "told": told})
    return sorted(readers, key=lambda reader: reader["unlocked"] is None)


def build_trace_view(
    trace: Row, cuts: Sequence[Row], judged: Mapping[str, Sequence[Row]], read: Sequence[Row] = ()
) -> TraceView:
    """What the page of one trace and cut policy shows.

    Args:
        trace: Row of ``traces``, without its text.
        cuts: Rows of ``trace_curves`` of the trace and policy, in order; ``answers`` in them is the prefix's row of
            ``answer_entropy``, if there is one.
        judged: Rows of each view of :data:`JUDGED`, of this trace and policy.
        read: Rows of ``trace_readers`` of the trace.

    Returns:
        The context of a trace's page but for links. ``is_fine``: stretches are too short for a number after each; numbers
        are hidden at first. ``steps``, ``guesses`` and ``monotonicity``: what the rules say. ``first``: rows from which on
        the answer is stated, or the gold answer in the text. ``shares``: columns of truncated and unanswered rollouts that
        differ between cuts; ``same``: what each of the others says at every cut. ``has_answers``: the source tells which
        answers they gave. ``readers``: other models that were given the text.
    """
    events = _events(judged["spikes"], judged["tangents"], judged["lucky_guesses"])
    marked = {event["rule"]: event for event in events if not event["is_pair"]}
    stretches = _stretches(cuts, events)
    flags = ("states_answer", "leaks_answer")
    shares = {label: {cut[label] for cut in cuts if not cut["is_end"]} for label in _SHARES}
    readers = _readers(read, cuts, trace["n_tokens"])
    return {
        "trace": {**trace, **{name: trace[name] and one_line(trace[name], 300) for name in _FROM_OTHERS}},
        "cut_policy": cuts[0]["cut_policy"],
        "chart": Chart(cuts, trace["n_tokens"], events, readers[:MOST_DRAWN]),
        "readers": readers,
        "lead": visible(cuts[0]["chunk"], MOST_PER_STRETCH),
        "stretches": stretches,
        "cuts": cuts,
        "first": {flag: next((row for row, cut in enumerate(cuts) if cut[flag]), None) for flag in flags},
        "steps": [event for event in events if event["is_pair"]],
        "guesses": [marked.get(row["rule"], row) for row in judged["lucky_guesses"]],
        "monotonicity": judged["monotonicity"],
        "is_fine": len(stretches) > 1 and sum(len(cut["chunk"]) for cut in cuts) < _SHORT * len(stretches),
        "shares": {name: _SHARES[name] for name, found in shares.items() if len(found) > 1},
        "same": {_SHARES[name]: found.pop() for name, found in shares.items() if len(found) == 1},
        "has_answers": any(cut.get("answers") for cut in cuts),
        "n_unknown": sum(cut["potential"] is None and not cut["is_end"] for cut in cuts),
    }
