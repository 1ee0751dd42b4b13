"""Tokens and characters agree at every cut, for every family of tokenizers and any text.

Guards the one thing that everything else stands on: a prefix is a token range, and its text is that of
these tokens, also where a character's bytes are spread over tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.vocabularies import FAMILIES, Family, TokenizerEngine, tokenizer_of, vocabulary_size

from cot_assets.engines.base import Block, BlockResult, Completion, EngineInfo, Sampling
from cot_assets.sampling.cuts import absolute_cuts, char_ends, cut_positions, ends_within
from cot_assets.sampling.plan import Prefix, plan_rollouts, sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.study import CutPolicy, Protocol

_REPLACEMENT = "\ufffd"
_PIECES = ["line one.\n", "A 角 B.", "🙂", "ü", "\n", "\n\n", " ", "  ", "12 = 3 * 4.", "“So!” ", "∑…", "x"]
texts = st.one_of(
    st.text(max_size=60).filter(lambda t: not set(t) & {_REPLACEMENT, "<"}),  # "<s>" is a special token
    st.lists(st.sampled_from(_PIECES), max_size=30).map("".join),
)


def token_lists(family: Family, max_size: int = 60) -> st.SearchStrategy[list[int]]:
    """What a model may write: any ids, so also bytes that are not characters."""
    return st.lists(st.integers(0, vocabulary_size(family) - 1), max_size=max_size)


@pytest.mark.parametrize("family", ["byte_level", "byte_fallback"])
@given(text=texts)
@settings(max_examples=80, deadline=None)
@example(text="🙂🙂🙂 角角角角角角角角角角角角角角角角 end")
@example(text="a" * 40 + "🙂")
@example(text="aÀ")
def test_characters_of_text_that_has_come_from_characters(family: Family, text: str) -> None:
    """A character is complete when no later token has a part in it."""
    tokenizer = tokenizer_of(family)
    encoding = tokenizer.encode(text)
    starts = [start for start, _ in encoding.offsets[1:]] + [len(text)]
    assert tokenizer.decode(encoding.token_ids) == text
    assert char_ends(tokenizer.decode, encoding.token_ids) == (starts if encoding.token_ids else [])


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_characters_of_any_tokens(family: Family, data: st.DataObject) -> None:
    ids, decode = data.draw(token_lists(family)), tokenizer_of(family).decode
    ends, text = char_ends(decode, ids), decode(ids)
    assert len(ends) == len(ids)
    assert ends == sorted(ends)
    assert ends[-1:] == [len(text)][: len(ids)]
    for t, end in enumerate(ends[:-1], start=1):
        so_far = decode(ids[:t]).rstrip(_REPLACEMENT)
        if family == "byte_fallback":  # spoils a whole run of bytes for one that does not fit
            assert end >= len(so_far) or not text.startswith(so_far)
        else:
            assert text[:end] == so_far


#: Where no eight tokens begin with a character and end with one, or none at all is one.
_BYTES = {
    "no character": b"\xff", "half a character": "角".encode()[:2], "all kinds": b"\xff\x80\xf0\x9f\xe2\x82",
    "the sign for it": "\ufffd".encode(), "of three bytes": "角".encode(), "of four bytes": "🙂".encode(),
}  # fmt: skip


@pytest.mark.parametrize("unit", _BYTES.values(), ids=_BYTES)
def test_long_runs_of_bytes_are_decoded_in_windows(unit: bytes) -> None:
    ids, n_decoded = list(b"So " + unit * (1200 // len(unit)) + b" end"), 0

    def decode(part: Sequence[int]) -> str:
        nonlocal n_decoded
        n_decoded += len(part)
        return bytes(part).decode(errors="replace")

    ends = char_ends(decode, ids)
    assert n_decoded < 50 * len(ids)
    assert ends[:-1] == [len(decode(ids[:t]).rstrip(_REPLACEMENT)) for t in range(1, len(ids))]
    assert ends[-1] == len(decode(ids))


@given(
    n_tokens=st.integers(1, 400), max_cuts=st.integers(1, 40), policy=st.sampled_from(["tokens", "lines", "sentences"]),
    text=texts,
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_positions_ascend_from_0_and_end_before_the_trace(
    n_tokens: int, max_cuts: int, policy: Any, text: str
) -> None:
    ends = list(range(1, n_tokens + 1)) if policy == "tokens" else list(range(1, len(text) + 1))
    positions = cut_positions(policy, text, ends, max_cuts)
    assert positions[0] == 0
    assert positions == sorted(set(positions))
    assert len(positions) <= max_cuts
    assert all(position < max(len(ends), 1) for position in positions)


@given(n_tokens=st.integers(1, 400), max_cuts=st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_chunks_of_tokens_have_equal_length(n_tokens: int, max_cuts: int) -> None:
    positions = [*cut_positions("tokens", "", list(range(n_tokens)), max_cuts), n_tokens]
    assert len(positions) == min(n_tokens, max_cuts) + 1
    lengths = {after - before for before, after in pairwise(positions)}
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("policy", ["lines", "sentences"])
@given(
    text=st.lists(st.sampled_from(_PIECES), min_size=1, max_size=60).map("".join), max_cuts=st.integers(1, 12)
)
@settings(max_examples=150, deadline=None)
def test_thinning_keeps_the_first_half_where_it_is(policy: Any, text: str, max_cuts: int) -> None:
    ids = tokenizer_of("byte_level").encode(text).token_ids
    ends = char_ends(tokenizer_of("byte_level").decode, ids)
    all_of_them = cut_positions(policy, text, ends, 10_000)
    thinned = cut_positions(policy, text, ends, max_cuts)
    kept = absolute_cuts(max_cuts)
    assert thinned[:kept] == all_of_them[:kept]
    assert set(thinned) <= set(all_of_them)
    assert len(thinned) == min(max_cuts, len(all_of_them))
    if kept < max_cuts < len(all_of_them):
        assert thinned[-1] == all_of_them[-1]


@pytest.mark.parametrize("policy", ["lines", "sentences"])
@given(
    first=st.lists(st.sampled_from(_PIECES), max_size=20).map("".join),
    then=st.lists(st.sampled_from(_PIECES), max_size=20).map("".join),
    max_cuts=st.integers(1, 12),
)
@settings(max_examples=150, deadline=None)
def test_early_cuts_do_not_depend_on_what_follows(policy: Any, first: str, then: str, max_cuts: int) -> None:
    """They are stopping times: the martingale check counts on it."""
    ends = list(range(1, len(first + then) + 1))
    early = cut_positions(policy, first, ends[: len(first)], max_cuts)[: absolute_cuts(max_cuts)]
    assert cut_positions(policy, first + then, ends, max_cuts)[: len(early)] == early


class _Scripted(TokenizerEngine):
    """Completes every prefix with given tokens."""

    def __init__(self, family: Family, completion: tuple[int, ...]) -> None:
        super().__init__(family)
        self._completion = completion

    def describe(self) -> EngineInfo:
        return EngineInfo("scripted", "1", "r", "f32", "none", "none")

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        for block in blocks:
            completions = (Completion(self._completion, "stop"),) * block.n
            yield BlockResult(block, completions, len(block.token_ids), None, 0)

    def close(self) -> None:
        pass


class _Memory:
    """A shard store without files."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def index(self) -> pl.DataFrame:
        return pl.DataFrame(schema={"block_key": pl.String, "shard": pl.String})

    def writing(self) -> Any:
        return nullcontext()

    def write(self, rows: list[dict[str, object]]) -> None:
        self.rows += rows


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_prefix_and_completion_together_are_the_text_of_all_tokens(
    family: Family, data: st.DataObject
) -> None:
    """Graders read them joined: a blank or a character at the seam must be there once."""
    tokenizer = tokenizer_of(family)
    written = texts.map(lambda text: list(tokenizer.encode(text).token_ids))
    ids = data.draw(written if family == "byte_fallback" else st.one_of(written, token_lists(family)))
    check_seam(
        family, ids, data.draw(st.integers(0, max(len(ids) - 1, 0)))
    )  # the end of a trace is not a cut


@pytest.mark.parametrize("family", FAMILIES)
def test_the_seam_within_long_runs_of_bytes(family: Family) -> None:
    ids = list(tokenizer_of(family).encode("𐀀00\x80\x80𐀀𐀀 角度角度角度 🙂🙂🙂🙂🙂🙂").token_ids)
    for cut in range(len(ids)):
        check_seam(family, ids, cut)


def check_seam(family: Family, ids: list[int], cut: int) -> None:
    """What graders read after a cut is the text of prefix and completion."""
    tokenizer = tokenizer_of(family)
    prompt = tokenizer.render_prompt("?")
    protocol = Protocol(name="p", n=16, max_tokens=1000)
    engine, store = _Scripted(family, tuple(ids[cut:])), _Memory()
    plan = plan_rollouts([Prefix("1", (*prompt, *ids[:cut]), len(prompt))], protocol, engine.describe())
    sample_missing(engine, plan, sampling_of(protocol), store, lambda _: None)  # type: ignore[arg-type]
    ends = char_ends(tokenizer.decode, ids)
    given_text = tokenizer.decode(ids)[: ends[cut - 1] if cut else 0]
    assert given_text + str(store.rows[0]["text"]) == tokenizer.decode(ids)


#: Tokens of byte-level vocabularies end one character and begin the next: " 🙂" is often two tokens.
_PARTS = [
    b" \xf0\x9f",
    b"\x99\x82",
    b"\x99\x82 \xe8",
    b"\xaa\x9e",
    b".",
    b"\n",
    b"a",
    "角".encode(),
    b"\xef\xbf\xbd",
]


def _of_parts(ids: Sequence[int]) -> str:
    return b"".join(_PARTS[i] for i in ids).decode(errors="replace")


@pytest.mark.parametrize("policy", ["tokens", "lines", "sentences"])
@given(data=st.data(), max_cuts=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_no_cut_is_within_a_character(policy: CutPolicy, data: st.DataObject, max_cuts: int) -> None:
    """A cut within a character moves to its end, if it has one."""
    whole = [[0, 1], [0, 2, 3], [4], [5], [6], [7]]
    ids = [i for piece in data.draw(st.lists(st.sampled_from(whole), max_size=40)) for i in piece]
    text, ends = _of_parts(ids), char_ends(_of_parts, ids)
    for position in cut_positions(policy, text, ends, max_cuts, lambda p: ends_within(_of_parts, ids[:p])):
        assert not _of_parts(ids[:position]).endswith(_REPLACEMENT)


@given(text=texts, max_cuts=st.integers(1, 40))
@settings(max_examples=80, deadline=None)
@example(text="語語語語語", max_cuts=7)
def test_no_cut_is_among_bytes_that_are_tokens(text: str, max_cuts: int) -> None:
    decode, ids = tokenizer_of("byte_fallback").decode, tokenizer_of("byte_fallback").encode(text).token_ids
    ends = char_ends(decode, ids)
    for position in cut_positions("tokens", text, ends, max_cuts, lambda p: ends_within(decode, ids[:p])):
        assert not decode(ids[:position]).endswith(_REPLACEMENT)


@given(ids=st.lists(st.integers(0, len(_PARTS) - 1), min_size=1, max_size=60), max_cuts=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_bytes_that_are_no_character_move_a_cut_by_a_characters_length_at_most(
    ids: list[int], max_cuts: int
) -> None:
    ends, text = char_ends(_of_parts, ids), _of_parts(ids)
    plain = cut_positions("tokens", text, ends, max_cuts)
    moved = cut_positions("tokens", text, ends, max_cuts, lambda p: ends_within(_of_parts, ids[:p]))
    assert moved == sorted(set(moved))
    assert all(any(0 <= end - start < 4 for start in plain) for end in moved)
