"""Dagster's web server behind the guard; ``python -m cot_assets.cli.ui.server HOST PORT [NAME…]``."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def _lifespan(_: object) -> AsyncIterator[None]:
    from asyncio import CancelledError

    with suppress(CancelledError):  # uvicorn's way to end
        yield


def serve(address: str, port: int, names: Sequence[str]) -> None:
    """Serve the data home that the environment names until a signal comes."""
    import dagster as dg
    import uvicorn
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import ModuleTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    from cot_assets.cli.ui.guard import LOOPBACK, TOKEN, Guard

    target = ModuleTarget("cot_assets.definitions", None, str(Path.cwd()), "cot_assets.definitions")
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3_600, max_overflow=20)
        with WorkspaceProcessContext(instance, target, version=__version__) as context:
            app = create_app_from_workspace_process_context(context, lifespan=_lifespan)
            guarded = Guard(app, {*LOOPBACK, *names}, os.environ.get(TOKEN) or None)
            uvicorn.run(guarded, host=address, port=port, log_level="warning")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
