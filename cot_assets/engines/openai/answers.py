"""What a served model answered, or what is wrong with it.

Belongs here: every rule that an answer to a request for completions must keep, as pure functions. Does not
belong here: how it was fetched (:mod:`cot_assets.engines.openai.connection`) and what is asked
(:mod:`cot_assets.engines.openai.engine`).

A server is a stranger: a proxy answers in its place, another model is loaded, a prompt is cut or wrapped. What
is not sound is never graded; the block is asked for again, as after a lost connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cot_assets.engines.samples import is_end
from cot_assets.study.entries import short

IN_WORDS = "it says: "  #: before an error that a server answered as if it were none
#: Where servers say which string ended a text; a token's id, or nothing, where it was the model.
_STOPPED_BY = ("stop_reason", "matched_stop", "stopping_word")
_ALONE = "have it send completions alone (echo = false)"
_LEAST_COPY = 4  #: tokens of a prompt from which on it is no chance where a completion begins with it
#: Where they put what a model wrote, or a part of it, in place of a text.
_ELSEWHERE = (
    *("reasoning_content", "reasoning", "thinking"),
    *("tool_calls", "function_call", "refusal", "message", "delta"),
)


class UnsoundAnswerError(ValueError):
    """An answer is not one to what was asked; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for completions, as far as its answer must fit it.

    ``prompt_ids``: what was sent; None where it was the text, of about ``n_prompt`` tokens. ``prompt_shown``: the text
    as a server may show it, without special tokens. Ids of completions are
    below ``vocabulary``. ``models``: the names that the server has for the model.
    """

    prompt_ids: Sequence[int] | None
    prompt_text: str
    prompt_shown: str
    n_prompt: int
    n: int
    budget: int
    vocabulary: int
    models: frozenset[str]
    is_echoed: bool = False  #: the server is known to send the prompt before each completion
    is_trial: bool = False  #: one completion is enough: whether the server gives several is to be found out
    bos: str = ""  #: what a server may show before a prompt

    @property
    def may_be_echoed(self) -> bool:
        """Whether a copy of the prompt is the server's: elsewhere a model may have repeated it, as base models do."""
        return self.is_echoed or self.n_prompt > self.budget

    def may_have_read(self, told: int | None) -> bool:
        """Whether a server that was sent this may say that it read so many tokens; None: it says nothing."""
        least = most = self.n_prompt
        if self.prompt_ids is None:
            # It may get a BOS, and few tokens less where the server's tokenizer is another version; how many more
            # there can be is seen at the trial, whose prompt is short: no token is less than a byte.
            least, most = least - 1 - least // 50, max(most, len(self.prompt_text.encode())) + 1
            told = told or None  # some leave out what their cache held
        return told is None or any(
            least * k <= told <= most * k for k in {1, self.n}
        )  # some count it n times


@dataclass(frozen=True, slots=True)
class Choice:
    """A completion as the server gave it; ``token_ids`` None where it gives text alone."""

    text: str
    token_ids: tuple[int, ...] | None
    finish_reason: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The completions in the order of their indices; ``generated`` and ``n_read`` None where the server does not count.

    ``n_echoed`` had the prompt before them, which was cut off; ``n_copies`` begin with the prompt, and this server was not
    seen to send it. ``n_read``: tokens of the prompt. ``fingerprint``: what the server says of its own state.
    """

    choices: tuple[Choice, ...]
    generated: int | None
    n_echoed: int
    n_copies: int
    n_read: int | None = None
    fingerprint: str | None = None


def _unicode(value: object) -> object:
    """A text must be one: half of a surrogate pair is not a character."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("holds half a surrogate pair") from None
    return value


Text = Annotated[str, BeforeValidator(_unicode)]


class _Choice(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    text: Text | None = None
    index: int | None = Field(None, ge=0)
    finish_reason: Text | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None
    prompt_logprobs: list[Any] | None = None  #: one item per token


class _Usage(BaseModel):
    model_config = ConfigDict(strict=True)
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True)
    choices: list[_Choice]
    model: Text | None = None
    system_fingerprint: Text | None = None
    usage: _Usage | None = None


def checked(answer: Mapping[str, Any], asked: Asked) -> _Answer:
    """An answer by the model that was asked, which read what it was sent.

    Raises:
        UnsoundAnswerError: It is not.
    """
    if error := answer.get("error"):
        raise UnsoundAnswerError(f"{IN_WORDS}{error!r:.400}")
    if "choices" not in answer:
        raise UnsoundAnswerError(f"{IN_WORDS}{answer!r:.400}, without choices")
    try:
        found = _Answer.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise UnsoundAnswerError(f"{place[1:]}: {first['msg']}, not {short(first['input'])}") from None
    _raise_first(_wrong_with_answer(found, asked))
    return found


def read_answer(answer: Mapping[str, Any], asked: Asked) -> Answer:
    """The completions of an answer, an echoed prompt cut off.

    Raises:
        UnsoundAnswerError: It is not one to what was asked.
    """
    found = checked(answer, asked)
    given = [_taken(each, asked) for each in sorted(found.choices, key=lambda each: each.index or 0)]
    read, n_copies = tuple(choice for choice, _ in given), sum(is_copy for _, is_copy in given)
    if not asked.may_be_echoed and asked.n_prompt < _LEAST_COPY:
        n_copies = 0
    if asked.is_trial and 0 < n_copies < len(read):
        raise UnsoundAnswerError(
            f"the server puts the prompt before {n_copies} of {len(read)} completions; {_ALONE}"
        )
    n_echoed, n_copies = (n_copies, 0) if asked.may_be_echoed else (0, n_copies)
    usage = found.usage or _Usage()
    return Answer(
        read, usage.completion_tokens, n_echoed, n_copies, usage.prompt_tokens, found.system_fingerprint
    )


def _taken(choice: _Choice, asked: Asked) -> tuple[Choice, bool]:
    """A completion without the prompt, and whether it began with the prompt."""
    _raise_first(_wrong_with_choice(choice))
    text, ids, prompt = choice.text or "", choice.token_ids, asked.prompt_ids
    after = _after_prompt(text, asked)
    if ids is None or prompt is None:
        ids, is_copy = None, after is not None
    else:
        is_copy = ids[: len(prompt)] == list(prompt)
    if is_copy and asked.may_be_echoed:
        text, ids = text if after is None else after, ids and ids[asked.n_prompt :]
    # No stop string is asked for, but some servers have ones of their own.
    said = [(choice.model_extra or {}).get(name) for name in _STOPPED_BY]
    is_own_end = not any(isinstance(one, str) and one and not is_end(one) for one in said)
    end = choice.finish_reason if is_own_end else "stop string"
    own = Choice(text, None if ids is None else tuple(ids), end)
    _raise_first(_wrong_with_own(own, is_copy, asked))
    return own, is_copy


def _raise_first(problems: Iterator[str]) -> None:
    if problem := next(problems, None):
        raise UnsoundAnswerError(problem)


def _wrong_with_answer(found: _Answer, asked: Asked) -> Iterator[str]:
    """Whether the model that was asked wrote it, to what it was sent, and all of it."""
    usage, n, sent = found.usage or _Usage(), len(found.choices), asked.prompt_ids or ()
    # Some leave the path out that they loaded it from.
    if found.model and found.model.rsplit("/", 1)[-1] not in {
        name.rsplit("/", 1)[-1] for name in asked.models
    }:
        yield f"it comes from the model {short(found.model)}, not {' or '.join(sorted(asked.models))}"
    if not asked.may_have_read(usage.prompt_tokens):
        yield (
            f"usage.prompt_tokens is {usage.prompt_tokens:,}, but {asked.n_prompt:,} were sent: the model read another "
            "prompt, or one that was cut or wrapped on its way"
        )
    if (usage.completion_tokens or 0) > asked.n * asked.budget:
        yield f"usage.completion_tokens is {usage.completion_tokens:,}, beyond {asked.n} x {asked.budget:,}"
    for choice in found.choices if sent else ():
        told, n_told = choice.prompt_token_ids or sent, len(choice.prompt_logprobs or sent)
        if list(told) != list(sent) or n_told != len(sent):
            yield (
                "it did not continue the token ids that it was given: they were cut or wrapped on their way, or the server "
                "was started again with another model"
            )
    if n != asked.n and not (asked.is_trial and n == 1):
        yield f"it holds {n} completions, not {asked.n}"
    indices = sorted(choice.index or 0 for choice in found.choices)
    if indices[-1] >= asked.n or len(set(indices)) not in (1, n):  # some number all of them 0
        yield f"it numbers its {asked.n} completions {short(indices)}"


def _wrong_with_choice(choice: _Choice) -> Iterator[str]:
    """Whether its text is all that the model wrote: a server that parses it leaves a part, or nothing."""
    if place := next((name for name in _ELSEWHERE if (choice.model_extra or {}).get(name)), None):
        yield (
            f"text is {short(choice.text)}, and {place} holds what the model wrote; have the server give plain text, as "
            "/v1/completions does without parsers of reasoning and tools (vLLM: no --reasoning-parser)"
        )
    if choice.text is None:
        yield "text is missing or null"


def _wrong_with_own(choice: Choice, is_copy: bool, asked: Asked) -> Iterator[str]:
    """Whether a completion can be what the model wrote, after a prompt that was cut off."""
    ids, text = choice.token_ids or (), choice.text
    may_hold = asked.may_be_echoed and choice.token_ids is None and asked.n_prompt >= _LEAST_COPY
    # It is longer than the model may write.
    holds_it = may_hold and asked.prompt_shown != "" and asked.prompt_shown in text
    if not is_copy and (asked.is_echoed or holds_it):
        yield (
            f"the server puts the prompt before its completions, but this one begins with {short(text)}: what of it the "
            f"model wrote is not known; {_ALONE}"
        )
    if len(ids) > asked.budget:
        yield f"a completion has {len(ids):,} tokens, beyond the budget of {asked.budget:,}"
    if strange := [i for i in ids if not 0 <= i < asked.vocabulary]:
        yield (
            f"token id {strange[0]} lies outside the {asked.vocabulary:,} of the tokenizer; `path` in models.toml names "
            "another model's"
        )


def _after_prompt(text: str, asked: Asked) -> str | None:
    """What follows the prompt in a text that begins with it, perhaps without special tokens; None for another."""
    bare = text.lstrip().removeprefix(asked.bos).lstrip()
    for prompt in filter(None, (asked.prompt_text, asked.prompt_shown)):
        for one, whole in ((prompt, text), (prompt.lstrip(), bare)):
            if whole.startswith(one):
                return whole[len(one) :]
    return None


def most_bytes(n: int, budget: int, n_prompt: int) -> int:
    """How large an answer to such a request can be: ids and text of every token, ids of the prompt.

    The longest tokens of large vocabularies are 128 blanks; JSON writes some characters in 6 bytes.
    """
    return 65_536 + n * (160 * budget + 16 * n_prompt)
