"""Texts as they travel, and in tokens: what is sent, and what of an answer is believed.

Where a server gives token ids, they are believed, since they are what a model writes; its text should say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cot_assets.engines.openai.answers import Choice, UnsoundAnswerError
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.study.entries import short

_CUT = "\ufffd"  #: in the place of a character that tokens end within


@dataclass
class Texts:
    """Completions of a server in token ids; ``masked`` takes out what nobody may read.

    ``n_unlike``: of ``n_with_ids`` that came with ids, those whose text is another one. ``n_short``: those that ended
    by their length before they were as long as was let. ``fingerprints``: what the server said of its own state.
    """

    tokenizer: ModelTokenizer
    masked: Callable[[str], str]
    n_with_ids: int = 0
    n_unlike: int = 0
    n_short: int = 0
    fingerprints: set[str | None] = field(default_factory=set)

    @property
    def note(self) -> str:
        """What is strange about the texts so far; empty where nothing is."""
        found: list[str] = []
        if len(self.fingerprints) > 1:
            told = ", ".join(sorted(short(each) for each in self.fingerprints)[:8])
            found.append(
                f"system_fingerprint was {told}: software or weights of the server were changed while it was asked"
            )
        if self.n_unlike:
            found.append(
                f"the text of {self.n_unlike:,} of {self.n_with_ids:,} completions is not that of their token ids, which are "
                "believed: is `path` the served model's tokenizer? engine_args.prompts = 'text' believes the texts"
            )
        if self.n_short:
            found.append(
                f"{self.n_short:,} completions ended by their length before their budget: the server has a limit of its own"
            )
        return "; ".join(found)

    def in_ids(self, choices: Sequence[Choice], budget: int, told: int | None) -> tuple[Choice, ...]:
        """Completions in the tokens of their texts; ``told``: how many tokens they have, where texts travel.

        Raises:
            UnsoundAnswerError: The texts are not all that the model wrote.
        """
        found = tuple(self._in_ids(choice, budget) for choice in choices)
        n = sum(len(choice.token_ids or ()) for choice in found)
        is_whole = not any(_CUT in choice.text for choice in choices)
        # Another spelling may take fewer tokens than the model wrote, but not by a fifth; its end is one of them.
        if told is not None and is_whole and 4 * told > 5 * n + 32 * len(found):
            raise UnsoundAnswerError(
                f"usage.completion_tokens is {told:,}, but the texts have {n:,} tokens: a part of what the model wrote is "
                "missing; have the server give plain text, without parsers of reasoning and tools"
            )
        if told is not None and all(choice.finish_reason == "length" for choice in found):
            self.n_short += told % budget > 0  # not all of them are so long
        return found

    def _in_ids(self, choice: Choice, budget: int) -> Choice:
        """A completion in the tokens of its text, without what is masked."""
        if choice.token_ids is None:
            # Of a character that the end of its tokens cut, a server leaves a mark that the model did not write.
            ids = self.tokenizer.encode_after(choice.text.rstrip(_CUT)).token_ids
            self.n_short += choice.finish_reason == "length" and 2 * len(ids) + 16 < budget
            # Another spelling may take more tokens than the model wrote, but not twice as many.
            if len(ids) > 2 * budget + 16:
                raise UnsoundAnswerError(
                    f"a completion has {len(ids):,} tokens, beyond the budget of {budget:,}"
                )
            return replace(choice, token_ids=ids)
        text = self.tokenizer.decode(choice.token_ids)
        hidden = self.masked(text)
        self.n_with_ids += 1
        self.n_unlike += not self._is_said(choice.text, choice.token_ids, hidden)
        self.n_short += choice.finish_reason == "length" and len(choice.token_ids) < budget
        ids = choice.token_ids if hidden == text else self.tokenizer.encode_after(hidden).token_ids
        return replace(choice, token_ids=ids)

    def _is_said(self, shown: str, token_ids: tuple[int, ...], text: str) -> bool:
        """Whether a text is that of token ids, perhaps with special tokens.

        Blanks, and characters that a seam or an end cuts, are shown by some and not by others.
        """
        whole, bare = self.masked(self.tokenizer.decode(token_ids, with_special=True)), _bare(shown)
        is_cut = text.startswith(_CUT)  # the prefix holds the first part of a character
        return bare in (_bare(text), _bare(whole)) or (is_cut and bare.endswith(_bare(text)))


def _bare(text: str) -> str:
    return "".join(text.replace(_CUT, "").split())
