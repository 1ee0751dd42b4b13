"""Any OpenAI-compatible completions server: vLLM, SGLang, llama.cpp, Ollama, hosted ones.

/v1/completions continues a prefix; a chat endpoint would put a template around it. Where a server takes and returns token
ids, prefixes are exact; elsewhere text travels, and ``is_retokenized`` says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial

from cot_assets.engines.base import (
    Block,
    BlockResult,
    CannotScoreError,
    EngineError,
    EngineInfo,
    Sampling,
    TokenizedEngine,
    Waiting,
    Written,
)
from cot_assets.engines.openai.answers import Answer
from cot_assets.engines.openai.connection import FINAL, NO_ANSWER, AwayError, RefusedError, settings_of
from cot_assets.engines.openai.endpoint import Endpoint
from cot_assets.engines.openai.endpoints import Endpoints
from cot_assets.engines.openai.known import seen_of_ends
from cot_assets.engines.openai.refusals import OF_REQUEST, Context, completions_given, is_too_long
from cot_assets.engines.openai.scores import Reader
from cot_assets.engines.openai.told import context_of, revision_of
from cot_assets.engines.openai.variety import Doubts
from cot_assets.engines.revision import canonical
from cot_assets.engines.samples import completion_of, filters_of, sample_seed
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.engines.weights.prepared import model_folder
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import ModelEntry

Asked = Endpoint | Endpoints
#: In the identity of blocks from a server that takes no penalties, top_k and min_p: its own may differ.
_OWN_DEFAULTS = {"defaults": "the server's"}
_HEARTBEAT = 5.0  #: seconds after which a caller hears that the server is waited for
_CHECKS = (10.0, 60.0)  #: seconds between two checks of a server, at least and at most: what a stop can lose
_CHECK_SHARE = 20.0  #: and as a multiple of those that one takes
_FAILURES = 16  #: blocks that fail one after the other before the server is tried, or no further one is


class OpenAIEngine(TokenizedEngine[ModelTokenizer]):
    """A served model; ``path`` of its entry names the tokenizer, ``engine_args`` are those of ``Settings``."""

    def __init__(self, entry: ModelEntry) -> None:
        """Ask the server what it serves and can; raises :class:`EngineError` where it is not reached."""
        self._name, self._settings = f"model {entry.name!r}", settings_of(entry)
        self._tokenizer = ModelTokenizer.of(entry, model_folder(entry))
        self._endpoints = Endpoints(entry, self._tokenizer)
        self._runner, self._is_closed = asyncio.Runner(), False
        self._doubts, self._is_copying, self._next_check = Doubts(self._tokenizer), False, 0.0
        self._seen_of_ends: str | None = None
        try:
            self._runner.run(self._endpoints.find())
        except BaseException:
            self.close()
            raise
        present, can = self._endpoints.present, self._endpoints.can
        contexts = filter(None, (context_of(each.card) for each in present))
        tokenizer = {"tokenizer": self._tokenizer.revision}  # the entry's, whatever the server says
        self._info = EngineInfo(
            engine="openai",
            version=", ".join(sorted({each.version for each in present})),
            model_revision=entry.revision or revision_of(present[0].card),
            dtype=entry.dtype or "unknown",
            quantization=entry.quantization or "unknown",
            device=self._endpoints.url,
            is_seeded=False,  # a server may pass over a seed, a cache may answer for it
            is_reproducible=False,  # what runs beside a request, and where, is the server's affair
            is_retokenized=not (can.takes_ids and can.returns_ids),
            settings=canonical(tokenizer if can.takes_extras else tokenizer | _OWN_DEFAULTS),
            tokenizer=self._tokenizer.revision,
            context=min(contexts, default=None),
            note=present[0].note,
        )
        self._context = Context(self._info.context)

    def describe(self) -> EngineInfo:
        """What is loaded; the note says what was seen of it so far."""
        seen = (each.texts.note for each in self._endpoints.members)
        notes = filter(
            None, (self._info.note, *seen, self._endpoints.note, self._context.note, self._seen_of_ends)
        )
        return replace(self._info, note="; ".join(dict.fromkeys(notes)))

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult | Waiting]:
        """Sample every block; results come as they finish, and word of a server that is away.

        They are held back for some seconds, until their servers were seen to be those of the start. A block that fails
        leaves the others alone; what went wrong is raised when they have come back.
        """
        self._endpoints.check_takes(sampling)
        held, failed = list[BlockResult](), list[EngineError]()
        with closing(self._sampled(blocks, sampling, failed)) as words:
            for word in words:
                if isinstance(word, Waiting):
                    yield word
                else:
                    held.append(word)
                if time.monotonic() >= self._next_check:
                    yield from self._confirmed(held, sampling)
        yield from self._confirmed(held, sampling)
        if len(failed) > 1:
            raise EngineError(
                f"{failed[0]} (so failed {len(failed)} blocks; the others are kept)"
            ) from failed[0]
        if failed:
            raise failed[0]

    def _confirmed(self, held: list[BlockResult], sampling: Sampling) -> Iterator[BlockResult]:
        """The blocks that were held back; raises :class:`EngineError` where a server is another one than at the start."""
        if held and self._endpoints.is_known:
            started = time.monotonic()
            self._runner.run(self._endpoints.check())
            if self._seen_of_ends is None:
                ends = seen_of_ends(held, sampling, self._tokenizer, self._endpoints.ask)
                self._seen_of_ends = self._runner.run(ends)
            ended = time.monotonic()
            self._next_check = ended + min(_CHECKS[1], max(_CHECKS[0], _CHECK_SHARE * (ended - started)))
        yield from held
        held.clear()

    def _sampled(
        self, blocks: Iterable[Block], sampling: Sampling, failed: list[EngineError]
    ) -> Generator[BlockResult | Waiting]:
        """Results as they come; what went wrong is added to ``failed``."""
        waiting = iter(blocks)
        loop, self._is_copying = self._runner.get_loop(), False
        running: set[asyncio.Task[BlockResult]] = set()
        is_over, n_failing = False, 0
        try:
            while True:
                most = self._settings.concurrency * max(1, len(self._endpoints.present))
                while not is_over and len(running) < most:
                    if (block := next(waiting, None)) is None:
                        break
                    running.add(loop.create_task(self._complete(block, sampling)))
                if not running:
                    break
                first = asyncio.wait(running, timeout=_HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                done, running = self._runner.run(first)
                for task in done:
                    try:
                        result = task.result()
                    except EngineError as error:
                        failed.append(error)
                        n_failing += 1
                        is_final = not isinstance(error, RefusedError) or error.status in FINAL
                        if n_failing >= _FAILURES:
                            is_final, n_failing = not self._takes_others(error), 0
                        is_over = is_over or is_final
                    else:
                        n_failing = 0
                        if sampling.is_greedy or not self._doubts.keep_back(result):
                            yield result
                if self._doubts.is_due() and not self._is_copying:
                    yield from self._cleared(failed)
                    is_over = is_over or self._is_copying
                yield from map(Waiting, self._endpoints.news())
                if not done and (trouble := self._endpoints.trouble):
                    yield Waiting(trouble)
            if not self._is_copying:
                yield from self._cleared(failed)
        finally:
            self._doubts.clear(was_tried=False)
            self._runner.run(_canceled(running))

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        """Evidence on each block by having the server read it, see :mod:`cot_assets.engines.openai.scores`."""
        if self._info.is_retokenized:
            raise CannotScoreError(
                f"{self._name}: cannot be audited: text travels to and from {self._endpoints.url}, so the "
                "tokens that the model read and wrote are not known"
            )
        reader = Reader(self._endpoints, self._tokenizer.eos_token_ids, self._context.known)
        filters = filters_of(sampling, self._info.dtype, is_nucleus_first=False)
        for block, completions in written:
            yield self._runner.run(reader.evidence(block, completions, sampling, filters))

    async def _complete(self, block: Block, sampling: Sampling) -> BlockResult:
        """Sample a block within the context, of which some servers tell only when it is exceeded."""
        return await self._context.fit(
            block,
            lambda budget, n: self._drawn(replace(block, n=n), budget, sampling, self._endpoints),
            self._try_out,
        )

    async def _try_out(self) -> object:
        return await self._endpoints.by_one(lambda each: each.try_out(each.can))

    def _takes_others(self, error: EngineError) -> bool:
        """Whether a server that refused block after block takes a request for two tokens."""
        if isinstance(error, RefusedError) and error.status in OF_REQUEST:
            with suppress(EngineError):
                self._runner.run(self._try_out())
                return True
        return False

    def _cleared(self, failed: list[EngineError]) -> list[BlockResult]:
        """The blocks that were kept back, of servers that draw; that one does not is added to what failed."""
        doubtful = self._doubts.most_doubtful
        try:
            if doubtful is not None:
                n_tried, trial = 0, partial(self._try_variety, doubtful.block)
                for endpoint in self._endpoints.present:
                    with suppress(AwayError):  # others go on
                        self._runner.run(trial(endpoint))
                        n_tried += 1
                if not n_tried:
                    self._runner.run(self._endpoints.by_one(trial))
        except EngineError as error:
            failed.append(error)
            self._is_copying = True
            return []
        return self._doubts.clear(was_tried=doubtful is not None)

    async def _try_variety(self, block: Block, endpoint: Endpoint) -> None:
        """Raises :class:`EngineError` where a server does not draw."""

        def draw(trial: Block, budget: int, sampling: Sampling) -> Awaitable[BlockResult]:
            return self._drawn(trial, budget, sampling, endpoint)

        await self._doubts.try_out(endpoint, self._context.known, block, draw)

    async def _drawn(
        self, block: Block, budget: int, sampling: Sampling, asked: Asked, most_n: int | None = None
    ) -> BlockResult:
        """A block in as few requests as the server lets, each with a seed of its own."""
        n = 1 if sampling.is_greedy else block.n  # greedy completions are all the same
        size = min(n, most_n or self._endpoints.can.most_n)
        answers = await asyncio.gather(
            *(
                asked.ask(
                    block.token_ids, budget, sampling,
                    n=min(size, n - first), seed=sample_seed(block, first),
                )
                for first in range(0, n, size)
            ),
            return_exceptions=True,
        )  # fmt: skip
        for problem in answers:
            if isinstance(problem, BaseException):
                if not isinstance(problem, RefusedError) or size == 1:
                    raise problem
                fewer = await self._fewer(problem, block, sampling, asked, size)
                result = await self._drawn(block, budget, sampling, asked, fewer)
                self._endpoints.give_at_most(fewer)
                return result
        sound = [answer for answer in answers if isinstance(answer, Answer)]
        completions = [
            completion_of(choice.token_ids or (), choice.finish_reason, self._tokenizer.eos_token_ids)
            for answer in sound
            for choice in answer.choices
        ]
        counted = sum(len(c.token_ids) + (c.finish_reason == "stop") for c in completions)
        told = [answer.generated for answer in sound if answer.generated]
        return BlockResult(
            block,
            tuple(completions[i % n] for i in range(block.n)),
            len(block.token_ids),
            None,  # of n samples a server tells of the last one only, which finds the first one's prompt
            counted if not self._info.is_retokenized or len(told) < len(sound) else sum(told),
        )

    async def _fewer(
        self, refusal: RefusedError, block: Block, sampling: Sampling, asked: Asked, size: int
    ) -> int:
        """How many completions to ask for at a time after a refusal of so many; raises it where it is of something else."""
        if refusal.status == NO_ANSWER and (given := completions_given(str(refusal), size)):
            return given
        if refusal.status not in (400, 422) or is_too_long(str(refusal)):
            raise refusal
        try:  # its words may be any: is one taken?
            await asked.ask(block.token_ids, 1, sampling, n=1, seed=sample_seed(block))
        except RefusedError:
            raise refusal from None
        return size // 2

    def close(self) -> None:
        """Close the connections."""
        if not self._is_closed:
            self._is_closed = True
            self._runner.run(self._endpoints.aclose())
            self._runner.close()


async def _canceled(tasks: set[asyncio.Task[BlockResult]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
