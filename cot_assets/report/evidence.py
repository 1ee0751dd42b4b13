"""What the page of a trace shows of the rollouts behind its curve: what the model read and wrote, how each was judged.

Belongs here: choosing and bounding. Does not belong here: reading shards (:mod:`cot_assets.sampling.shards`).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import accumulate
from os.path import commonprefix
from typing import Any

from cot_assets.report import numbers
from cot_assets.report.source import Row
from cot_assets.report.text import one_line, visible

MOST_CUTS = 40  #: of a page whose rollouts are shown; the command shows those of any cut
MOST_WRITTEN = 1_200  #: characters of a completion
_MOST_READ = 20_000  #: characters of the prompt
_TAIL = 300  #: characters of the trace that are repeated before each cut
_MOST_VALUE = 300


def command(trace_id: str, cut_policy: str) -> str:
    """The line for a shell that lists all rollouts of a cut, but for the index of the cut at its end."""
    given = [f"trace_id={trace_id}", "-p", f"cut_policy={cut_policy}"]
    return visible(f"cot-assets sql provenance -p limit=1000 -p {shlex.join(given)} -p cut_index=")


def build_evidence(cuts: Sequence[Row], near: Collection[int], rollouts: dict[str, list[Row]]) -> Row | None:
    """What a page shows; None where there is no rollout with a text.

    ``cuts`` are those that are shown: ``row`` counts the rows of the table of cuts, ``tail`` ends what was read there.
    ``settings`` are those of all rollouts shown; what differs between them is said of each. ``command`` lists the
    rollouts of a cut, whose index follows it.

    Args:
        cuts: Rows of ``trace_curves`` of a trace and policy, in order.
        near: Rows next to events; they come first where there are more cuts than are shown.
        rollouts: Some rows of the view ``provenance`` by prefix, with ``text``.
    """
    told = [row for row, cut in enumerate(cuts) if rollouts.get(cut["prefix_id"])]
    if not told:
        return None
    first = [row for row in told if row in near][:MOST_CUTS]
    rest, room = [row for row in told if row not in first], MOST_CUTS - len(first)
    chosen = sorted([*first, *(rest[:: -(-len(rest) // room) or 1] if room else ())])
    shown = {row: rollouts[cuts[row]["prefix_id"]] for row in chosen}
    sampled_with = {rollout["sampled_with"] for several in shown.values() for rollout in several}
    shared = dict(set.intersection(*(set(_settings(said).items()) for said in sampled_with)))
    ends = list(accumulate(len(cut["chunk"]) for cut in cuts))
    text = "".join(cut["chunk"] for cut in cuts)
    return {
        "command": command(cuts[0]["trace_id"], cuts[0]["cut_policy"]),
        "prompt": visible(shown[chosen[0]][0]["prompt"] or "", _MOST_READ),
        "settings": sorted(shared.items()),
        "cuts": [
            {
                "row": row,
                "name": cuts[row]["cut_index"],
                "n": cuts[row]["n"],
                "tail": visible(text[max(0, ends[row] - _TAIL) : ends[row]]),
                "is_whole": ends[row] <= _TAIL,
                "rollouts": [_shown(rollout, shared, text[ends[row] :]) for rollout in several],
            }
            for row, several in shown.items()
        ],
    }


@lru_cache(maxsize=256)
def _settings(sampled_with: str | None) -> dict[str, str]:
    """What a rollout was sampled with, by name; nothing where that is not known."""
    said: Row = {}
    known = json.loads(sampled_with or "{}")
    for name, value in known.items():
        inner = value.items() if isinstance(value, dict) else ()
        said |= {f"{name} {n}" if n in known else n: v for n, v in inner} or {name: value}
    return {
        one_line(re.sub("^(is|has|enable|use)_", "", name).replace("_", " "), 60): _in_words(name, value)
        for name, value in said.items() if value not in ("", None, {}, [])
    }  # fmt: skip


def _in_words(name: str, value: Any) -> str:
    """A setting as people say it: a switch is on or off, what is told of something yes or no."""
    if isinstance(value, bool):
        words = ("off", "on") if name.startswith(("enable_", "use_")) else ("no", "yes")
        return words[value]
    return one_line(value if isinstance(value, str) else json.dumps(value), _MOST_VALUE)


def _shown(rollout: Row, shared: dict[str, str], went_on: str) -> Row:
    """A rollout, its text split where it parts from how the trace went on."""
    own = dict(sorted(_settings(rollout["sampled_with"]).items() - shared.items()))
    answer, rule, decided = rollout["answer"], rollout["answer_rule"], rollout["decided_by"]
    how = (rule and f"found by rule {rule}", decided and f"decided by {decided}")
    facts = {
        "rollout": str(rollout["sample_index"]),
        "answer": "none" if answer is None else one_line(answer, _MOST_VALUE),
        "judged": "; ".join(filter(None, how)) or numbers.UNKNOWN,
        "ended": rollout["finish_reason"],
        "seed": rollout["seed"] or numbers.UNKNOWN,
        "block": rollout["block_key"],
        "audit": rollout["audit"],
        **own,
    }
    n_same = len(commonprefix([rollout["text"], went_on]))  # noqa: RUF071 - of characters, as is meant
    return {
        "verdict": rollout["verdict"],
        "facts": [(name, one_line(value, _MOST_VALUE)) for name, value in facts.items()],
        "same": visible(rollout["text"][:n_same], 2 * MOST_WRITTEN),
        "text": visible(rollout["text"][n_same:], 2 * MOST_WRITTEN),
    }
