"""What the page of one trace shows, worked out from the frames.

Belongs here: cutting the text at its cuts, matching events to stretches of text, the rows of the
page's tables. Does not belong here: markup (templates), geometry (:mod:`cot_assets.report.curve`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cot_assets.report import numbers
from cot_assets.report.colors import step_class
from cot_assets.report.curve import Chart, Row, build_chart, verdict_value
from cot_assets.report.data import ReportError
from cot_assets.report.text import one_line, visible

MOST_CHARACTERS = 400_000  #: text shown of one trace; beyond it every stretch is abridged
MOST_PER_STRETCH = 60_000
_ABRIDGED = 200
_SHORT = 12  # characters per stretch below which numbers between them would drown the text
_SHARES = ("n_truncated", "n_no_answer", "n_unscored")

SYMBOLS = {"insight": "▲", "tangent": "▼", "late_spike": "◆", "lucky_guess": "✱"}
LABELS = {
    "insight": "insight",
    "tangent": "tangent",
    "late_spike": "late spike",
    "lucky_guess": "lucky guess",
}


@dataclass(frozen=True)
class Mark:
    """An event where it happens in the text; ``rules`` says which of the two rules call it one."""

    kind: str
    symbol: str
    label: str
    value: str
    rules: str
    anchor: str


@dataclass(frozen=True)
class Stretch:
    """The text between two cuts, colored by the potential at the second one.

    ``cut`` counts the rows of the table of cuts. ``head`` and ``tail`` are the white space around the
    text, kept out of the colored part. ``chip`` is the potential in as little room as possible.
    """

    cut: int
    step: str
    head: str
    body: str
    tail: str
    chip: str
    is_end: bool
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class CutRow:
    """One row of the table of cuts."""

    name: str
    token: str
    share: str
    potential: str
    interval: str
    right: str
    truncated: str
    no_answer: str
    unscored: str
    notes: str
    step: str


@dataclass(frozen=True)
class RuleRow:
    """What one rule says about the trace; numbers as text, ``unknown`` where unknown."""

    anchor: str
    symbol: str
    label: str
    where: str
    stretch: int | None
    found: str
    interval: str
    n: str
    asked: str
    by_threshold: str
    probability: str
    is_confirmed: str
    note: str = ""


@dataclass(frozen=True)
class TraceView:
    """The context of ``trace.html.j2`` but for links to other pages.

    ``is_fine``: stretches are too short for a number after each; numbers are hidden at first.
    ``has_shares``: the source tells how many rollouts were truncated, unanswered or unscored.
    """

    trace: Row
    problem: Row
    cut_policy: str
    chart: Chart
    lead: str
    stretches: list[Stretch]
    cuts: list[CutRow]
    rules: list[RuleRow]
    is_measured: bool
    is_fine: bool
    has_shares: bool
    n_unknown: int
    n_marks: dict[str, int] = field(default_factory=dict)


def yes_no(value: bool | None) -> str:
    """``yes``, ``no`` or ``unknown``."""
    return numbers.UNKNOWN if value is None else ("yes" if value else "no")


def rules_of(by_threshold: bool | None, is_confirmed: bool | None) -> str:
    """Which rules call something an event, in words."""
    if by_threshold and is_confirmed:
        return "both rules"
    if by_threshold:
        return "threshold rule only"
    return "confirmed rule only" if is_confirmed else "neither rule, but likely"


def _marks(events: Sequence[Row]) -> dict[int, list[Mark]]:
    """Marks by the cut index that ends their stretch."""
    found: dict[int, list[Mark]] = {}
    for event in events:
        if event["is_pair"]:
            at, value = event["cut_index"] + 1, numbers.change(event["delta"])
        else:
            at, value = event["cut_index"], numbers.potential(event["potential"])
        kind = event["kind"]
        found.setdefault(at, []).append(
            Mark(
                kind,
                SYMBOLS[kind],
                LABELS[kind],
                value,
                rules_of(event["by_threshold"], event["is_confirmed"]),
                event["anchor"],
            )
        )
    return found


def _events(spikes: Sequence[Row], tangents: Sequence[Row], guesses: Sequence[Row]) -> list[Row]:
    """Everything that is marked in text and curve, in the order of the text."""
    events: list[Row] = []
    for kind, rows in (("insight", spikes), ("tangent", tangents)):
        events += [{**row, "kind": kind, "is_pair": True} for row in rows]
    for row in guesses:
        if row["cut_index"] is not None and (row["by_threshold"] or row["is_confirmed"]):
            events.append({**row, "kind": row["rule"], "is_pair": False})
    events.sort(key=lambda event: (event["cut_index"], event["kind"]))
    return [{**event, "anchor": f"e{i}"} for i, event in enumerate(events, 1)]


def _stretches(trace: Row, cuts: Sequence[Row], marks: dict[int, list[Mark]]) -> tuple[str, list[Stretch]]:
    """The text before the first cut (empty as a rule) and the stretches that end at a cut or the end."""
    text: str = trace["text"]
    shown = 0
    start = cuts[0]["char_end"] if cuts else 0
    lead = visible(text[:start], MOST_PER_STRETCH)
    stretches: list[Stretch] = []
    for row, cut in enumerate(cuts[1:], 1):
        end: int = cut["char_end"]
        if not start <= end <= len(text):
            raise ReportError(
                f"trace {trace['trace_id']!r}: cut {cut['cut_index']} ends at character {end}, but the one "
                f"before it at {start} and the text at {len(text)}; its cuts were made for another text"
            )
        raw = text[start:end]
        body = raw.strip(" \n\t") or raw.strip("\n")  # a stretch of blanks alone keeps them
        n_head = raw.index(body) if body else 0
        limit = MOST_PER_STRETCH if shown < MOST_CHARACTERS else _ABRIDGED
        value = verdict_value(trace["verdict"]) if cut["is_end"] else cut["potential"]
        stretches.append(
            Stretch(
                cut=row,
                step=step_class(value),
                head=raw[:n_head][:_ABRIDGED],
                body=visible(body, limit),
                tail=raw[n_head + len(body) :][:_ABRIDGED],
                chip="" if cut["is_end"] else numbers.short(value),
                is_end=cut["is_end"],
                marks=tuple(marks.get(cut["cut_index"], ())),
            )
        )
        shown += min(len(raw), limit)
        start = end
    if start < len(text):
        stretches.append(
            Stretch(len(cuts), "pu", "", visible(text[start:], MOST_PER_STRETCH), "", "", True, ())
        )
    return lead, stretches


def _n(cut: Row, key: str = "n") -> str:
    value = cut[key]
    if value is None:
        return numbers.UNKNOWN
    return ("≈ " if value and cut["is_n_approximate"] else "") + f"{value:,}"


def _cut_rows(cuts: Sequence[Row], trace: Row) -> list[CutRow]:
    rows: list[CutRow] = []
    stated = leaked = False
    for cut in cuts:
        notes: list[str] = []
        if cut["states_answer"] and not stated:
            notes.append("answer stated from here on")
        if cut["leaks_answer"] and not leaked:
            notes.append("gold answer in the text from here on")
        stated, leaked = stated or cut["states_answer"], leaked or cut["leaks_answer"]
        common = {
            "token": numbers.count(cut["token_end"]),
            "share": numbers.percent(cut["fraction"]) if cut["fraction"] else "0%",
            "notes": "; ".join(notes),
        }
        if cut["is_end"]:
            verdict = trace["verdict"].replace("_", " ")
            common["notes"] = "; ".join(["the trace's own verdict, not sampled", *notes])
            rows.append(
                CutRow(
                    name="end",
                    potential=verdict,
                    interval="",
                    right="",
                    truncated="",
                    no_answer="",
                    unscored="",
                    step=step_class(verdict_value(trace["verdict"])),
                    **common,
                )
            )
            continue
        right = numbers.UNKNOWN
        if cut["n"] is not None:
            right = f"{numbers.count(cut['n_correct'])} of {_n(cut)}"
        rows.append(
            CutRow(
                name=str(cut["cut_index"]),
                potential=numbers.potential(cut["potential"]),
                interval=numbers.interval(cut["ci_low"], cut["ci_high"]),
                right=right,
                truncated=_n(cut, "n_truncated"),
                no_answer=_n(cut, "n_no_answer"),
                unscored=_n(cut, "n_unscored"),
                step=step_class(cut["potential"]),
                **common,
            )
        )
    return rows


def _event_rule(event: Row, place: dict[int, int]) -> RuleRow:
    kind = event["kind"]
    if event["is_pair"]:
        after = event["cut_index"] + 1
        rise = kind == "insight"
        note = ""
        if kind == "tangent":
            note = "recovered later" if event["is_recovered"] else "not recovered"
        return RuleRow(
            anchor=event["anchor"],
            symbol=SYMBOLS[kind],
            label=LABELS[kind],
            where=f"cut {event['cut_index']} to {after}",
            stretch=place.get(after),
            found=f"{numbers.potential(event['potential_before'])} → "
            f"{numbers.potential(event['potential_after'])} ({numbers.change(event['delta'])})",
            interval=numbers.change_interval(event["delta_low"], event["delta_high"]),
            n=f"{event['n_before']:,}, {event['n_after']:,}",
            asked=f"{'rise' if rise else 'fall'} > {event['threshold']:.2f}",
            by_threshold=yes_no(event["by_threshold"]),
            probability=numbers.potential(event["probability"]),
            is_confirmed=yes_no(event["is_confirmed"]),
            note=note,
        )
    return _guess_rule(event, place, event["anchor"])


def _guess_rule(row: Row, place: dict[int, int], anchor: str) -> RuleRow:
    known = row["cut_index"] is not None
    return RuleRow(
        anchor=anchor,
        symbol=SYMBOLS[row["rule"]],
        label=LABELS[row["rule"]],
        where=f"cut {row['cut_index']}" if known else "no cut to judge",
        stretch=place.get(row["cut_index"]) if known else None,
        found=numbers.potential(row["potential"]),
        interval=numbers.interval(row["ci_low"], row["ci_high"]),
        n=numbers.count(row["n"]),
        asked=f"potential < {row['threshold']:.2f}",
        by_threshold=yes_no(row["by_threshold"]),
        probability=numbers.potential(row["probability"]),
        is_confirmed=yes_no(row["is_confirmed"]),
        note=f"bound {numbers.potential(row['guess_bound'])} at V0 = {numbers.potential(row['v0'])}"
        if row["guess_bound"] is not None
        else "",
    )


def _monotone_rule(row: Row) -> RuleRow:
    return RuleRow(
        anchor="",
        symbol="",
        label="monotone",
        where=f"{row['n_pairs']:,} pairs of {row['n_cuts']:,} cuts",
        stretch=None,
        found=f"largest fall {numbers.potential(row['max_drop'])}",
        interval="",
        n="",
        asked=f"no fall > {row['tolerance']:.2f}",
        by_threshold=yes_no(row["by_threshold"]),
        probability=numbers.potential(row["probability"]),
        is_confirmed=yes_no(row["is_confirmed"]),
        note=f"V0 = {numbers.potential(row['v0'])}"
        + ("; solved without CoT" if row["is_solved_without_cot"] else ""),
    )


def build_trace_view(
    trace: Row,
    problem: Row,
    cut_policy: str,
    cuts: Sequence[Row],
    *,
    spikes: Sequence[Row] = (),
    tangents: Sequence[Row] = (),
    guesses: Sequence[Row] = (),
    monotonicity: Sequence[Row] = (),
) -> TraceView:
    """Gather what the page of one trace and cut policy shows.

    Args:
        trace: Row of ``traces``.
        problem: Row of ``problems``; may hold only ``problem_id`` where the problem is not known.
        cut_policy: The policy that the cuts follow.
        cuts: Rows of ``curves``, in order.
        spikes: Rows of ``spikes`` of this trace and policy.
        tangents: Rows of ``tangents``.
        guesses: Rows of ``lucky_guesses``.
        monotonicity: The row of ``monotonicity``, if there is one.

    Raises:
        ReportError: The cuts do not fit the text.
    """
    events = _events(spikes, tangents, guesses)
    marked = {event["rule"] for event in events if not event["is_pair"]}
    place = {cut["cut_index"]: row for row, cut in enumerate(cuts)}
    lead, stretches = _stretches(trace, cuts, _marks(events))
    rules = [_event_rule(event, place) for event in events]
    rules += [_guess_rule(row, place, "") for row in guesses if row["rule"] not in marked]
    rules += [_monotone_rule(row) for row in monotonicity]
    counts: dict[str, int] = {}
    for event in events:
        counts[event["kind"]] = counts.get(event["kind"], 0) + 1
    shown: dict[str, Any] = {
        **trace,
        "answer": None if trace["answer"] is None else one_line(trace["answer"], 300),
        "text": None,
    }
    return TraceView(
        trace=shown,
        problem={
            **problem,
            "statement": visible(problem.get("statement") or "", 20_000),
            "gold_answer": one_line(problem.get("gold_answer") or "", 300),
        },
        cut_policy=cut_policy,
        chart=build_chart(cuts, trace["verdict"], trace["n_tokens"], events),
        lead=lead,
        stretches=stretches,
        cuts=_cut_rows(cuts, trace),
        rules=rules,
        is_measured=bool(cuts),
        is_fine=len(stretches) > 1 and len(trace["text"]) < _SHORT * len(stretches),
        has_shares=any(cut[name] is not None for cut in cuts for name in _SHARES),
        n_unknown=sum(cut["potential"] is None and not cut["is_end"] for cut in cuts),
        n_marks=counts,
    )
