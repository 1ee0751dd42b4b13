"""Dagster's web server, behind the guard and with the reports, in a thread of this process."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from cot_assets.cli.ui.guard import LOOPBACK, Guard, with_headers
from cot_assets.orchestration.instance import REPORTS

_LAST_ANSWERS_S = 2  #: for open connections; a browser's pages hold some as long as they are open


@asynccontextmanager
async def _lifespan(_: object) -> AsyncIterator[None]:
    from asyncio import CancelledError

    with suppress(CancelledError):  # uvicorn's way to end
        yield


def with_reports(app: ASGIApp, folder: Path) -> ASGIApp:
    """The app, with the rendered reports below :data:`REPORTS`.

    They hold text of models. Should a script of it run, it would be of no origin and could give the UI no command.
    """
    from starlette.staticfiles import StaticFiles

    class Finished(StaticFiles):
        def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
            """The file at a path; none below a folder that is being written."""
            is_hidden = any(part.startswith(".") for part in Path(path).parts)
            return ("", None) if is_hidden else super().lookup_path(path)

    files = Finished(directory=folder, check_dir=False)
    sandbox = (b"content-security-policy", b"sandbox allow-scripts allow-downloads allow-popups")

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not str(scope["path"]).startswith(f"{REPORTS}/"):
            await app(scope, receive, send)
        else:
            await files({**scope, "root_path": REPORTS}, receive, with_headers(send, [sandbox]))

    return served


@contextmanager
def serving(
    listener: socket.socket, workspace: Path, reports: Path, names: Collection[str], token: str | None
) -> Iterator[threading.Thread]:
    """Answer on a bound socket while the block runs; the thread ends early where the server fails."""
    import dagster as dg
    import uvicorn
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    target = WorkspaceFileTarget(paths=[str(workspace)])
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3_600, max_overflow=20)
        with WorkspaceProcessContext(instance, target, version=__version__) as context:
            app = create_app_from_workspace_process_context(context, lifespan=_lifespan)
            guarded = Guard(with_reports(app, reports), {*LOOPBACK, *names}, token)
            server = uvicorn.Server(
                uvicorn.Config(
                    guarded, log_config=None, log_level="warning", timeout_graceful_shutdown=_LAST_ANSWERS_S
                )
            )
            thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
            thread.start()
            try:
                while thread.is_alive() and not server.started:
                    thread.join(0.05)
                yield thread
            finally:
                server.should_exit = True
                thread.join(_LAST_ANSWERS_S + 2)
