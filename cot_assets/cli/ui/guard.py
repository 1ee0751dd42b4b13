"""What guards Dagster's web server: an ASGI middleware that lets in nobody from outside.

Dagster's server has no accounts, takes mutations from GET and answers to every name. So any page that a browser has
open could give it commands: from its own origin (an ``<img>`` is enough), or under a name that it points at this
machine. What is refused is answered in one line that says why.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

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

    def __init__(self, app: App, names: Collection[str], token: str | None = None) -> None:
        self._app, self._names, self._token = app, {name.lower() for name in names}, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):  # start and end of the server
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        if (refusal := self._refusal(scope, headers)) is None and self._token is not None:
            if location := self._entrance(scope):
                await _answer(send, 303, "", [(b"location", location), (b"set-cookie", self._cookie(scope))])
                return
            if not self._is_known(scope, headers):
                refusal = 401, "this address needs the token that `cot-assets ui` printed: open its link"
        if refusal is None:
            await self._app(scope, receive, with_headers(send, _HEADERS))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1][:120]})
        else:
            await _answer(send, refusal[0], f"Refused: {refusal[1]}.\n")

    def _refusal(self, scope: Scope, headers: Mapping[str, list[str]]) -> tuple[int, str] | None:
        """Status and reason, or None."""
        hosts, origins = headers.get("host", []), headers.get("origin", [])
        if len(hosts) != 1 or not self._is_own(_name(hosts[0]), scope):
            return (
                421,
                f"{hosts[0][:80] if hosts else 'no host'!r} is not a name of this server; `--host` names more",
            )
        if scope["type"] == "websocket" or scope["method"] not in _SAFE:
            if any(not _is_same(origin, hosts[0]) for origin in origins):
                return 403, f"commands come from its own pages only, not from {origins[0][:80]!r}"
            if headers.get("sec-fetch-site", ["none"])[0] not in ("same-origin", "none"):
                return 403, "commands come from its own pages only"
        if scope["type"] == "websocket":
            return None
        if scope["method"] not in _SAFE:
            kind = headers.get("content-type", [""])[0].partition(";")[0].strip().lower()
            return (
                None
                if kind == "application/json"
                else (415, "commands are JSON (Content-Type: application/json)")
            )
        path = str(scope.get("path", "")).rstrip("/")
        if path.endswith("/graphql") and "query" in _query(scope):
            return 405, "GraphQL is asked by POST"
        return None

    def _is_own(self, name: str, scope: Scope) -> bool:
        # The address that a connection came in on is one of this machine, and no name can be pointed at it.
        server = scope.get("server")
        return name in self._names or (server is not None and name == str(server[0]).lower())

    def _entrance(self, scope: Scope) -> bytes | None:
        """Where to go on without the token, if the address holds it."""
        if scope["type"] != "http" or scope["method"] != "GET" or not self._fits(_query(scope).get("token")):
            return None
        rest = [(key, value) for key, value in parse_qsl(_text(scope)) if key != "token"]
        # One slash: two would be another host.
        path = "/" + bytes(scope.get("raw_path") or b"/").decode("latin-1").lstrip("/\\")
        return (path + (f"?{urlencode(rest)}" if rest else "")).encode("latin-1")

    def _is_known(self, scope: Scope, headers: Mapping[str, list[str]]) -> bool:
        bearer = headers.get("authorization", [""])[0].removeprefix("Bearer ")
        try:
            cookie = SimpleCookie("; ".join(headers.get("cookie", []))).get(_cookie_name(scope))
        except CookieError:
            cookie = None
        return self._fits(bearer) or (cookie is not None and self._fits(cookie.value))

    def _fits(self, given: str | None) -> bool:
        return bool(given and self._token) and hmac.compare_digest(
            str(given).encode(), str(self._token).encode()
        )

    def _cookie(self, scope: Scope) -> bytes:
        # Lax: a link from elsewhere opens pages; commands are guarded by their origin.
        return f"{_cookie_name(scope)}={self._token}; Path=/; HttpOnly; SameSite=Lax".encode()


def _cookie_name(scope: Scope) -> str:
    """By port: browsers send the cookies of all ports of a host to each."""
    server = scope.get("server")
    return f"cot-assets-{server[1] if server else 0}"


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in scope["headers"]:
        found.setdefault(key.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _text(scope: Scope) -> str:
    return bytes(scope.get("query_string", b"")).decode("latin-1")


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(_text(scope), keep_blank_values=True))


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

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return sending


async def _answer(send: Send, status: int, text: str, headers: Collection[tuple[bytes, bytes]] = ()) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [plain, *_HEADERS, *headers]})
    await send({"type": "http.response.body", "body": text.encode()})
