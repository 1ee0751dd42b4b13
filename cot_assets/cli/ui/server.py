"""Dagster's web server behind the guard; ``python -m cot_assets.cli.ui.server HOST PORT [NAME…]``."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cot_assets.cli.ui.guard import LOOPBACK, TOKEN, App, Guard, Receive, Scope, Send, with_headers
from cot_assets.orchestration.instance import LOCATION, REPORTS
from cot_assets.study import DataHome


@asynccontextmanager
async def _lifespan(_: object) -> AsyncIterator[None]:
    from asyncio import CancelledError

    with suppress(CancelledError):  # uvicorn's way to end
        yield


def with_reports(app: App, folder: Path) -> App:
    """The app, with the rendered reports below :data:`REPORTS`.

    They hold text of models. Should a script of it run, it would be of no origin and could give the UI no command.
    """
    from starlette.staticfiles import StaticFiles

    files = StaticFiles(directory=folder, check_dir=False)
    sandbox = (b"content-security-policy", b"sandbox allow-scripts allow-downloads allow-popups")

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not str(scope["path"]).startswith(f"{REPORTS}/"):
            await app(scope, receive, send)
        else:
            await files({**scope, "root_path": REPORTS}, receive, with_headers(send, [sandbox]))

    return served


def serve(address: str, port: int, names: Sequence[str]) -> None:
    """Serve the data home that the environment names until a signal comes."""
    import dagster as dg
    import uvicorn
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import ModuleTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    target = ModuleTarget(LOCATION, None, str(Path.cwd()), LOCATION)
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3_600, max_overflow=20)
        with WorkspaceProcessContext(instance, target, version=__version__) as context:
            app = create_app_from_workspace_process_context(context, lifespan=_lifespan)
            app = with_reports(app, DataHome.from_environment().reports)
            guarded = Guard(app, {*LOOPBACK, *names}, os.environ.get(TOKEN) or None)
            uvicorn.run(guarded, host=address, port=port, log_level="warning")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
