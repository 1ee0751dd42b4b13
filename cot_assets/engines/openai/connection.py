"""Talking to an OpenAI-compatible server: one question, one answer, and what happens in between.

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
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cot_assets.engines.base import EngineError
from cot_assets.engines.openai.answers import IN_WORDS, UnsoundAnswerError
from cot_assets.study import ModelEntry
from cot_assets.study.entries import given

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
_PACKINGS = ("", "identity", "gzip", "deflate")
_SMALL = 8 << 20  #: bytes of an answer that lists models, or of a refusal


class Settings(BaseModel):
    """``engine_args`` of a served model."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    concurrency: int = Field(32, ge=1, le=4096, description="blocks that a server works on at once")
    timeout: float = Field(900.0, gt=0, description="seconds that one answer may take")
    wait: float = Field(3600.0, ge=0, description="seconds that a run waits for a server that is away")
    wait_at_start: float = Field(30.0, ge=0, description="the same, before anything was sampled")
    attempts: int = Field(6, ge=1, description="times that one request may fail at the server")
    prompts: str = Field("auto", pattern="^(auto|token_ids|text)$", description="how prefixes travel")
    seeds: bool = Field(True, description="send a seed with each request; vLLM on a CPU needs false")


def settings_of(entry: ModelEntry) -> Settings:
    """The entry's ``engine_args``; raises :class:`EngineError` that names a wrong one and those there are."""
    try:
        return Settings.model_validate(dict(entry.engine_args))
    except ValidationError as error:
        problems = "; ".join(
            f"{(place := '.'.join(map(str, e['loc'])))}: {e['msg']}{given(place, e['input'])}"
            for e in error.errors()
        )
        raise EngineError(
            f"model {entry.name!r}: engine_args: {problems}; there are {', '.join(Settings.model_fields)}"
        ) from error


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

    def __init__(self, entry: ModelEntry, url: str) -> None:
        """Read key and settings; raises :class:`EngineError` where the key's variable is not set."""
        self._name, self.settings, self._is_alone = entry.name, settings_of(entry), len(entry.endpoints) == 1
        base = url.rstrip("/")
        self.url = base if base.endswith("/v1") else f"{base}/v1"
        self._key, self._key_variable = key_of(entry), entry.api_key_variable
        self.authorization = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx.AsyncClient(
            # A connection each: on one that is kept, bytes too many of an answer begin the next one, and
            # whether more of them are under way nobody knows.
            headers={"Accept-Encoding": "gzip", "Connection": "close", **self.authorization},
            timeout=httpx.Timeout(self.settings.timeout, connect=min(10.0, self.settings.timeout)),
            limits=httpx.Limits(max_connections=None),
            follow_redirects=False,  # the key is for this server alone
        )
        self._last_answer, self.trouble, self.reason = 0.0, "", ""

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
            read: Raises :class:`UnsoundAnswerError` for an answer that is not one to what was asked.
            most: Bytes that an answer may have, unpacked.
            wait: Seconds to wait for a server that is busy, or away where it is alone; None: where it is busy alone,
                as configured.

        Raises:
            RefusedError: A 4xx answer other than 408 and 429, or too many failures at this request.
            AwayError: The server is away, or busy for too long.
        """
        patience = self.settings.wait if wait is None else wait
        url = httpx.URL(self.url).copy_with(path=path) if path.startswith("/") else f"{self.url}/{path}"
        started, failures, tries = time.monotonic(), 0, 0
        while True:
            status, after, is_away = 500, 0.0, True
            try:
                # One deadline for the whole of an answer: it may come byte by byte.
                async with asyncio.timeout(self.settings.timeout):
                    answer, content = await self._fetch(method, url, body, most)
                if answer.is_success:
                    found = read(self._object(content))
                    self._last_answer, self.trouble, self.reason = time.monotonic(), "", ""
                    return found
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                reason = f"no connection ({type(error).__name__})"
            except (TimeoutError, httpx.TimeoutException):
                reason, failures = f"no answer within {self.settings.timeout:g} s", failures + 1
            except httpx.RequestError as error:
                reason, failures = f"the connection was lost ({type(error).__name__})", failures + 1
            except UnsoundAnswerError as error:
                reason, status, failures = f"no sound answer: {error}", NO_ANSWER, failures + 1
                is_away = False
            else:
                reason = f"HTTP {answer.status_code}: {self._excerpt(content)}"
                if answer.status_code < 500 and answer.status_code not in _AWAY:
                    raise RefusedError(
                        self.say(f"{path}: {reason}{self._way_out(answer)}"), answer.status_code
                    )
                failures += answer.status_code not in _AWAY
                is_away = answer.status_code in _GONE
                after = _seconds(answer.headers.get("retry-after", ""))
            left = max(started, self._last_answer) + patience - time.monotonic()
            if (is_away and not (self._is_alone and wait is not None)) or left <= 0:
                raise AwayError(self.say(reason), reason, failures, after)
            if failures >= self.settings.attempts:
                raise RefusedError(
                    self.say(f"{path} failed {failures} times, at last: {reason}. {KEPT}"), status
                )
            until, self.reason = datetime.now() + timedelta(seconds=left), reason
            self.trouble = self.say(f"{reason.splitlines()[0][:120]}; waiting until {until:%H:%M} at most")
            # Jitter keeps many requests from coming back all at once.
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2**tries) * random.uniform(0.5, 1.0)  # noqa: S311
            await asyncio.sleep(min(left, max(delay, after)))
            tries = min(tries + 1, 30)

    async def _fetch(
        self, method: str, url: httpx.URL | str, body: object, most: int
    ) -> tuple[httpx.Response, bytes]:
        """An answer and its bytes, unpacked; not many more than ``most`` are kept of them at any time."""
        content = bytearray()
        async with self._client.stream(method, url, json=body) as answer:
            most = most if answer.is_success else _SMALL
            packing = self.masked(answer.headers.get("content-encoding", "")).lower()
            if packing not in _PACKINGS:
                raise UnsoundAnswerError(f"it is packed with {packing[:40]!r}, which was not asked for")
            try:
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > most:
                        raise UnsoundAnswerError(
                            f"it is larger than {most:,} bytes, more than was asked for can take"
                        )
            except httpx.DecodingError as error:
                raise UnsoundAnswerError(f"its {packing} is damaged ({error})") from None
        return answer, bytes(content)

    def _object(self, content: bytes) -> dict[str, Any]:
        """The JSON object of an answer, without the key wherever the server repeats it."""
        with suppress(ValueError, RecursionError):
            if isinstance(found := self.masked(json.loads(content)), dict):
                return found
        raise UnsoundAnswerError(f"no JSON object: {self._excerpt(content)}; is this the base URL?")

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

    def say(self, text: str) -> str:
        """A text about this server, without the key."""
        return self.masked(f"model {self._name!r}: {self.url}: {text}")

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def key_of(entry: ModelEntry) -> str:
    """The API key of an entry; raises :class:`EngineError` where the variable that is to hold it does not."""
    if not (name := entry.api_key_variable):
        return ""
    key = os.environ.get(name, "").strip()
    if not key:
        problem = f"the environment variable {name} is to hold the API key, but is not set; export it"
    elif key.isascii() and key.isprintable():
        return key
    else:
        problem = f"the environment variable {name} holds what cannot be an API key: a header has no such characters"
    raise EngineError(f"model {entry.name!r}: {problem}; export the key alone")


def _seconds(retry_after: str) -> float:
    """What a Retry-After header asks for, given in seconds or as a date; 0 for nonsense."""
    try:
        is_number = retry_after.isascii() and retry_after.replace(".", "", 1).isdecimal()
        until = None if is_number else parsedate_to_datetime(retry_after) - datetime.now(UTC)
        return min(600.0, max(0.0, float(retry_after) if until is None else until.total_seconds()))
    except (OverflowError, TypeError, ValueError):
        return 0.0
