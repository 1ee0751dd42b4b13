"""Lines of a run's log: few, but none of what keeps an engine waiting is left out."""

from __future__ import annotations

from dataclasses import replace

from cot_assets.orchestration.assets.resources import LoggedProgress
from cot_assets.sampling.run import SamplingStatus


def test_what_is_waited_for_is_logged_at_once_and_once() -> None:
    lines: list[str] = []
    report = LoggedProgress(every_seconds=3600).track("rollouts m p", lines.append)
    status = SamplingStatus(n_before=0, n_total=32)
    for waiting in (None, None, "a is left out", "a is left out", None, "a is back", None):
        report(replace(status, waiting_for=waiting))
    report(replace(status, n_done=32))
    assert [line.partition("; ")[2] for line in lines] == ["", "a is left out", "a is back", ""]
