"""What a served model answered, or what is wrong with it.

Belongs here: every rule that an answer to a request for completions must keep, as pure functions. Does not
belong here: how it was fetched (:mod:`cot_assets.engines.openai.connection`) and what is asked
(:mod:`cot_assets.engines.openai.engine`).

A server is a stranger: a proxy answers in its place, another model is loaded, a prompt is cut or wrapped. What
is not sound is never graded; the block is asked for again, as after a lost connection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
#: Where they put what a model thought before it answered.
_REASONING = ("reasoning_content", "reasoning", "thinking")


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


@dataclass(frozen=True, slots=True)
class Choice:
    """A completion as the server gave it; ``token_ids`` None where it gives text alone."""

    text: str
    token_ids: tuple[int, ...] | None
    finish_reason: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The completions in the order of their indices; ``generated`` None where the server does not count.

    ``n_echoed`` had the prompt before them, which was cut off; ``n_copies`` begin with the prompt, and this server was not
    seen to send it.
    """

    choices: tuple[Choice, ...]
    generated: int | None
    n_echoed: int
    n_copies: int

    def written(self, eos: Collection[int]) -> int:
        """Tokens in the completions, the end of a text counted as one."""
        given = ((choice.token_ids or (), choice.finish_reason) for choice in self.choices)
        return sum(len(ids) + (end == "stop" and not set(ids[-1:]) & set(eos)) for ids, end in given)


def _unicode(value: object) -> object:
    """A text must be one: half of a surrogate pair is no character."""
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


class _Usage(BaseModel):
    model_config = ConfigDict(strict=True)
    prompt_tokens: int | None = Field(None, ge=0)
    completion_tokens: int | None = Field(None, ge=0)


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True)
    choices: list[_Choice]
    model: Text | None = None
    usage: _Usage | None = None


def read_answer(answer: Mapping[str, Any], asked: Asked) -> Answer:
    """The completions of an answer, an echoed prompt cut off.

    Raises:
        UnsoundAnswerError: It is not one to what was asked.
    """
    if answer.get("error") is not None:
        raise UnsoundAnswerError(f"{IN_WORDS}{short(answer['error'])}")
    try:
        found = _Answer.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise UnsoundAnswerError(f"{place[1:]}: {first['msg']}, not {short(first['input'])}") from None
    if found.model is not None and not _is_same_model(found.model, asked.models):
        raise UnsoundAnswerError(
            f"it comes from the model {short(found.model)}, not {' or '.join(sorted(asked.models))}"
        )
    choices = sorted(found.choices, key=lambda choice: choice.index or 0)
    if len(choices) != asked.n and not (asked.is_trial and len(choices) == 1):
        raise UnsoundAnswerError(f"it holds {len(choices)} completions, not {asked.n}")
    if choices[-1].index is not None and choices[-1].index >= asked.n:
        raise UnsoundAnswerError(f"it numbers a completion {choices[-1].index}, of {asked.n}")
    indices = [choice.index for choice in choices]
    if len(set(indices)) not in (1, len(indices)):  # some number all of them 0
        raise UnsoundAnswerError(f"it numbers several of its completions alike: {short(indices)}")
    _check_usage(found.usage or _Usage.model_validate({}), len(choices), asked)
    read = tuple(_choice(choice, asked) for choice in choices)
    n_echoed = sum(
        len(after.text) < len(before.text or "")
        if after.token_ids is None
        else len(after.token_ids) < len(before.token_ids or ())
        for before, after in zip(choices, read, strict=True)
    )
    if asked.is_trial and 0 < n_echoed < len(read):
        raise UnsoundAnswerError(
            f"the server puts the prompt before {n_echoed} of {len(read)} completions; {_ALONE}"
        )
    is_new = not asked.may_be_echoed and asked.n_prompt >= _LEAST_COPY
    n_copies = sum(_repeats(choice, asked) for choice in read) if is_new else 0
    generated = None if found.usage is None else found.usage.completion_tokens
    return Answer(read, generated, n_echoed, n_copies)


def _check_usage(usage: _Usage, n: int, asked: Asked) -> None:
    """The server read as many tokens as it was sent, and wrote no more than it was let."""
    told, sent, most = usage.prompt_tokens, asked.n_prompt, asked.n_prompt
    if asked.prompt_ids is None:
        # It may get a BOS, and few tokens less where the server's tokenizer is another version; how many more
        # there can be is seen at the trial, whose prompt is short: no token is less than a byte.
        sent, most = sent - 1 - sent // 50, max(sent, len(asked.prompt_text.encode())) + 1
        told = told or None  # some leave out what their cache held
    if told is not None and not any(sent * k <= told <= most * k for k in {1, n}):  # some count it n times
        raise UnsoundAnswerError(
            f"usage.prompt_tokens is {told:,}, but {asked.n_prompt:,} were sent: the model read another prompt, or one "
            "that was cut or wrapped on its way"
        )
    if (usage.completion_tokens or 0) > n * asked.budget:
        raise UnsoundAnswerError(
            f"usage.completion_tokens is {usage.completion_tokens:,}, beyond {n} x {asked.budget:,}"
        )


def _choice(choice: _Choice, asked: Asked) -> Choice:
    text = _text(choice)
    prompt = None if asked.prompt_ids is None else list(asked.prompt_ids)
    if choice.prompt_token_ids is not None and prompt is not None and choice.prompt_token_ids != prompt:
        raise UnsoundAnswerError(
            "it did not continue the token ids that it was given; was the server started again with another model?"
        )
    end = choice.finish_reason if _is_own_end(choice) else "stop string"
    if choice.token_ids is None or prompt is None:
        return Choice(_without_echo(text, asked), None, end)
    ids = choice.token_ids
    if asked.may_be_echoed and ids[: len(prompt)] == prompt:
        ids, after = ids[len(prompt) :], _after_prompt(text, asked)
        text = text if after is None else after
    elif asked.is_echoed:
        raise _not_the_prompt(text)
    if len(ids) > asked.budget:
        raise UnsoundAnswerError(
            f"a completion has {len(ids):,} tokens, beyond the budget of {asked.budget:,}"
        )
    if strange := [i for i in ids if not 0 <= i < asked.vocabulary]:
        raise UnsoundAnswerError(
            f"token id {strange[0]} is none of the {asked.vocabulary:,} of the tokenizer; `path` in models.toml names "
            "another model's"
        )
    return Choice(text, tuple(ids), end)


def _is_own_end(choice: _Choice) -> bool:
    """Whether the model ended its text: no stop string is asked for, but some servers have ones of their own."""
    extra = choice.model_extra or {}
    said = (extra.get(name) for name in _STOPPED_BY)
    return not any(isinstance(one, str) and one and not is_end(one) for one in said)


def _text(choice: _Choice) -> str:
    """The text of a choice; a server that parses what a model thought leaves none."""
    extra = choice.model_extra or {}
    thought = next((name for name in _REASONING if extra.get(name)), None)
    if thought is not None and not choice.text:
        raise UnsoundAnswerError(
            f"text is {short(choice.text)}, and {thought} holds what the model wrote; start the server without a "
            "reasoning parser (vLLM: no --reasoning-parser)"
        )
    if choice.text is None:
        is_chat = "message" in extra or "delta" in extra
        raise UnsoundAnswerError(
            "text is missing"
            + (", as from a chat endpoint; /v1/completions is asked" if is_chat else " or null")
        )
    return choice.text


def _without_echo(text: str, asked: Asked) -> str:
    """A completion without the prompt, where the server sends both, perhaps without special tokens.

    Raises:
        UnsoundAnswerError: A server that sends both sends something else than the prompt.
    """
    if not asked.may_be_echoed:
        return text
    if (after := _after_prompt(text, asked)) is not None:
        return after
    is_in_it = asked.n_prompt >= _LEAST_COPY and asked.prompt_shown in text  # longer than the model may write
    if asked.prompt_shown and (asked.is_echoed or is_in_it):
        raise _not_the_prompt(text)
    return text


def _after_prompt(text: str, asked: Asked) -> str | None:
    """What follows the prompt in a text that begins with it; None for another."""
    bare = text.lstrip().removeprefix(asked.bos).lstrip()
    for prompt in filter(None, (asked.prompt_text, asked.prompt_shown)):
        for one, whole in ((prompt, text), (prompt.lstrip(), bare)):
            if whole.startswith(one):
                return whole[len(one) :]
    return None


def _repeats(choice: Choice, asked: Asked) -> bool:
    """Whether a completion begins with the prompt."""
    if choice.token_ids is None or asked.prompt_ids is None:
        return _after_prompt(choice.text, asked) is not None
    return choice.token_ids[: asked.n_prompt] == tuple(asked.prompt_ids)


def _not_the_prompt(text: str) -> UnsoundAnswerError:
    return UnsoundAnswerError(
        f"the server puts the prompt before its completions, but this one begins with {short(text)}: what of it the "
        f"model wrote is not known; {_ALONE}"
    )


def _is_same_model(name: str, known: frozenset[str]) -> bool:
    """Whether a server means the model; some leave the path out that they loaded it from."""
    return name.rsplit("/", 1)[-1] in {other.rsplit("/", 1)[-1] for other in known}


def most_bytes(n: int, budget: int, n_prompt: int) -> int:
    """How large an answer to such a request can be: ids and text of every token, ids of the prompt.

    The longest tokens of large vocabularies are 128 blanks; JSON writes some characters in 6 bytes.
    """
    return 65_536 + n * (160 * budget + 16 * n_prompt)
