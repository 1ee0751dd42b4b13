"""Programs for which file permissions count, whoever runs the tests.

Belongs here: giving up what root may do. Does not belong here: what such a program does.
"""

from __future__ import annotations

import ctypes
import sys

_DROP, _OVERRIDE, _READ = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def without_privileges() -> None:
    """Let file permissions count for root as well, from the next program on; for ``preexec_fn``."""
    if sys.platform == "linux":  # capabilities are Linux's
        for capability in (_OVERRIDE, _READ):
            ctypes.CDLL(None).prctl(_DROP, capability, 0, 0, 0)
