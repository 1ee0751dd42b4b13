"""A model at one server: what it is, what the server can, and one request to it.

Belongs here: from token ids to a request and from its answer to token ids. Does not belong here: connections, keys
and retries (:mod:`cot_assets.engines.openai.connection`), which answers are sound (:mod:`cot_assets.engines.openai.answers`), blocks
(:mod:`cot_assets.engines.openai.engine`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from cot_assets.engines.base import EngineError, Sampling
from cot_assets.engines.openai.answers import Answer, Asked, UnsoundAnswerError, most_bytes, read_answer
from cot_assets.engines.openai.connection import FINAL, NO_ANSWER, RefusedError, Server
from cot_assets.engines.openai.refusals import is_of_another_tokenizer
from cot_assets.engines.openai.texts import Texts
from cot_assets.engines.openai.told import card_of, cards_of, revision_of, weights_of
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.study import ModelEntry

TOKENS = "tokens of a sentence"
_SUM = "1 + 1 ="  #: what is continued to see what a server can
#: What servers that show their tokenizer are asked to make tokens of: words, digits, blanks, a formula.
_SPOKEN = "Then 144 = 11 * 13 + 1,  naive \\frac{1}{2}\n"
#: Servers fill in what a request leaves open: from the model's generation_config.json (vLLM), or with
#: values of their own (llama.cpp: top_k = 40). The protocol says what it says, and nothing else.
_PENALTIES = {"presence_penalty": 0.0, "frequency_penalty": 0.0}
_EXTRAS = {"repetition_penalty": 1.0, "repeat_penalty": 1.0, "stop": []}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server was seen to do with a request; ``most_n``: completions that it gives at a time."""

    takes_ids: bool
    returns_ids: bool
    takes_extras: bool
    most_n: int
    is_echoing: bool = False
    adds_bos: bool = False  #: to a prompt that travels as text


class Endpoint:
    """A model at its server; use it within one event loop. ``find`` is awaited before anything else."""

    card: dict[str, Any]  #: the server's own words on the model
    can: Abilities
    version: str
    tokens: object = None  #: of a sentence, by the server's own tokenizer; None where it does not tell
    away: str | None = None  #: why it is left out, among several
    delay = 0.0  #: seconds that it was left out for, since it answered last
    n_at_work = n_asked = 0  #: requests

    def __init__(self, entry: ModelEntry, tokenizer: ModelTokenizer, url: str) -> None:
        self._entry, self._tokenizer = entry, tokenizer
        self.server = Server(entry, url)
        self._settings, self.url = self.server.settings, self.server.url
        self.texts = Texts(tokenizer, self.server.masked)

    async def find(self) -> None:
        """Ask the server what it serves and can; raises :class:`EngineError` where it is not reached."""
        self.card = await self._find_card()
        self.can = await self._find_abilities()
        version = str((await self._told("GET", "/version")).get("version", ""))[:40]
        self.version = f"{str(self.card.get('owned_by') or 'unknown')[:40]} {version}".strip()
        if len(self._entry.endpoints) > 1:
            plain = {"add_special_tokens": False, "add_special": False}
            spoken = {"prompt": _SPOKEN, "content": _SPOKEN, **plain}
            self.tokens = (await self._told("POST", "/tokenize", spoken)).get("tokens")
        if self.can.takes_ids:
            await self._check_ids()

    async def _find_card(self) -> dict[str, Any]:
        cards = await self.server.ask("GET", "models", read=cards_of, wait=self._settings.wait_at_start)
        return card_of(cards, self._entry, self.url)

    async def check_card(self) -> None:
        """Raises :class:`EngineError` where the server says that it serves another model than before."""
        if revision_of(await self._find_card()) != revision_of(self.card):
            raise EngineError(
                self.server.say("it serves another model than at the start; serve the same, then run again")
            )

    async def _told(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """What the server says of itself; nothing where it does not tell, as most do not."""
        sent = None if body is None else {"model": self.card["id"], **body}
        with suppress(EngineError):
            return await self.server.ask(method, path, sent, read=dict, wait=0.0)
        return {}

    @property
    def served(self) -> Mapping[str, object]:
        """What must be the same at every endpoint of an entry."""
        names = () if self._entry.revision else ("root", "max_model_len")
        abilities = ("takes_ids", "returns_ids", "takes_extras")
        return {
            "id": self.card["id"],
            **{name: self.card.get(name) for name in names},
            "weights": weights_of(self.card),
            TOKENS: self.tokens,
            **{name: getattr(self.can, name) for name in abilities},
        }

    @property
    def note(self) -> str:
        """What of a request the server does not take, in words; empty where it takes all."""
        missing = [] if self.can.takes_extras else list(_extras(Sampling(1.0, 1.0)))
        missing += [] if self._settings.seeds else ["seed"]
        return f"the server was sent no {', '.join(missing)}: its own settings hold" if missing else ""

    async def _find_abilities(self) -> Abilities:
        """Try requests for two tokens, from the one that asks most of the server to the plainest."""
        refusal: RefusedError | None = None
        for takes_ids, takes_extras in ((True, True), (True, False), (False, True), (False, False)):
            if self._settings.prompts == ("text" if takes_ids else "token_ids"):
                continue
            can = Abilities(takes_ids, returns_ids=False, takes_extras=takes_extras, most_n=2)
            try:
                answer = await self.try_out(can)
            except RefusedError as error:
                if error.status in FINAL:
                    raise
                refusal = error if refusal is None or error.status == NO_ANSWER else refusal
                continue
            returns_ids = all(choice.token_ids is not None for choice in answer.choices)
            if self._settings.prompts == "token_ids" and not returns_ids:
                break
            most_n = 1 if len(answer.choices) == 1 else 1 << 16
            n = len(self._tokenizer.encode(_SUM).token_ids)
            seen = {n: False, 2 * n: False, n + 1: True, 2 * (n + 1): True}  # some count it per completion
            adds_bos = seen.get(answer.n_read or 0, self._tokenizer.adds_bos)
            return Abilities(takes_ids, returns_ids, takes_extras, most_n, answer.n_echoed > 0, adds_bos)
        raise refusal or EngineError(
            f"model {self._entry.name!r}: {self.url} returns no token ids, which engine_args.prompts = "
            "'token_ids' asks for; set it to 'auto' to let text travel"
        )

    async def try_out(self, can: Abilities) -> Answer:
        """Two completions of a small prompt, or one where the server gives no more at a time."""
        ids, plain = self._tokenizer.encode(_SUM).token_ids, Sampling(1.0, 1.0)
        try:
            return await self.ask(ids, 2, plain, n=2, seed=1, trial=can)
        except RefusedError as error:
            if error.status in FINAL or error.is_unsound:
                raise
            return await self.ask(ids, 2, plain, n=1, seed=1, trial=can)

    async def _check_ids(self) -> None:
        """Raises :class:`EngineError` where the server says that token ids mean another text to it."""
        ids = self._tokenizer.encode(_SPOKEN).token_ids
        ours = self._tokenizer.decode(ids).strip()
        found = await self._told("POST", "/detokenize", {"tokens": list(ids)})
        theirs = found.get("prompt", found.get("content"))  # vLLM's and llama.cpp's words
        if ours == _SPOKEN.strip() and isinstance(theirs, str) and theirs.strip() != ours:
            raise EngineError(
                self.server.say(
                    f"the tokenizer is that of another model than is served: its tokens of {ours!r} are "
                    f"{theirs.strip()[:80]!r} there; name the served model's own in `path`"
                )
            )

    async def ask(
        self,
        token_ids: Sequence[int],
        budget: int,
        sampling: Sampling,
        *,
        n: int,
        seed: int,
        trial: Abilities | None = None,
    ) -> Answer:
        """The answer to one request, a sound one; ``trial``: what is to be found out that the server can.

        Raises:
            EngineError: As :meth:`Server.ask`, and where the ids cannot travel.
        """
        can = trial or self.can
        asked = replace(self.asked(token_ids, n, budget, can), is_trial=trial is not None)
        body: dict[str, Any] = {
            "model": self.card["id"],
            "prompt": asked.prompt_text if asked.prompt_ids is None else list(asked.prompt_ids),
            "max_tokens": budget,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "n": n,
            **_PENALTIES,
        }
        if self._settings.seeds:
            body["seed"] = seed
        if can.takes_extras:
            body |= {"return_token_ids": True, "stop_token_ids": list(self._tokenizer.eos_token_ids)}
            body |= _extras(sampling)
        try:
            found = await self.server.ask(
                "POST",
                "completions",
                body,
                read=lambda answer: self._read(answer, asked, can),
                most=most_bytes(n, budget, len(token_ids)),
                wait=self._settings.wait_at_start if trial else None,
            )
        except RefusedError as error:
            if not (can.takes_ids and is_of_another_tokenizer(str(error))):
                raise
            raise EngineError(
                f"model {self._entry.name!r}: {self.url} does not know some token ids that the tokenizer of `path` = "
                f"{self._entry.path!r} makes: it is that of another model; name the served model's own ({error})"
            ) from error
        if trial is not None:
            return found
        self.texts.fingerprints |= {found.fingerprint} - {None}
        if found.n_copies:
            # A model can repeat its prompt, a server be started with another setting.
            self.can = replace(can, is_echoing=(await self._find_abilities()).is_echoing)
            if self.can.is_echoing:
                return await self.ask(token_ids, budget, sampling, n=n, seed=seed)
            # What may be shorter than the prompt and holds it was not written by the model.
            again = await self.ask(token_ids, min(budget, len(token_ids) // 2), sampling, n=n, seed=seed)
            if again.n_echoed:
                raise RefusedError(
                    self.server.say(
                        f"the server puts the prompt before some of its completions, here {found.n_copies} of {n}, also where it "
                        "may write fewer tokens than the prompt has: what the model wrote is not known, and none is kept; have it "
                        "send completions alone (echo = false)"
                    ),
                    NO_ANSWER,
                )
        return found

    def asked(self, token_ids: Sequence[int], n: int, budget: int, can: Abilities) -> Asked:
        """What a request is for; raises :class:`RefusedError` where the prompt cannot travel."""
        text, takes_ids = self._tokenizer.decode(token_ids, with_special=True), can.takes_ids
        sent = text if takes_ids else self._sendable(text, can)
        return Asked(
            prompt_ids=token_ids if takes_ids else None,
            prompt_text=sent,
            prompt_shown=self._tokenizer.decode(token_ids),
            n_prompt=len(token_ids if takes_ids else self._tokenizer.encode(sent).token_ids),
            n=n,
            budget=budget,
            vocabulary=self._tokenizer.vocabulary,
            models=frozenset(str(self.card[name]) for name in ("id", "root") if self.card.get(name)),
            bos=self._tokenizer.bos or "",
            is_echoed=can.is_echoing,
        )

    def _sendable(self, text: str, can: Abilities) -> str:
        """A prompt as it travels, without a BOS that the server will put there."""
        if text.endswith("\ufffd"):
            raise RefusedError(
                f"model {self._entry.name!r}: a prefix of {len(text):,} characters ends within a character, which "
                "cannot travel as text; it is not sampled. Cut at lines or sentences, or serve token ids",
                400,
            )
        return text.removeprefix(self._tokenizer.bos or "") if can.adds_bos else text

    def _read(self, answer: dict[str, Any], asked: Asked, can: Abilities) -> Answer:
        """A sound answer, its texts in token ids where it has none."""
        found = read_answer(answer, asked)
        if can.returns_ids and any(choice.token_ids is None for choice in found.choices):
            raise UnsoundAnswerError("a completion has no token_ids, which earlier ones had")
        if asked.is_trial:
            return found
        told = None if can.returns_ids else found.generated
        return replace(found, choices=self.texts.in_ids(found.choices, asked.budget, told))


def _extras(sampling: Sampling) -> dict[str, Any]:
    """Settings that the protocol of OpenAI does not have; off where ours leaves them open."""
    return {"top_k": sampling.top_k or -1, "min_p": sampling.min_p, **_EXTRAS}
