"""The command that runs a Python program where it can reach nothing, and whether this machine has that.

Belongs here: what a program in the sandbox sees. Does not belong here: bounds of its resources (:mod:`.confine`),
and what is run (:mod:`.code`, :mod:`cot_assets.grading.workers`).

Bubblewrap gives the program namespaces of its own: no network, no other processes, a file system of read-only
folders and one small writable one in memory, none of the machine's users. It dies with the process that started it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import cot_assets
from cot_assets.grading.sandbox.confine import can_forbid_processes

FOLDER = "/sandbox"  #: the one that a program may write to
FOLDER_BYTES = 16 * 2**20
_PACKAGE = Path(cot_assets.__file__).resolve().parent
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin")
_PROBE_SECONDS = 60
_WAY_OUT = (
    "Text that has to be run to be judged is run in a sandbox or not at all. Install bubblewrap on Linux "
    "(apt-get install bubblewrap) and allow user namespaces"
)


class SandboxError(RuntimeError):
    """This machine has no sandbox; the message says why and what to do."""


def sandboxed(code: str, *, readable: Iterable[str] = ()) -> list[str]:
    """The command that runs Python code in the sandbox, without site-packages.

    Args:
        code: May import this package's modules that need nothing else.
        readable: Further folders that it may read.
    """
    python = Path(sys.executable).resolve()
    folders = [*_SYSTEM, os.path.realpath(sys.base_prefix), str(_PACKAGE), *readable]
    binds = [word for folder in dict.fromkeys(folders) for word in ("--ro-bind-try", folder, folder)]
    return [
        "bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
        "--cap-drop", "ALL", "--clearenv", "--setenv", "PYTHONHASHSEED", "0", "--setenv", "TMPDIR", FOLDER, "--hostname", "sandbox",
        *binds, "--proc", "/proc", "--remount-ro", "/proc", "--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom",
        "--size", str(FOLDER_BYTES), "--tmpfs", FOLDER, "--chdir", FOLDER, "--remount-ro", "/",
        str(python), "-I", "-S", "-c", f"import sys; sys.path.append({str(_PACKAGE.parent)!r}); {code}",
    ]  # fmt: skip


def require_sandbox() -> None:
    """Raise :class:`SandboxError` unless a sandbox starts here and refuses what it has to refuse."""
    if problem := _problem():
        raise SandboxError(f"{problem}. {_WAY_OUT}")


@cache
def _problem() -> str | None:
    if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
        return "there is no bubblewrap (bwrap) on this machine"
    if not can_forbid_processes():
        return f"the system calls of {platform.machine()} are not known here, so new processes could not be refused"
    try:
        probe = subprocess.run(
            sandboxed("from cot_assets.grading.sandbox.probe import main; main()"),
            capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start a program ({error})"
    if probe.stdout.strip() != "confined":
        said = (probe.stdout.strip() or probe.stderr.strip() or f"exit status {probe.returncode}")[-300:]
        return f"bubblewrap does not confine a program here ({said})"
    return None
