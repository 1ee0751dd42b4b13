"""How vLLM's processes end, and that whoever waits for them learns of it.

Belongs here: watching for a dead engine, and saying what ended it. Does not belong here: what is done then
(:mod:`cot_assets.engines.vllm.engine`).
"""

# vLLM is an extra that is not installed where types are checked.
# pyright: reportMissingImports=false
from __future__ import annotations

import signal
import threading
import time
from typing import Any

_DEATH_SECONDS = 1.0  #: between two looks at whether vLLM has found its processes dead


def wake_when_dead(core: Any) -> None:
    """Have whoever waits for the outputs of ``core`` raise once its processes are dead.

    vLLM watches its processes and marks a client whose process was killed as dead, but leaves a caller that
    waits for outputs at that moment waiting for ever.
    """
    from vllm.v1.engine.exceptions import EngineDeadError

    if not hasattr(core, "outputs_queue"):
        return  # vLLM was told to run in this process
    resources, outputs = core.resources, core.outputs_queue  # not the client: it ends when nothing holds it

    def watch() -> None:
        while not resources.engine_dead:  # closing says so too
            time.sleep(_DEATH_SECONDS)
        outputs.put_nowait(EngineDeadError())

    threading.Thread(target=watch, name="wake-when-dead", daemon=True).start()


def cause_of_death(core: Any, error: BaseException) -> str | None:
    """How vLLM's process ended, None where it has not."""
    from vllm.v1.engine.exceptions import EngineDeadError

    resources = getattr(core, "resources", None)
    if not (isinstance(error, EngineDeadError) or (resources is not None and resources.engine_dead)):
        return None
    manager = getattr(resources, "engine_manager", None)
    # Those that vLLM ends itself once it has noticed are listed too, so the one that failed goes first.
    ended = {} if manager is None or not hasattr(manager, "finished_procs") else manager.finished_procs()
    name = getattr(manager, "failed_proc_name", None) or next(iter(ended), None)
    return _how_ended(name, ended.get(name))


def _how_ended(name: str | None, code: int | None) -> str:
    """How a process ended, by its exit code: minus the signal's number where one ended it."""
    who = f"its process {name}" if name else "one of its processes"
    if code is None or code >= 0:
        return f"{who} ended, and the lines that it wrote above tell why"
    said = signal.strsignal(-code) or ""
    if -code == signal.SIGKILL:
        said = "Killed, as the system does where more memory is used than there is; `dmesg` tells"
    return f"{who} was ended by signal {-code} ({said})"


def first_line(error: BaseException) -> str:
    """What went wrong, in one line of bounded length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:500]}" if lines else type(error).__name__
