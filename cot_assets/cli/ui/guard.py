"""What guards Dagster's web server: an ASGI middleware that lets in nobody from outside.

Dagster's server has no accounts, takes mutations from GET and answers to every name. So any page that a browser has
open could give it commands: from its own origin (an ``<img>`` is enough), or under a name that it points at this
machine. What is refused is answered in one line that says why.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from urllib.parse import urlencode, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: No page of another origin shows the UI in a frame, where clicks could be stolen, or reads it as a script.
_HEADERS = [
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Guard:
    """An ASGI app around another.

    Args:
        app: What is guarded.
        names: Host names and addresses by which the server may be called, besides the one a request came in on.
        token: What a browser must show once, in the address; None where only this machine can connect.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], token: str | None = None) -> None:
        self._app, self._names, self._token = app, {name.lower() for name in names}, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):  # start and end of the server
            await self._app(scope, receive, send)
            return
        asked, guarded = HTTPConnection(scope), with_headers(send, _HEADERS)
        if (refusal := self._refusal(asked)) is None and self._token is not None:
            if scope.get("method") == "GET" and self._fits(asked.query_params.get("token")):
                await self._entrance(asked)(scope, receive, guarded)
                return
            bearer = asked.headers.get("authorization", "").removeprefix("Bearer ")
            if not (self._fits(bearer) or self._fits(asked.cookies.get(_cookie_name(scope)))):
                refusal = 401, "this address needs the token that `cot-assets ui` printed: open its link"
        if refusal is None:
            await self._app(scope, receive, guarded)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1][:120]})
        else:
            await PlainTextResponse(f"Refused: {refusal[1]}.\n", refusal[0])(scope, receive, guarded)

    def _refusal(self, asked: HTTPConnection) -> tuple[int, str] | None:
        """Status and reason, or None."""
        scope, headers = asked.scope, asked.headers
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_own(_name(hosts[0]), scope):
            called = repr(hosts[0][:80] if hosts else "no host")
            return 421, f"{called} is not a name of this server; `--host` names more"
        is_socket = scope["type"] == "websocket"
        if is_socket or scope["method"] not in _SAFE:
            for origin in headers.getlist("origin"):
                if not _is_same(origin, hosts[0]):
                    return 403, f"commands come from its own pages only, not from {origin[:80]!r}"
            if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
                return 403, "commands come from its own pages only"
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if not is_socket and kind != "application/json":
                return 415, "commands are JSON (Content-Type: application/json)"
        elif scope["path"].rstrip("/").endswith("/graphql") and "query" in asked.query_params:
            return 405, "GraphQL is asked by POST"
        return None

    def _is_own(self, name: str, scope: Scope) -> bool:
        # The address that a connection came in on is one of this machine, and no name can be pointed at it.
        server = scope.get("server")
        return name in self._names or (server is not None and name == str(server[0]).lower())

    def _entrance(self, asked: HTTPConnection) -> Response:
        """The way on without the token in the address, which a cookie holds from now on."""
        rest = [(key, value) for key, value in asked.query_params.multi_items() if key != "token"]
        # One slash: two would be another host.
        path = "/" + bytes(asked.scope.get("raw_path") or b"/").decode("latin-1").lstrip("/\\")
        answer = Response(None, 303, {"location": path + (f"?{urlencode(rest)}" if rest else "")})
        # Lax: a link from elsewhere opens pages; commands are guarded by their origin.
        answer.set_cookie(_cookie_name(asked.scope), str(self._token), httponly=True, samesite="lax")
        return answer

    def _fits(self, given: str | None) -> bool:
        return bool(given) and hmac.compare_digest(str(given).encode(), str(self._token).encode())


def _cookie_name(scope: Scope) -> str:
    """By port: browsers send the cookies of all ports of a host to each."""
    server = scope.get("server")
    return f"cot-assets-{server[1] if server else 0}"


def _name(host: str) -> str:
    """The name in ``name:port`` or ``[address]:port``; empty where it is neither."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same(origin: str, host: str) -> bool:
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and authority.lower() == host.lower()


def with_headers(send: Send, more: Collection[tuple[bytes, bytes]]) -> Send:
    """A ``send`` that adds headers to an answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return sending
