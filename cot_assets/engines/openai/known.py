"""Whether a server goes on from the text that it is sent, with the model that it had at the start.

Its own greedy words on a question are the known answer: cut before a blank and sent back, they must go on as they did. So
are seen, with any model: blanks taken off, a chat template around a prompt, words of the prompt before a completion, a
prompt that is cut, a cut text that is called whole, a cache that answers, and another model. A cut behind a line's end shows a
server that takes line ends off. Nothing is concluded of a server that does not repeat its greedy words, or whose words have no
blanks or another spelling in tokens.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from cot_assets.engines.base import BlockResult, EngineError, Sampling
from cot_assets.engines.openai.answers import Answer
from cot_assets.engines.openai.connection import RefusedError
from cot_assets.engines.openai.endpoint import Endpoint
from cot_assets.engines.samples import completion_of
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.study.entries import short

_QUESTION = "Count from 1 to 12, then say in a sentence what you counted, and why."
_STORY = "Tell in a few long sentences how a fox and an old farmer became friends."
#: Said again and again it goes on for any model, past the strings that servers stop at.
_RECITED = "One. Two\nThree, four\n\nQuestion: five\nUser: six\n\n### Human: seven\n\n"
_BEGUN = 3  #: characters of it that are said
_GREEDY = Sampling(0.0, 1.0)
_BUDGET, _PART = 64, 12  #: tokens of the whole answer, and of how a part of it goes on
_PARTS, _LINES = 4, 2  #: cut before a blank, and behind the end of a line
_COMPARED = 24  #: characters: rounding may turn later words
_ENDS = 12  #: texts of which it is seen whether they end
_SAME, _UNREADABLE = "same", "\ufffd"
#: What is seen of a completion, and what is said of a server most of whose completions are so.
_WRONG = {
    "trimmed": "takes blanks off the beginning of what the model writes, so that words run together",
    "called whole": "says that the model ended its text where max_tokens cut it",
    "cut": "takes line ends off the end of the text that it is sent",
    "other": "does not go on from the text that it is sent",
}
Ask = Callable[..., Awaitable[Answer]]
Seen = tuple[str, str, str]  #: one of these, what was written, and what should have been


class Known:
    """What a server wrote at the start: prefixes in token ids, and the texts that followed. Empty where it says nothing."""

    def __init__(self, endpoint: Endpoint, tokenizer: ModelTokenizer) -> None:
        self._endpoint, self._tokenizer = endpoint, tokenizer
        self.parts: list[tuple[tuple[int, ...], str]] = []
        self._lines: list[tuple[tuple[int, ...], str]] = []
        self._is_repeated, self._stopped_at = True, ""

    @property
    def note(self) -> str:
        """What is to be said of a server that stops by itself, or gives other words each time; else empty."""
        if self._stopped_at:
            return f"the server ends texts before {short(self._stopped_at)}: has it stop strings of its own? Switch them off"
        if self.parts or self._is_repeated:
            return ""
        return (
            "the server gives other words at temperature 0 each time, as several models do or a temperature of its own: "
            "whether it goes on from texts as they are was not seen"
        )

    async def learn(self) -> None:
        """Ask for answers and for what follows their parts; raises :class:`EngineError` where that is not the rest."""
        for question in (_QUESTION, _STORY):
            if not self.parts:
                with suppress(RefusedError):  # of temperature 0, or of so long a prompt
                    await self._learn_of(self._tokenizer.render_prompt(question))
        begun = self._tokenizer.encode(_RECITED * 4 + _RECITED[:_BEGUN]).token_ids
        with suppress(RefusedError):
            text, is_whole, _ = await self._written(begun, _BUDGET)
            rest = _RECITED[_BEGUN:]
            if is_whole and rest.startswith(text):
                self._stopped_at = rest[len(text) :][:_PART]

    async def _learn_of(self, prompt: tuple[int, ...]) -> None:
        read = self._tokenizer.decode
        text, _, generated = await self._written(prompt, _BUDGET)
        ids = self._tokenizer.encode_after(text).token_ids
        heads = [(*prompt, *ids[:k]) for k in range(len(ids) - _PART)]
        cuts = [(head, _rest(read(prompt) + text, read(head))) for head in heads]
        seams = [(head, rest) for head, rest in cuts[1:] if rest[:1].isspace()]
        self._lines = [(head, rest) for head, rest in cuts if rest and not rest[:1].isspace()][:_LINES]
        if len(seams) < _PARTS or _UNREADABLE in text or (generated or 0) > len(ids) + 1:
            return
        parts = [(prompt, text), *(seams[i * len(seams) // _PARTS] for i in range(_PARTS))]
        whole, *seen = await self._seen(parts)
        self._is_repeated = whole[0] != "other"
        if self._is_repeated:
            self._judge(seen, await self._seen(self._lines))
            self.parts = parts

    async def check(self) -> None:
        """Raises :class:`EngineError` where the server no longer writes what it wrote at the start."""
        if self.parts:
            await self._endpoint.check_card()
            self._judge(await self._seen(self.parts), await self._seen(self._lines))

    async def _seen(self, parts: Sequence[tuple[tuple[int, ...], str]]) -> list[Seen]:
        return await asyncio.gather(*(self._go_on(*part) for part in parts))

    async def _go_on(self, prefix: tuple[int, ...], rest: str) -> Seen:
        text, is_whole, _ = await self._written(prefix, _PART)
        if text and _begin_alike(text, rest):
            return "called whole" if is_whole and len(text) < len(rest) else _SAME, text, rest
        if text[:1].isspace() and _begin_alike(text.lstrip(), rest):
            return "cut", text, rest
        return "trimmed" if text and _begin_alike(text, rest.lstrip()) else "other", text, rest

    async def _written(self, prefix: tuple[int, ...], budget: int) -> tuple[str, bool, int | None]:
        """What the model wrote after a prefix, whether it is said to have ended there, and the tokens as counted."""
        answer = await self._endpoint.ask(prefix, budget, _GREEDY, n=1, seed=1, trial=self._endpoint.can)
        (choice,), read = answer.choices, self._tokenizer.decode
        found = completion_of(choice.token_ids or (), choice.finish_reason, self._tokenizer.eos_token_ids)
        text = choice.text
        if choice.token_ids is not None:
            text = read((*prefix, *found.token_ids))[len(read(prefix)) :]
        return text, found.finish_reason == "stop", answer.generated

    def _judge(self, seen: Sequence[Seen], lines: Sequence[Seen]) -> None:
        wrong = [each for each in seen if each[0] != _SAME]
        if 2 * len(wrong) <= len(seen):
            wrong = lines if all(kind == "cut" for kind, _, _ in lines) else ()
        if wrong:
            ((common, _),) = Counter(kind for kind, _, _ in wrong).most_common(1)
            text, rest = next((text, rest) for kind, text, rest in wrong if kind == common)
            raise EngineError(
                self._endpoint.server.say(
                    f"the server {_WRONG[common]}: it wrote {short(text)} in the middle of a text of its own that went on with "
                    f"{short(rest[: len(text)])} before. Have it continue texts as they are, with the model that it had at the "
                    "start and without template, echo, trimming or cache, then run again"
                )
            )


async def seen_of_ends(
    results: Iterable[BlockResult], sampling: Sampling, tokenizer: ModelTokenizer, ask: Ask
) -> str | None:
    """What is to be noted of texts that are said to have ended by themselves; None where there are too few.

    Sent back they end there, unless something else ended them.
    """
    whole = {
        (*result.block.token_ids, *completion.token_ids)
        for result in results
        for completion in result.completions
        if completion.finish_reason == "stop"
    }
    if len(whole) < _ENDS:
        return None
    asked = (ask(ids, 1, sampling, n=1, seed=seed) for seed, ids in enumerate(sorted(whole)[:_ENDS]))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    found = [
        completion_of(choice.token_ids or (), choice.finish_reason, tokenizer.eos_token_ids)
        for answer in answers
        if isinstance(answer, Answer)
        for choice in answer.choices
    ]
    going = [text for each in found if (text := tokenizer.decode(each.token_ids))]
    if 2 * len(going) <= len(found):
        return ""
    return (
        f"{len(going)} of {len(found)} texts that are said to have ended go on when they are sent back, say with "
        f"{short(going[0])}: has the server stop strings of its own? Switch them off"
    )


def _begin_alike(text: str, rest: str) -> bool:
    n = min(len(text), len(rest), _COMPARED)
    return text[:n] == rest[:n]


def _rest(text: str, head: str) -> str:
    """What follows where a text begins with a head that ends at a word's or a line's end; else nothing."""
    rest = text[len(head) :]
    is_end = rest[:1].isspace() != head[-1:].isspace() and (rest[:1].isspace() or head.endswith("\n"))
    return rest if text.startswith(head) and is_end else ""
