"""``python signalled_child.py SIGNAL PLACE ARGUMENT...``: a command on scripted models that signals its group at a place."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from dagster import DagsterEvent
from support.lab import ScriptedEngines
from support.scripted import ScriptedEngine

from cot_assets.cli import main
from cot_assets.measures.rates import assets as rates
from cot_assets.orchestration.assets import counting, publishing
from cot_assets.orchestration.assets.resources import Engines

#: Where a run may be, and whether it is still at work there for long: else it is about to end.
PLACES = {
    "audit": (ScriptedEngine, "score", True),
    "verdicts": (counting, "rollouts_frame", True),
    "end of a run": (DagsterEvent, "job_success", False),
    "analysis": (rates, "decided_traces", True),
    "report": (publishing, "render_report", True),
}


def signal_itself(number: int, place: str) -> None:
    """Have the place send the signal when it is first reached."""
    owner, name, is_long = PLACES[place]
    usual = getattr(owner, name)
    sent: list[int] = []

    def signalling(*args: Any, **kwargs: Any) -> Any:
        if not sent:
            sent.append(number)
            os.killpg(0, number)  # as a terminal does, to all of a group
            time.sleep(30 if is_long else 0)
        return usual(*args, **kwargs)

    setattr(owner, name, signalling)


if __name__ == "__main__":
    number, place, *arguments = sys.argv[1:]
    Engines.open, Engines.tokens = ScriptedEngines.open, ScriptedEngines.tokens  # type: ignore[method-assign]
    signal_itself(int(number), place)
    sys.argv = ["cot-assets", *arguments]
    main()
