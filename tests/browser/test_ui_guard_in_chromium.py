"""Pages of a second origin and of a rebound name, in a real browser, against the guarded web server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from cot_assets.cli.ui.guard import LOOPBACK, Guard

pytestmark = pytest.mark.browser

#: What a page of another origin can try without being asked: {url} is the address of the UI.
ATTACKS = """<!doctype html><title>attack</title>
<img src="{url}/graphql?query=mutation%7Bwipe%7D&by=img">
<script src="{url}/graphql?query=mutation%7Bwipe%7D&by=script"></script>
<iframe name="hidden" src="{url}/?by=frame"></iframe>
<form id="form" method="post" enctype="text/plain" action="{url}/graphql?query=mutation%7Bwipe%7D&by=form" target="hidden">
<input name='{{"query":"mutation{{wipe}}", "x":"' value='"}}'></form>
<script>
document.getElementById("form").submit();
const tries = ["text/plain", "application/json", "application/x-www-form-urlencoded"].flatMap(kind =>
  ["cors", "no-cors"].map(mode => fetch("{url}/graphql?by=fetch", {{
    method: "POST", mode, credentials: "include", headers: {{"content-type": kind}}, body: '{{"query":"mutation{{wipe}}"}}'}})
    .then(r => r.text(), () => "")));
navigator.sendBeacon("{url}/graphql?by=beacon", '{{"query":"mutation{{wipe}}"}}');
const socket = new Promise(done => {{
  const opened = new WebSocket("{url}/graphql".replace("http", "ws"), "graphql-ws");
  opened.onopen = () => done("open"); opened.onerror = () => done("refused"); }});
Promise.all([...tries, socket]).then(said => {{ window.said = said; }});
</script>"""


class Served:
    """An ASGI app on a free port of this machine."""

    def __init__(self, app: Any, port: socket.socket) -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [port]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


def _free() -> tuple[socket.socket, int]:
    port = socket.socket()
    port.bind(("127.0.0.1", 0))
    return port, port.getsockname()[1]


def _page(text: str, commands: list[str]) -> Any:
    """An app that shows a page and notes every command that reaches it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket" or scope["method"] == "POST" or b"query=" in scope["query_string"]:
            commands.append(f"{scope['type']} {scope['path']}?{scope['query_string'].decode()}")
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept", "subprotocol": "graphql-ws"})
            return
        kind = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        await send({"type": "http.response.body", "body": text.encode()})

    return app


@pytest.fixture
def ui() -> Iterator[tuple[str, list[str]]]:
    """Address of a guarded app, and the commands that reached it."""
    commands: list[str] = []
    port, number = _free()
    served = Served(Guard(_page("<title>the UI</title>", commands), LOOPBACK), port)
    yield f"http://127.0.0.1:{number}", commands
    served.stop()


def test_a_page_of_another_origin_can_do_nothing(chromium: Any, ui: tuple[str, list[str]]) -> None:
    url, commands = ui
    port, number = _free()
    elsewhere = Served(_page(ATTACKS.format(url=url), []), port)
    page = chromium.new_page()
    try:
        page.goto(f"http://localhost:{number}/")
        page.wait_for_function("window.said !== undefined", timeout=20_000)
        said, frame = page.evaluate("window.said"), page.frame("hidden")
        assert frame is None or frame.title() != "the UI"
    finally:
        page.close()
        elsewhere.stop()
    assert commands == []
    assert said[-1] == "refused"
    assert "wipe" not in str(said)


def test_a_name_that_is_pointed_at_this_machine_is_not_answered(
    chromium: Any, ui: tuple[str, list[str]]
) -> None:
    url, commands = ui
    page = chromium.new_page()
    try:
        answer = page.goto(url.replace("127.0.0.1", "rebound.test"))
        assert answer.status == 421
        post = """fetch("/graphql", {method: "POST", headers: {"content-type": "application/json"}, body: "{}"})"""
        assert page.evaluate(f"{post}.then(r => r.status)") == 421
    finally:
        page.close()
    assert commands == []


def test_its_own_page_gives_commands(chromium: Any, ui: tuple[str, list[str]]) -> None:
    url, commands = ui
    page = chromium.new_page()
    try:
        page.goto(url)
        assert page.title() == "the UI"
        page.evaluate(
            """fetch("/graphql", {method: "POST", headers: {"content-type": "application/json"}, body: "{}"})"""
            """.then(() => new Promise(done => { const opened = new WebSocket(`ws://${location.host}/graphql`);"""
            """ opened.onopen = opened.onclose = done; }))"""
        )
    finally:
        page.close()
    assert commands == ["http /graphql?", "websocket /graphql?"]
