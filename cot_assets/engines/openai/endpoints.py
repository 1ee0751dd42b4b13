"""The endpoints of an entry: one model at one server or at several, among which its requests are spread.

Belongs here: who is asked next, who is left out and taken back, waiting where all are. Does not belong here: one
request (:mod:`cot_assets.engines.openai.endpoint`).

Which of them answered is no part of anything that was sampled: all must serve the same model, and are sent the same
requests with the same seeds. One that is away is left out, and tried from time to time until it answers as it
did at the start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from cot_assets.engines.base import EngineError, Sampling
from cot_assets.engines.openai import connection
from cot_assets.engines.openai.answers import Answer
from cot_assets.engines.openai.connection import FINAL, KEPT, NO_ANSWER, AwayError, RefusedError
from cot_assets.engines.openai.endpoint import TOKENS, Abilities, Endpoint
from cot_assets.engines.openai.known import Known
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.study import ModelEntry

T = TypeVar("T")


class Endpoints:
    """A model at its servers; use it within one event loop. ``find`` is awaited before anything else."""

    can: Abilities  #: of all of them; ``most_n`` is the least

    def __init__(self, entry: ModelEntry, tokenizer: ModelTokenizer) -> None:
        self._name = f"model {entry.name!r}"
        self.members = [Endpoint(entry, tokenizer, url) for url in entry.endpoints]
        self._known = {each: Known(each, tokenizer) for each in self.members}
        self._settings = self.members[0].server.settings
        self._watching: set[asyncio.Task[None]] = set()
        self._is_one_back = asyncio.Event()
        self._last_answer = time.monotonic()
        self._waits_until: datetime | None = None
        self._served: Mapping[str, object] = {}
        self._news: list[str] = []

    async def find(self) -> None:
        """Ask every server what it serves and can.

        Raises:
            EngineError: None is reached, or they do not serve the same.
        """
        await asyncio.gather(*(self._try(each, each.find()) for each in self.members))
        if not self.present:
            await self._wait_for_one(time.monotonic(), self._settings.wait_at_start)
        first, *others = self.present
        for other in others:
            if difference := _difference(first.served, other.served):
                raise EngineError(
                    f"{self._name}: {first.url} and {other.url} do not serve the same: {difference}. Give them entries of "
                    "their own; the same weights under other paths are told by `revision`"
                )
        self._served = first.served
        self.can = replace(first.can, most_n=min(each.can.most_n for each in self.present))
        await asyncio.gather(*(self._try(each, self._known[each].learn()) for each in self.present))
        if not self.present:
            await self._wait_for_one(time.monotonic(), self._settings.wait_at_start)

    @property
    def is_known(self) -> bool:
        """Whether a server can be asked whether it still writes what it wrote at the start."""
        return any(self._known[each].parts for each in self.present)

    @property
    def note(self) -> str:
        """What was not seen of servers."""
        return "; ".join(dict.fromkeys(filter(None, (self._known[each].note for each in self.present))))

    def give_at_most(self, n: int) -> None:
        """Remember that a server was seen to give so many completions at a time."""
        self.can = replace(self.can, most_n=min(n, self.can.most_n))

    def check_takes(self, sampling: Sampling) -> None:
        """Raises :class:`EngineError` where a protocol sets what a server does not take."""
        if not self.can.takes_extras and (sampling.top_k or sampling.min_p):
            raise EngineError(
                f"{self._name}: {self.url} takes no top_k and min_p, which the protocol sets; leave them out of "
                "protocols.toml, or use a server that takes them"
            )

    async def check(self) -> None:
        """Raises :class:`EngineError` where a server does not go on from a text as it did at the start."""
        await asyncio.gather(*(self._try(each, self._known[each].check()) for each in self.present))

    async def _try(self, member: Endpoint, trial: Coroutine[None, None, None]) -> None:
        patience = self._settings.wait_at_start if len(self.members) > 1 else None
        try:
            async with asyncio.timeout(patience):
                await trial
        except AwayError as error:
            self._leave_out(member, error.reason, error.after)
        except TimeoutError:  # it takes connections and says nothing; the others need not wait for it
            self._leave_out(member, f"no answer within {patience:g} s")

    @property
    def present(self) -> list[Endpoint]:
        """Those that are not left out."""
        return [member for member in self.members if member.away is None]

    @property
    def url(self) -> str:
        """The base URLs."""
        return ", ".join(member.url for member in self.members)

    @property
    def trouble(self) -> str | None:
        """What is waited for at the moment, if anything."""
        if until := self._waits_until:
            return f"{self._name}: {self._reasons('away')}; waiting until {until:%H:%M} at most"
        return next(filter(None, (each.server.trouble for each in self.present)), None)

    def _reasons(self, waited: str) -> str:
        """Why each server is away, as seen last."""
        return "; ".join(f"{each.url}: {waited} ({each.server.reason or each.away})" for each in self.members)

    def news(self) -> list[str]:
        """Who was left out and taken back since this was asked last, a line each."""
        news, self._news = self._news, []
        return news

    async def ask(
        self, token_ids: Sequence[int], budget: int, sampling: Sampling, *, n: int, seed: int
    ) -> Answer:
        """The answer to one request, see :meth:`Endpoint.ask`."""
        return await self.by_one(lambda each: each.ask(token_ids, budget, sampling, n=n, seed=seed))

    async def by_one(self, work: Callable[[Endpoint], Awaitable[T]]) -> T:
        """What ``work`` comes to at the server that has the least to do; at another where that one is away or fails.

        Raises:
            RefusedError: What is asked is refused, or every server failed at it.
            EngineError: All are away for too long.
        """
        failures, failed, started = 0, set[Endpoint](), time.monotonic()
        while True:
            if not (there := self.present):
                await self._wait_for_one(max(started, self._last_answer), self._settings.wait)
                continue
            untried = [member for member in there if member not in failed] or there
            member = min(untried, key=lambda member: (member.n_at_work, member.n_asked))
            member.n_at_work, member.n_asked = member.n_at_work + 1, member.n_asked + 1
            try:
                answer = await work(member)
            except AwayError as error:
                self._leave_out(member, error.reason, error.after)
                failures += error.failures
                if failures >= self._settings.attempts:
                    raise RefusedError(f"{error} (asked for {failures} times). {KEPT}", 500) from error
            except RefusedError as error:
                failed.add(member)
                is_the_servers = error.status in FINAL or error.status >= 500 or error.status == NO_ANSWER
                if not is_the_servers or failed.issuperset(there):
                    raise
            else:
                self._last_answer, member.delay = time.monotonic(), 0.0
                return answer
            finally:
                member.n_at_work -= 1

    def _leave_out(self, member: Endpoint, reason: str, after: float = 0.0) -> None:
        """Ask the others from now on, until the member answers again."""
        if member.away is None:
            member.away = reason
            n_left, n = len(self.present), len(self.members)
            then = (
                f"{n_left} of {n} go on"
                if n_left
                else f"the run waits {'for it' if n == 1 else 'until one is back'}"
            )
            self._tell(f"{member.url} is left out ({reason.splitlines()[0][:120]}); {then}")
            task = asyncio.get_running_loop().create_task(self._watch(member, after))
            self._watching.add(task)
            task.add_done_callback(self._watching.discard)

    async def _watch(self, member: Endpoint, after: float) -> None:
        """Try a member that was left out, ``after`` seconds from now or later, until it serves the same as before."""
        told = ""
        while member.away is not None:
            member.delay = min(connection.LONGEST_DELAY, max(connection.FIRST_DELAY, 2 * member.delay))
            await asyncio.sleep(max(member.delay, after))
            try:
                await member.find()
                problem = _difference(self._served, member.served)
                if not problem:
                    known = self._known[member]
                    await (known.check() if known.parts else known.learn())
            except AwayError as error:
                member.away, after = error.reason, error.after
                continue
            except EngineError as error:
                problem = str(error)
            if not problem:
                member.away = None
                self._is_one_back.set()
                self._tell(f"{member.url} is back")
            elif problem != told:
                self._tell(f"{member.url} answers, but not as before ({problem[:300]}), and stays out")
                member.away = told = problem

    async def _wait_for_one(self, since: float, patience: float) -> None:
        """Return when a server is back; raises :class:`EngineError` where all are away for too long."""
        left = max(0.0, since + patience - time.monotonic())
        self._waits_until = datetime.now() + timedelta(seconds=left)
        self._is_one_back.clear()
        try:
            async with asyncio.timeout(left):
                await self._is_one_back.wait()
        except TimeoutError:
            waited = f"away for {time.monotonic() - since:.0f} s"
            raise EngineError(
                f"{self._name}: {self._reasons(waited)}; what was sampled is kept: start the run again when one is back, or "
                "raise engine_args.wait"
            ) from None
        finally:
            self._waits_until = None

    def _tell(self, text: str) -> None:
        self._news.append(f"{self._name}: {text}")

    async def aclose(self) -> None:
        """Close all connections."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        for member in self.members:
            await member.server.aclose()


def _difference(one: Mapping[str, object], other: Mapping[str, object]) -> str:
    """In what two servers do not serve the same, in words; empty where they do. Not every server shows its tokens."""
    return "; ".join(
        f"{name}: {str(first)[:60]} and {str(second)[:60]}"
        for name, first, second in ((name, one[name], other[name]) for name in one)
        if first != second and not (name == TOKENS and None in (first, second))
    )
