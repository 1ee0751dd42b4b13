"""A child process that watches its owner ends with it, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from cot_assets.engines.children import OWNER, end_with_owner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="vLLM, and so the guard, runs on Linux only")
CHILD = (
    "import time; from cot_assets.engines.children import end_with_owner; "
    "end_with_owner(); print('up', flush=True); time.sleep(60)"
)


def start(code: str, owner: int | str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, OWNER: str(owner)}, stdout=subprocess.PIPE, text=True
    )
    return process


def test_it_ends_with_its_owner_and_not_before() -> None:
    owner = subprocess.Popen(["sleep", "60"])
    child = start(CHILD, owner.pid)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        time.sleep(0.2)
        assert child.poll() is None
        owner.kill()
        owner.wait()
        assert child.wait(10) == -9
    finally:
        owner.kill()
        child.kill()
        child.communicate()


def test_it_ends_at_once_where_the_owner_has_ended_before() -> None:
    owner = subprocess.Popen(["true"])
    owner.wait()
    child = start(CHILD, owner.pid)
    assert child.wait(10) == -9
    child.communicate()


# A name for the case: a process id would differ between the workers that collect the tests.
@pytest.mark.parametrize("owner", ["", str(os.getpid())], ids=["no owner", "itself"])
def test_who_has_no_owner_or_owns_itself_is_left_alone(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWNER, owner)
    end_with_owner()
