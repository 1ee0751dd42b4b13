"""What the page of one trace shows: its text piece by piece, its events, its cuts and what the rules say of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cot_assets.report import numbers
from cot_assets.report.curve import Chart, build_chart
from cot_assets.report.numbers import change_class, step_class
from cot_assets.report.source import Row
from cot_assets.report.text import one_line, visible

MOST_CHARACTERS = 400_000  #: text shown of one trace; beyond it every stretch is abridged
MOST_PER_STRETCH = 60_000
_ABRIDGED = 200
_SHORT = 12  # characters per stretch below which numbers between them would drown the text
_MOST_ANSWER = 24  #: characters shown of an answer
_SETTLED_BITS = 0.5  #: below this entropy an answer counts as settled, as in the query headroom
_TAG = re.compile(r"(</?(?:think|thinking|thought|reasoning|answer)>|<\|[A-Za-z0-9_]{1,40}\|>)")
_FROM_OTHERS = ("answer", "model_revision", "protocol")
SYMBOLS = {"insight": "▲", "tangent": "▼", "late_spike": "◆", "lucky_guess": "✱"}


@dataclass(frozen=True)
class Stretch:
    """The text between two cuts, colored by the potential at the second one or by the change since the first.

    ``cut`` counts the rows of the table of cuts. ``head`` and ``tail`` are the white space around the text, kept out
    of the colored part; ``pieces`` are its text, tags such as ``<think>`` apart. ``chip`` is the potential in brief.
    """

    cut: int
    step: str
    change: str
    head: str
    pieces: list[tuple[str, bool]]
    tail: str
    chip: str
    is_end: bool
    marks: list[Row]


@dataclass(frozen=True)
class TraceView:
    """The context of a trace's page but for links.

    ``is_fine``: stretches are too short for a number after each; numbers are hidden at first.
    ``steps``, ``guesses`` and ``monotonicity``: what the rules say. ``has_shares``: the source tells how many rollouts were truncated or unanswered; ``has_answers``: and which
    answers they gave.
    """

    trace: Row
    cut_policy: str
    chart: Chart
    lead: str
    stretches: list[Stretch]
    cuts: list[Row]
    steps: list[Row]
    guesses: list[Row]
    monotonicity: Sequence[Row]
    is_fine: bool
    has_shares: bool
    has_answers: bool
    n_unknown: int


def rules_of(by_threshold: bool | None, is_confirmed: bool | None) -> str:
    """Which rules call something an event, in words."""
    if by_threshold:
        return "both rules" if is_confirmed else "threshold rule only"
    return "confirmed rule only" if is_confirmed else "neither rule, but likely"


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
        event |= {"anchor": f"e{number}", "rules": rules_of(event["by_threshold"], event["is_confirmed"])}
    return events


def _stretches(cuts: Sequence[Row], events: Sequence[Row]) -> list[Stretch]:
    stretches: list[Stretch] = []
    shown = 0
    for row, cut in enumerate(cuts[1:], 1):
        raw: str = cut["chunk"]
        body = raw.strip(" \n\t") or raw.strip("\n")  # a stretch of blanks alone keeps them
        n_head = raw.index(body) if body else 0
        limit = MOST_PER_STRETCH if shown < MOST_CHARACTERS else _ABRIDGED
        before, now = cuts[row - 1]["value"], cut["value"]
        stretches.append(
            Stretch(
                cut=row,
                step=step_class(now),
                change=change_class(None if before is None or now is None else now - before),
                head=raw[:n_head][:_ABRIDGED],
                pieces=[(p, bool(_TAG.fullmatch(p))) for p in _TAG.split(visible(body, limit)) if p],
                tail=raw[n_head + len(body) :][:_ABRIDGED],
                chip="" if cut["is_end"] else numbers.short(now),
                is_end=cut["is_end"],
                marks=[event for event in events if event["at"] == cut["cut_index"]],
            )
        )
        shown += min(len(raw), limit)
    return stretches


def _cut_rows(cuts: Sequence[Row], verdict: str) -> list[Row]:
    rows: list[Row] = []
    seen: set[str] = set()
    for cut in cuts:
        notes = ["the trace's own verdict, not sampled"] if cut["is_end"] else []
        for flag, note in (("states_answer", "answer stated"), ("leaks_answer", "gold answer in the text")):
            if cut[flag] and flag not in seen:
                seen.add(flag)
                notes.append(f"{note} from here on")
        measured = {
            "potential": numbers.potential(cut["potential"]),
            "interval": numbers.interval(cut["ci_low"], cut["ci_high"]) or numbers.UNKNOWN,
            "correct": _counted(cut),
            **{name: numbers.percent(cut[f"{name}_share"]) for name in ("truncated", "no_answer")},
        }
        measured |= _answers(cut.get("answers"))
        if cut["is_end"]:
            measured = {**dict.fromkeys(measured, ""), "potential": verdict.replace("_", " ")}
        name = "end" if cut["is_end"] else str(cut["cut_index"])
        place = {"token": numbers.count(cut["token_end"]), "share": numbers.percent(cut["fraction"])}
        step = step_class(cut["value"])
        rows.append({"name": name, "step": step, "notes": "; ".join(notes), **place, **measured})
    return rows


def _counted(cut: Row) -> str:
    """How many rollouts of a cut were correct, and how sure their number is."""
    if cut["n"] is None:
        return numbers.UNKNOWN
    about = "≈ " if cut["n"] and cut["is_n_approximate"] else ""
    weighted = "" if cut["n_effective"] is None else f", as good as {cut['n_effective']:,.0f} of equal weight"
    return f"{cut['n_correct'] or 0:,} of {about}{cut['n']:,}{weighted}"


def _answers(row: Row | None) -> Row:
    """How open the answer is at a cut, and which is given most often; a row of ``answer_entropy``."""
    if row is None:
        return {"open": numbers.UNKNOWN, "likely": numbers.UNKNOWN}
    answer = "no answer" if row["top_answer"] is None else one_line(row["top_answer"], _MOST_ANSWER)
    said = "correct" if row["is_top_correct"] else "incorrect" if row["top_answer"] is not None else "none"
    share = numbers.percent(row["top_rollouts"] / row["n"])
    settled = "sure of " if row["ci_high"] < _SETTLED_BITS else ""
    return {
        "open": f"{row['entropy']:.2f} {numbers.interval(row['ci_low'], row['ci_high'])} bits",
        "likely": f"{settled}{answer} ({said}, {share})",
    }


def build_trace_view(
    trace: Row,
    cuts: Sequence[Row],
    *,
    spikes: Sequence[Row] = (),
    tangents: Sequence[Row] = (),
    guesses: Sequence[Row] = (),
    monotonicity: Sequence[Row] = (),
) -> TraceView:
    """What the page of one trace and cut policy shows.

    Args:
        trace: Row of ``traces``, without its text.
        cuts: Rows of ``trace_curves`` of the trace and policy, in order; ``answers`` in them is the prefix's row of
            ``answer_entropy``, if there is one.
        spikes: Rows of ``spikes`` of this trace and policy.
        tangents: Rows of ``tangents``.
        guesses: Rows of ``lucky_guesses``.
        monotonicity: The row of ``monotonicity``, if there is one.
    """
    events = _events(spikes, tangents, guesses)
    marked = {event["rule"]: event for event in events if not event["is_pair"]}
    stretches = _stretches(cuts, events)
    return TraceView(
        trace={**trace, **{name: trace[name] and one_line(trace[name], 300) for name in _FROM_OTHERS}},
        cut_policy=cuts[0]["cut_policy"],
        chart=build_chart(cuts, trace["n_tokens"], events),
        lead=visible(cuts[0]["chunk"], MOST_PER_STRETCH),
        stretches=stretches,
        cuts=_cut_rows(cuts, trace["verdict"]),
        steps=[event for event in events if event["is_pair"]],
        guesses=[marked.get(row["rule"], row) for row in guesses],
        monotonicity=monotonicity,
        is_fine=len(stretches) > 1 and sum(len(cut["chunk"]) for cut in cuts) < _SHORT * len(stretches),
        has_shares=any(cut["truncated_share"] is not None for cut in cuts),
        has_answers=any(cut.get("answers") for cut in cuts),
        n_unknown=sum(cut["potential"] is None and not cut["is_end"] for cut in cuts),
    )
