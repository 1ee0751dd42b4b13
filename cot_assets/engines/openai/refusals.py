"""What servers mean by a refusal: numbers in the words of their messages.

Belongs here: patterns of messages that llama.cpp, vLLM, SGLang, TGI and hosted servers write. Does not belong
here: what is done about it (:mod:`cot_assets.engines.openai.engine`).
"""

from __future__ import annotations

import re

IN_WORDS = "it says: "  #: before an error that a server answered as if it were none
_TOO_LONG = re.compile(
    r"(context|model|sequence|input|prompt)\W+(\w+\W+){0,3}?(length|size|window|len)\b|context_length|max_model_len|too long|"
    r"tokens\W+must be <=|must have less than \d+ tokens|tokens\W+(\w+\W+){0,3}?exceed|exceed\w*\W+(\w+\W+){0,6}?(context|length|tokens)|too many tokens|"
    r"tokens\b.{0,80}?\b(too large|fit|remain|left|at least 1, got (0|-\d+))\b|token limit|longer than the maximum",
    re.IGNORECASE,
)
_TRIES = 16
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?!\d)|\d{1,9}")
_BEFORE = re.compile(rf"HTTP \d+: |{IN_WORDS}")
_MOST = re.compile(
    r"\bn\b\W{0,3}.{0,60}?(?:between 1 and|at most|less than or equal to|no more than|maximum of|<=)\W{0,3}(\d{1,4})",
    re.IGNORECASE | re.DOTALL,
)
_MOST_ALONE = re.compile(r"must be between 1 and (\d{1,4})", re.IGNORECASE)
_HELD = re.compile(r"it holds (\d{1,4}) completions, not ")  #: words of read_answer
_FOREIGN = re.compile(
    r"(invalid|unknown|illegal|out[- ]of[- ](vocab\w*|range))\W+(\w+\W+)?tokens?\b|"
    r"\btoken[ _]?ids?\b.{0,40}(out of (vocab|range)|invalid|not in (the )?vocab|>= ?vocab)",
    re.IGNORECASE,
)


def is_of_another_tokenizer(message: str) -> bool:
    """Whether a request was refused because token ids of its prompt are none of the model's."""
    return bool(_FOREIGN.search(message))


def is_too_long(message: str, status: int = 400) -> bool:
    """Whether a request was refused because prompt and budget together exceed the context."""
    # Some fail where they should refuse, or answer with an error.
    is_refusal = status in (400, 422, 500) or (status == 200 and IN_WORDS in message)
    return status == 413 or (is_refusal and bool(_TOO_LONG.search(message)))


def numbers_in(message: str) -> frozenset[int]:
    """The numbers that a server's own words name."""
    words = _BEFORE.split(message, maxsplit=1)[-1]
    return frozenset(int(found.replace(",", "")) for found in _NUMBER.findall(words))


def budgets_of(named: frozenset[int], n_prompt: int, budget: int) -> list[int]:
    """Smaller budgets that the numbers in a refusal leave room for, the largest first.

    Some name the context, others what is left there, and most the tokens of prompt or request by their own tokenizer: which
    is which, the server tells by what it takes.
    """
    less = {0, n_prompt, n_prompt + 1, *named}
    return sorted({left for a in named for b in less if 0 < (left := a - b) < budget}, reverse=True)[:_TRIES]


def fewer_completions(message: str, asked: int) -> int | None:
    """How many completions to ask for at a time after a refusal of so many, as its message says; else None."""
    if held := _HELD.search(message):
        return (
            int(held[1]) if 0 < int(held[1]) <= asked // 2 else None
        )  # of one that is missing, nothing follows
    found = _MOST.search(message) or _MOST_ALONE.search(message)
    fewer = max(1, int(found[1])) if found else asked
    return fewer if fewer < asked else None
