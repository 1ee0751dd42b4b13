"""What of the folder of reports is served."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from cot_assets.cli.ui.server import with_reports


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("not asked for a report")


def answer(folder: Path, path: str) -> int:
    """The status of a GET."""
    statuses: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(int(str(message["status"])))

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    try:
        with ThreadPoolExecutor(1) as thread:  # a browser of another test may have a loop running in this one
            thread.submit(asyncio.run, with_reports(_nobody, folder)(scope, receive, send)).result()  # type: ignore[arg-type]
    except Exception as error:  # Starlette's own, which its application turns into an answer
        return int(getattr(error, "status_code", 500))
    return statuses[0]


@pytest.mark.parametrize(
    ("path", "status"),
    [("set/index.html", 200), (".set.new-1/index.html", 404), ("set/.hidden", 404), ("set/absent", 404)],
)
def test_only_finished_reports_are_served(tmp_path: Path, path: str, status: int) -> None:
    for name in ("set", ".set.new-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text("x")
    (tmp_path / "set" / ".hidden").write_text("x")
    assert answer(tmp_path, f"/reports/{path}") == status
