"""Any OpenAI-compatible completions server: vLLM, SGLang, llama.cpp, Ollama, hosted ones.

Belongs here: what the server can do, turning blocks into requests, reading answers. Does not belong here:
connections, keys and retries (:mod:`cot_assets.engines.served`).

The engine uses /v1/completions, which continues a prefix; a chat endpoint would put a template around it.
Where the server takes and returns token ids, prefixes are exact. Elsewhere text travels, the engine says
``is_retokenized``, and so do the rows of ``sampling_runs``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from cot_assets.engines.base import (
    Block,
    BlockResult,
    Completion,
    Encoding,
    EngineError,
    EngineInfo,
    Sampling,
    Waiting,
)
from cot_assets.engines.hub import tokenizer_folder
from cot_assets.engines.samples import completion_of, sample_seed
from cot_assets.engines.served import RefusedError, Server, settings_of
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.study import ModelEntry

T = TypeVar("T")
_HEARTBEAT = 5.0  #: seconds after which a caller hears that the server is waited for
#: Servers fill in what a request leaves open: from the model's generation_config.json (vLLM), or with
#: values of their own (llama.cpp: top_k = 40). The protocol says temperature and top_p, and nothing else.
_NOTHING_ELSE = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0, "repeat_penalty": 1.0}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server was seen to do with a request."""

    takes_ids: bool
    returns_ids: bool
    takes_extras: bool
    takes_n: bool


class OpenAIEngine:
    """A served model; ``path`` of its entry names the tokenizer, ``engine_args`` are those of ``Settings``."""

    def __init__(self, entry: ModelEntry) -> None:
        """Ask the server what it serves and can; raises :class:`EngineError` where it is not reached."""
        self._entry, self._settings = entry, settings_of(entry)
        self._tokenizer = ModelTokenizer(
            tokenizer_folder(entry), entry.template, add_bos=entry.add_bos, template_args=entry.template_args
        )
        self._eos = frozenset(self._tokenizer.eos_token_ids)
        self._server = Server(entry, self._settings)
        self._runner = asyncio.Runner()
        self._is_closed = False
        try:
            self._card = self._runner.run(self._find_model())
            self._can = self._runner.run(self._find_abilities())
            version = self._runner.run(self._find_version())
        except BaseException:
            self.close()
            raise
        self._info = EngineInfo(
            engine="openai",
            version=version,
            model_revision=entry.revision or _unverified(self._card),
            dtype=entry.dtype or "unknown",
            quantization=entry.quantization or "unknown",
            device=self._server.url,
            is_seeded=False,  # a server may pass over a seed, a cache may answer for it
            is_reproducible=False,  # what runs beside a request, and where, is the server's affair
            is_retokenized=not (self._can.takes_ids and self._can.returns_ids),
        )

    async def _find_model(self) -> dict[str, Any]:
        """The server's own words on the model."""
        answer = await self._server.ask("GET", "models", wait=self._settings.wait_at_start)
        cards = {str(c["id"]): c for c in answer.get("data") or [] if isinstance(c, dict) and "id" in c}
        name = self._entry.served_name
        if name is None and len(cards) == 1:
            return next(iter(cards.values()))
        if name not in cards:
            wanted = "several models; name one in served_name" if name is None else f"no {name!r}"
            raise EngineError(
                f"model {self._entry.name!r}: {self._server.url} serves {wanted}; it serves: "
                f"{', '.join(sorted(cards)[:20]) or 'nothing'}"
            )
        return cards[name]

    async def _find_version(self) -> str:
        """What the server says of itself; few do."""
        owner = str(self._card.get("owned_by") or "unknown")[:40]
        try:
            answer = await self._server.ask("GET", "/version", wait=0.0)
        except EngineError:
            return owner
        return f"{owner} {str(answer.get('version', ''))[:40]}".strip()

    async def _find_abilities(self) -> Abilities:
        """Try requests for two tokens, from the one that asks most of the server to the plainest."""
        ids = list(self._tokenizer.encode("1 + 1 =").token_ids)
        refusal: RefusedError | None = None
        for takes_ids, takes_extras in ((True, True), (True, False), (False, True), (False, False)):
            if self._settings.prompts == ("text" if takes_ids else "token_ids"):
                continue
            can = Abilities(takes_ids, returns_ids=False, takes_extras=takes_extras, takes_n=True)
            body = self._body(can, ids, 1, Sampling(1.0, 1.0), n=2, seed=1)
            try:
                answer = await self._server.ask(
                    "POST", "completions", body, wait=self._settings.wait_at_start
                )
            except RefusedError as error:
                if error.status in (401, 403, 404):
                    raise
                refusal = refusal or error
                continue
            choices = _choices(answer)
            returns_ids = takes_ids and all(_exact(c, ids) for c in choices)
            if self._settings.prompts == "token_ids" and not returns_ids:
                break
            return Abilities(takes_ids, returns_ids, takes_extras, takes_n=len(choices) == 2)
        raise refusal or EngineError(
            f"model {self._entry.name!r}: {self._server.url} returns no token ids, which engine_args.prompts = "
            "'token_ids' asks for; set it to 'auto' to let text travel"
        )

    def describe(self) -> EngineInfo:
        """What the server said of itself and its model."""
        return self._info

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        """Token ids of the prompt around a statement."""
        return self._tokenizer.render_prompt(statement)

    def encode(self, text: str) -> Encoding:
        """Token ids of a text that goes on from another, with character offsets."""
        return self._tokenizer.encode_after(text)

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of token ids."""
        return self._tokenizer.decode(token_ids)

    def _text(self, token_ids: Sequence[int]) -> str:
        """A prompt as text, special tokens written out, without a BOS that the server will put there."""
        text = self._tokenizer.decode(token_ids, with_special=True)
        return text.removeprefix(self._tokenizer.bos or "") if self._tokenizer.adds_bos else text

    def _body(
        self, can: Abilities, token_ids: Sequence[int], budget: int, sampling: Sampling, *, n: int, seed: int
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._card["id"],
            "prompt": list(token_ids) if can.takes_ids else self._text(token_ids),
            "max_tokens": budget,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "n": n,
        }
        if self._settings.seeds:
            body["seed"] = seed
        if can.takes_extras:
            stop = list(self._tokenizer.eos_token_ids)
            body |= {**_NOTHING_ELSE, "return_token_ids": True, "stop_token_ids": stop}
        return body

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult | Waiting]:
        """Sample every block; results come as they finish, and word of a server that is away."""
        waiting = iter(blocks)
        loop = self._runner.get_loop()
        running: set[asyncio.Task[BlockResult]] = set()
        try:
            while True:
                for block in islice(waiting, self._settings.concurrency - len(running)):
                    running.add(loop.create_task(self._complete(block, sampling)))
                if not running:
                    return
                done = self._runner.run(_first_of(running))
                running -= done
                yield from (task.result() for task in done if task.exception() is None)
                for task in done:
                    task.result()  # raises what a failed one raised, now that the others are safe
                if not done and self._server.trouble:
                    yield Waiting(self._server.trouble)
        finally:
            if running:
                self._runner.run(_canceled(running))

    async def _complete(self, block: Block, sampling: Sampling) -> BlockResult:
        """Ask for a block, in one request where the server takes n, else in one per sample."""
        limit = self._card.get("max_model_len")
        if isinstance(limit, int) and len(block.token_ids) + block.max_new_tokens > limit:
            raise EngineError(
                f"model {self._entry.name!r}: a prefix of {len(block.token_ids):,} tokens with a budget of "
                f"{block.max_new_tokens:,} exceeds the server's max_model_len = {limit:,}; lower max_tokens in "
                "protocols.toml, or serve the model with a larger one"
            )
        n = 1 if sampling.temperature == 0 else block.n  # greedy completions are all the same
        size = n if self._can.takes_n else 1
        answers = await asyncio.gather(
            *(
                self._server.ask(
                    "POST",
                    "completions",
                    self._body(
                        self._can, block.token_ids, block.max_new_tokens, sampling,
                        n=size, seed=sample_seed(block, index),
                    ),
                )
                for index in range(0, n, size)
            )
        )  # fmt: skip
        completions = [self._completion(block, choice) for answer in answers for choice in _choices(answer)]
        if len(completions) != n:
            raise EngineError(
                f"model {self._entry.name!r}: {self._server.url} gave {len(completions)} completions, not {n}"
            )
        generated = [(answer.get("usage") or {}).get("completion_tokens") for answer in answers]
        counted = sum(len(c.token_ids) + (c.finish_reason == "stop") for c in completions)
        told = sum(g for g in generated if isinstance(g, int))
        return BlockResult(
            block,
            tuple(completions[i % n] for i in range(block.n)),
            len(block.token_ids),
            None,  # of n samples a server tells of the last one only, which finds the first one's prompt
            counted if any(not isinstance(g, int) for g in generated) else told,
        )

    def _completion(self, block: Block, choice: dict[str, Any]) -> Completion:
        reason = choice.get("finish_reason")
        if not self._can.returns_ids:
            return completion_of(self.encode(str(choice.get("text") or "")).token_ids, reason, self._eos)
        if not _exact(choice, block.token_ids):
            raise EngineError(
                f"model {self._entry.name!r}: {self._server.url} did not continue the token ids that it was given; "
                "was the server started again with another model?"
            )
        return completion_of(choice["token_ids"], reason, self._eos)

    def close(self) -> None:
        """Close the connections."""
        if not self._is_closed:
            self._is_closed = True
            self._runner.run(self._server.aclose())
            self._runner.close()


def _unverified(card: dict[str, Any]) -> str:
    """A revision for a model whose weights nobody vouches for: a hash of what the server says of it."""
    said = json.dumps([card.get("id"), card.get("root"), card.get("max_model_len")])
    return f"unverified-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def _choices(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The choices of an answer, in the order of their indices."""
    found = answer.get("choices")
    choices = [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []
    return sorted(choices, key=lambda choice: int(choice.get("index") or 0))


def _exact(choice: dict[str, Any], prompt: Sequence[int]) -> bool:
    """Whether a choice has token ids and continues exactly the prompt's, where it says which."""
    ids, given = choice.get("token_ids"), choice.get("prompt_token_ids")
    is_ids = isinstance(ids, list) and all(isinstance(i, int) for i in ids)
    return is_ids and (given is None or list(given) == list(prompt))


async def _first_of(tasks: set[asyncio.Task[T]]) -> set[asyncio.Task[T]]:
    done, _ = await asyncio.wait(tasks, timeout=_HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
    return done


async def _canceled(tasks: set[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
