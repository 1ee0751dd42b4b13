"""The guard before Dagster's web server: which requests reach it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cot_assets.cli.ui.guard import LOOPBACK, Guard

TOKEN = "secret-of-this-start"
PAGE = {"host": "127.0.0.1:3000"}
GRAPHQL = "/graphql"


def asked(
    method: str = "POST",
    path: str = GRAPHQL,
    query: str = "",
    token: str | None = None,
    kind: str = "http",
    **headers: str,
) -> tuple[bool, list[dict[str, Any]]]:
    """Whether a request reaches the app, and the messages that come back."""
    reached, sent = False, []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal reached
        reached = True
        if kind == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": kind, "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "server": ("127.0.0.1", 3000),
        "headers": [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()],
    }  # fmt: skip
    guarded = Guard(app, {*LOOPBACK, "gpu7.lab"}, token)(scope, receive, send)
    with ThreadPoolExecutor(1) as thread:  # a browser's tests may have left a loop in this one
        thread.submit(asyncio.run, guarded).result()
    return reached, sent


def test_its_own_pages_and_scripts_without_a_browser_are_let_in():
    own = {"content_type": "application/json", "origin": "http://gpu7.lab:3000", "host": "gpu7.lab:3000"}
    assert asked(**own)[0]
    assert asked(content_type="application/json; charset=utf-8", host="LOCALHOST:3000")[0]
    assert asked("GET", "/runs", host="127.0.0.1:3000", sec_fetch_site="cross-site")[
        0
    ]  # a link from elsewhere
    assert asked("GET", GRAPHQL, host="[::1]:3000")[0]
    assert asked(kind="websocket", host="localhost:3000", origin="http://localhost:3000")[0]


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:3000", "127.0.0.1.evil.test:3000", "", "[::1", "a@127.0.0.1.x"]
)
def test_a_name_that_is_not_its_own_is_refused(host: str):
    for method in ("GET", "POST"):
        reached, sent = asked(method, "/", host=host, content_type="application/json")
        assert not reached
        assert sent[0]["status"] == 421
        assert b"--host" in sent[1]["body"]


@pytest.mark.parametrize(
    "origin",
    ["null", "", "https://evil.test", "http://127.0.0.1:3001", "http://127.0.0.1", "http://127.0.0.1:3000.evil.test",
     "chrome-extension://127.0.0.1:3000", "http://localhost:3000"],
)  # fmt: skip
def test_commands_of_another_origin_are_refused(origin: str):
    reached, sent = asked(**PAGE, origin=origin, content_type="application/json")
    assert not reached
    assert sent[0]["status"] == 403
    reached, sent = asked(kind="websocket", **PAGE, origin=origin)
    assert not reached
    assert sent[0]["type"] == "websocket.close"


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/graphql",
             "text/plain; application/json"],
)  # fmt: skip
def test_commands_that_a_form_could_send_are_refused(kind: str):
    for path in (GRAPHQL, "/report_asset_materialization/traces"):
        reached, sent = asked("POST", path, **PAGE, content_type=kind)
        assert not reached
        assert sent[0]["status"] == 415


def test_commands_of_a_get_are_refused():
    for path in (GRAPHQL, GRAPHQL + "/"):
        reached, sent = asked("GET", path, "query=mutation%7Bwipe%7D", **PAGE, accept="text/html")
        assert not reached
        assert sent[0]["status"] == 405


def test_beyond_this_machine_a_token_is_asked_for_once():
    address = {"host": "gpu7.lab:3000"}
    assert asked("GET", "/", token=TOKEN, **address)[1][0]["status"] == 401
    assert not asked(token=TOKEN, **address, content_type="application/json")[0]
    assert not asked("GET", "/", "token=guess", token=TOKEN, **address)[0]
    reached, sent = asked("GET", "//evil.test", f"a=1&token={TOKEN}", token=TOKEN, **address)
    headers = dict(sent[0]["headers"])
    assert not reached
    assert (sent[0]["status"], headers[b"location"]) == (
        303,
        b"/evil.test?a=1",
    )  # the token leaves the address
    cookie = headers[b"set-cookie"].decode()
    assert "HttpOnly" in cookie
    assert asked("GET", "/", token=TOKEN, **address, cookie=f"other=1; {cookie.split(';')[0]}")[0]
    assert not asked("GET", "/", token=TOKEN, **address, cookie="cot-assets-3000=guess")[0]
    assert not asked("GET", "/", token=TOKEN, **address, cookie="=;\\;")[0]
    assert asked(token=TOKEN, **address, content_type="application/json", authorization=f"Bearer {TOKEN}")[0]
    # The token does not open what its own pages would not ask for.
    known = {**address, "authorization": f"Bearer {TOKEN}", "content_type": "application/json"}
    assert not asked(token=TOKEN, **known, origin="https://evil.test")[0]


def test_no_other_page_shows_it_in_a_frame():
    _, sent = asked("GET", "/", **PAGE)
    assert (b"x-frame-options", b"DENY") in sent[0]["headers"]
