"""Talking to an OpenAI-compatible server: one question, one answer, whatever happens in between.

Belongs here: the key, bounds of time and size, which failures are asked again and for how long. Does not belong
here: what is asked (:mod:`cot_assets.engines.openai.engine`) and which answers are sound
(:mod:`cot_assets.engines.openai.answers`).

A server that is busy is waited for, as long as ``wait`` says. A request that it fails at again and again, or answers
with what is no answer, is given up after ``attempts``. What it refuses (other 4xx) is not asked again. One that is away
(no connection, gateway errors) is the affair of :mod:`cot_assets.engines.openai.endpoints`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from cot_assets.engines.base import EngineError
from cot_assets.engines.openai.answers import IN_WORDS, UnsoundAnswerError
from cot_assets.engines.openai.settings import Settings
from cot_assets.study import ModelEntry

T = TypeVar("T")
_GONE = frozenset({502, 503, 504})  #: nobody is there who could answer
_AWAY = _GONE | {408, 429}  #: says nothing about the request itself
#: What a request of another kind will not mend: the key, the model's name.
FINAL = frozenset({401, 403, 404})
NO_ANSWER = 200  #: status of a refusal where a server answered, but not what it was asked
KEPT = "What was sampled is kept: look at the server's log and at what stands between, then run again"
LONGEST_DELAY = 30.0  #: seconds between two tries at a server
FIRST_DELAY = 0.5
_EXCERPT = 400  #: characters of an answer that an error shows
_SMALL = 8 << 20  #: bytes of an answer that lists models, or of a refusal


class RefusedError(EngineError):
    """The server will not or cannot do what it was asked; ``status`` is the HTTP status, 200 for no sound answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_unsound(self) -> bool:
        """Whether the server answered something else; that it will not do it may be said with any status."""
        return self.status == NO_ANSWER and IN_WORDS not in str(self)


class AwayError(EngineError):
    """A server is away; ``failures``: times that it failed at the request, ``after``: seconds that it asks for."""

    def __init__(self, message: str, reason: str, failures: int, after: float) -> None:
        super().__init__(message)
        self.reason, self.failures, self.after = reason, failures, after


class Server:
    """The server at one of an entry's endpoints. ``trouble`` says what it is waited for at the moment, ``reason`` why."""

    def __init__(self, entry: ModelEntry, settings: Settings, url: str) -> None:
        """Read the key; raises :class:`EngineError` where its variable is not set."""
        self._name, self._settings, self._is_alone = entry.name, settings, len(entry.endpoints) == 1
        base = url.rstrip("/")
        self.url = base if base.endswith("/v1") else f"{base}/v1"
        self._key, self._key_variable = "", entry.api_key_variable
        if entry.api_key_variable:
            self._key = os.environ.get(entry.api_key_variable, "").strip()
            if not self._key:
                raise EngineError(
                    f"model {entry.name!r}: the environment variable {entry.api_key_variable} is to hold the "
                    "API key, but is not set; export it"
                )
            if not (self._key.isascii() and self._key.isprintable()):
                raise EngineError(
                    f"model {entry.name!r}: what the environment variable {entry.api_key_variable} holds is no API key: it "
                    "has characters that no header can have; export the key alone"
                )
        self._client: httpx.AsyncClient | None = None
        self._last_answer, self.trouble, self.reason = 0.0, "", ""

    @property
    def authorization(self) -> dict[str, str]:
        """The header with the key, if there is one."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def _http(self) -> httpx.AsyncClient:
        """The client, made within the event loop that uses it."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                # A connection each: on one that is kept, bytes too many of an answer begin the next one, and
                # whether more of them are under way nobody knows.
                headers={"Accept-Encoding": "gzip", "Connection": "close", **self.authorization},
                timeout=httpx.Timeout(self._settings.timeout, connect=min(10.0, self._settings.timeout)),
                limits=httpx.Limits(max_connections=None),
                follow_redirects=False,  # the key is for this server alone
            )
        return self._client

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        read: Callable[[dict[str, Any]], T],
        most: int = _SMALL,
        wait: float | None = None,
    ) -> T:
        """What ``read`` makes of the JSON object that the server answers.

        Args:
            method: GET or POST.
            path: Below the base URL, which ends in ``/v1``; an absolute one replaces its path.
            body: Sent as JSON.
            read: Raises :class:`UnsoundAnswerError` for an answer that is none.
            most: Bytes that an answer may have, unpacked.
            wait: Seconds to wait for a server that is busy, or away where it is alone; None: where it is busy alone,
                as configured.

        Raises:
            RefusedError: A 4xx answer other than 408 and 429, or too many failures at this request.
            AwayError: The server is away, or busy for too long.
        """
        patience = self._settings.wait if wait is None else wait
        url = httpx.URL(self.url).copy_with(path=path) if path.startswith("/") else f"{self.url}/{path}"
        started, failures, tries = time.monotonic(), 0, 0
        while True:
            status, after, is_away = 500, 0.0, True
            try:
                # One deadline for the whole of an answer: it may come byte by byte.
                async with asyncio.timeout(self._settings.timeout):
                    answer, content = await self._fetch(method, url, body, most)
                if answer.is_success:
                    found = read(self._object(content))
                    self._last_answer, self.trouble, self.reason = time.monotonic(), "", ""
                    return found
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                reason = f"no connection ({type(error).__name__})"
            except (TimeoutError, httpx.TimeoutException):
                reason, failures = f"no answer within {self._settings.timeout:g} s", failures + 1
            except httpx.RequestError as error:
                reason, failures = f"the connection was lost ({type(error).__name__})", failures + 1
            except UnsoundAnswerError as error:
                reason, status, failures = f"no sound answer: {error}", NO_ANSWER, failures + 1
                is_away = False
            else:
                reason = f"HTTP {answer.status_code}: {self._excerpt(content)}"
                if answer.status_code < 500 and answer.status_code not in _AWAY:
                    raise RefusedError(
                        self._say(f"{path}: {reason}{self._way_out(answer)}"), answer.status_code
                    )
                failures += answer.status_code not in _AWAY
                is_away = answer.status_code in _GONE
                after = _seconds(answer.headers.get("retry-after", ""))
            left = max(started, self._last_answer) + patience - time.monotonic()
            if (is_away and not (self._is_alone and wait is not None)) or left <= 0:
                raise AwayError(self._say(reason), reason, failures, after)
            if failures >= self._settings.attempts:
                raise RefusedError(
                    self._say(f"{path} failed {failures} times, at last: {reason}. {KEPT}"), status
                )
            until, self.reason = datetime.now() + timedelta(seconds=left), reason
            self.trouble = self._say(f"{reason.splitlines()[0][:120]}; waiting until {until:%H:%M} at most")
            # Jitter keeps many requests from coming back all at once.
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2**tries) * random.uniform(0.5, 1.0)  # noqa: S311
            await asyncio.sleep(min(left, max(delay, after)))
            tries = min(tries + 1, 30)

    async def _fetch(
        self, method: str, url: httpx.URL | str, body: object, most: int
    ) -> tuple[httpx.Response, bytes]:
        """An answer and its bytes, unpacked; not many more than ``most`` are kept of them at any time."""
        async with self._http().stream(method, url, json=body) as answer:
            most = most if answer.is_success else _SMALL
            packed, encoding = bytearray(), self.masked(answer.headers.get("content-encoding", ""))
            async for part in answer.aiter_raw():
                _check_size(packed, most)
                packed += part
        return answer, _unpacked(bytes(packed), encoding.lower(), most)

    def _object(self, content: bytes) -> dict[str, Any]:
        """The JSON object of an answer, without the key wherever the server repeats it."""
        try:
            found = self.masked(json.loads(content))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise UnsoundAnswerError(f"no JSON object: {self._excerpt(content)}; is this the base URL?")
        return found

    def masked(self, value: Any) -> Any:
        """A value without the key in any of its texts."""
        if not self._key:
            return value
        if isinstance(value, str):
            return value.replace(self._key, "***").replace(quote(self._key, safe=""), "***")
        if isinstance(value, list):
            return [self.masked(part) for part in value]
        if isinstance(value, dict):
            return {self.masked(name): self.masked(part) for name, part in value.items()}
        return value

    def _excerpt(self, content: bytes) -> str:
        """The beginning of an answer, without the key should the server repeat it, and without escapes that hide it."""
        text = content.decode(errors="replace")
        with suppress(ValueError, RecursionError):
            text = json.dumps(self.masked(json.loads(content)), ensure_ascii=False)
        shown = " ".join(self.masked(text).split())[:_EXCERPT]
        return shown.encode(errors="replace").decode() or "(empty)"

    def _way_out(self, refusal: httpx.Response) -> str:
        if refusal.status_code in (401, 403):
            if self._key_variable:
                return f"; is the key in {self._key_variable} one of this server?"
            return "; if it wants a key, name the variable that holds it in api_key_variable"
        if refusal.status_code == 404:
            return "; is this the base URL, and does it still serve this model?"
        if refusal.has_redirect_location:
            place = self.masked(refusal.headers.get("location", ""))[:200]
            return f"; it sends to {place!r}: name that server's address in `endpoint`"
        return "; look at the server's log, and at what stands between"

    def _say(self, text: str) -> str:
        return self.masked(f"model {self._name!r}: {self.url}: {text}")

    async def aclose(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def _seconds(retry_after: str) -> float:
    """What a Retry-After header asks for, given in seconds or as a date; 0 for nonsense."""
    try:
        is_number = retry_after.isascii() and retry_after.replace(".", "", 1).isdecimal()
        until = None if is_number else parsedate_to_datetime(retry_after) - datetime.now(UTC)
        return min(600.0, max(0.0, float(retry_after) if until is None else until.total_seconds()))
    except (OverflowError, TypeError, ValueError):
        return 0.0


def _unpacked(packed: bytes, encoding: str, most: int) -> bytes:
    """Bytes of an answer as they were before they were packed; never more than ``most``."""
    _check_size(packed, most)
    if encoding in ("", "identity"):
        return packed
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise UnsoundAnswerError(f"it is packed with {encoding[:40]!r}, which was not asked for")
    unpacker = zlib.decompressobj(wbits=47)  # reads either header
    try:
        content = unpacker.decompress(packed, most + 1)
    except zlib.error as error:
        raise UnsoundAnswerError(f"its {encoding} is damaged ({error})") from None
    _check_size(content, most)
    if not unpacker.eof:
        raise UnsoundAnswerError(f"its {encoding} ends too soon")
    return content


def _check_size(content: bytes | bytearray, most: int) -> None:
    if len(content) > most:
        raise UnsoundAnswerError(f"it is larger than {most:,} bytes, more than was asked for can take")
