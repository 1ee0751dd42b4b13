"""What servers mean by a refusal: numbers in the words of their messages.

Belongs here: patterns of messages that llama.cpp, vLLM, SGLang, TGI and hosted servers write. Does not belong
here: what is done about it (:mod:`cot_assets.engines.openai.engine`).
"""

from __future__ import annotations

import re

IN_WORDS = "it says: "  #: before an error that a server answered as if it were none
_TOO_LONG = re.compile(
    r"(context|model|sequence|input|prompt)\W+(\w+\W+){0,3}?(length|size|window|len)\b|context_length|max_model_len|too long|"
    r"tokens\W+must be <=|must have less than \d+ tokens|tokens\W+(\w+\W+){0,3}?exceed|exceed\w*\W+(\w+\W+){0,6}?(context|length|tokens)|too many tokens",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"(?:context[ _](?:length|size|window)|max_model_len|max_seq_len|max(?:imum)?[ _](?:model|sequence)[ _]len(?:gth)?|n_ctx|"
    r"tokens\W+must be <=)\D{0,30}?(\d[\d,]{0,9})",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"\bn\b\W{0,3}.{0,60}?(?:between 1 and|at most|less than or equal to|no more than|maximum of|<=)\W{0,3}(\d{1,4})",
    re.IGNORECASE | re.DOTALL,
)
_MOST_ALONE = re.compile(r"must be between 1 and (\d{1,4})", re.IGNORECASE)
_TOO_MANY = re.compile(
    r"too many (?:completions|choices|samples|sequences)|\b(?:n|n_cmpl|best_of|n_samples|num_return_sequences)\b.{0,80}?"
    r"(?:greater|larger|exceed|too (?:many|high|large)|less than|at most|only|support|allowed|slots)",
    re.IGNORECASE | re.DOTALL,
)

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


def context_in(message: str) -> int | None:
    """The tokens of the context that a refusal names, if it does."""
    found = _CONTEXT.search(message)
    return int(found[1].replace(",", "")) if found else None


def fewer_completions(message: str, asked: int) -> int | None:
    """How many completions to ask for at a time after a refusal of so many; None where that is not what was refused.

    The number that the message names, else half as many.
    """
    if found := _MOST.search(message) or _MOST_ALONE.search(message):
        fewer = max(1, int(found[1]))
    else:
        fewer = asked // 2 if _TOO_MANY.search(message) and not is_too_long(message) else 0
    return fewer if 1 <= fewer < asked else None
