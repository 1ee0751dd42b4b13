"""Which text a reader is given: the writer's tokens, or its text in the reader's own tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random
from typing import Any

import polars as pl
import pytest
from support.vocabularies import FAMILIES, Family, TokenizerEngine

from cot_assets.measures.transfer import given as given_module
from cot_assets.measures.transfer.given import given_texts, nearest_cut
from cot_assets.sampling.cuts import char_ends, cut_positions
from cot_assets.sampling.plan import Prefix
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import check_frame

Row = dict[str, Any]
PROTOCOL = Protocol(
    name="p", n=16, max_tokens=300, transfer_fractions=(0.0, 0.3, 0.6), control_fractions=(0.3, 0.6)
)
TEXTS = {
    "a": "First 12 * 12 = 144.\nThe 🙂 angle is 角度 90°, so the rest is 1, and no more.\nThe answer is \\boxed{1}.",
    "b": "Größe ≤ 7: no.\nWe try 77 = 7 * 11 once more, and 77 is even, or so it seems, yet odd.\nThe answer is \\boxed{77}.",
    "c": "Short. The answer is \\boxed{3}.",
}
PROBLEMS = pl.DataFrame(
    {"problem_id": list(TEXTS), "gold_answer": ["144", "77", "3"], "answer_kind": ["integer"] * 3}
)


def traces(
    writer: Family = "byte_level",
    name: str = "writer",
    texts: dict[str, str] = TEXTS,
    verdict: str = "correct",
    copy: str = "",
) -> pl.DataFrame:
    """Traces of a writer whose tokens are those of the family, cut where the protocol's fractions lie."""
    engine = TokenizerEngine(writer)
    rows: list[dict[str, Any]] = []
    for problem_id, text in texts.items():
        ids = engine.encode(text).token_ids
        rows.append(
            {
                "problem_set": "s", "model": name, "problem_id": problem_id, "trace_id": f"{name}-{problem_id}{copy}",
                "token_ids": list(ids), "char_ends": char_ends(engine.decode, ids), "text": engine.decode(ids),
                "n_tokens": len(ids), "verdict": verdict,
                "cut_tokens": sorted({round(f * len(ids)) for f in (0.0, 0.3, 0.6)} - {len(ids)}),
            }
        )  # fmt: skip
    return pl.DataFrame(rows)


def prompts(reader: Family) -> dict[str, Prefix]:
    engine = TokenizerEngine(reader)
    ids = {problem_id: engine.render_prompt(f"Problem {problem_id}?") for problem_id in TEXTS}
    return {problem_id: Prefix(problem_id, prompt, len(prompt)) for problem_id, prompt in ids.items()}


def given(
    writer: Family = "byte_level",
    reader: Family = "byte_level",
    *,
    is_same: bool | None = None,
    protocol: Protocol = PROTOCOL,
    frame: pl.DataFrame | None = None,
) -> pl.DataFrame:
    frame = traces(writer) if frame is None else frame
    same = dict.fromkeys(frame["model"].unique(), writer == reader if is_same is None else is_same)
    engine: Any = TokenizerEngine(reader)
    rows, prefixes = given_texts(frame, prompts(reader), PROBLEMS, engine, "reader", same, protocol)
    assert not check_frame("given", rows)
    assert rows["prefix_id"].to_list() == [prefix.prefix_id for prefix in prefixes]
    whole = {row["trace_id"]: row for row in frame.iter_rows(named=True)}
    donors = [whole[donor] for donor in rows["donor_trace_id"]]
    for row, donor, prefix in zip(rows.iter_rows(named=True), donors, prefixes, strict=True):
        own = donor["token_ids"][: row["n_tokens"]] if row["encoded_ids"] is None else row["encoded_ids"]
        assert own == list(prefix.token_ids[prefix.n_prompt :])
    return rows.with_columns(
        pl.Series("token_ids", [list(prefix.token_ids) for prefix in prefixes], pl.List(pl.Int32)),
        pl.Series(
            "text", [d["text"][:end] for d, end in zip(donors, rows["char_end"], strict=True)], pl.String
        ),
    )


def rows_of(frame: pl.DataFrame, control: str) -> list[dict[str, Any]]:
    return list(frame.filter(control=control).iter_rows(named=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_with_the_same_tokenizer_ids_pass_untouched(family: Family) -> None:
    own = {t["trace_id"]: t for t in traces(family).iter_rows(named=True)}
    rows = rows_of(given(family, family), "none")
    assert len(rows) == 3 * 3
    for row in rows:
        trace, prompt = own[row["trace_id"]], prompts(family)[row["problem_id"]]
        n = round(row["fraction"] * trace["n_tokens"])
        assert row["token_ids"] == [*prompt.token_ids, *trace["token_ids"][:n]]
        assert row["n_tokens"] == n
        assert row["text"] == trace["text"][: trace["char_ends"][n - 1] if n else 0]
        assert row["donor_trace_id"] == row["trace_id"]


@pytest.mark.parametrize("family", ["byte_level", "unigram"])
def test_token_ids_that_do_not_survive_re_encoding_pass_untouched(family: Family) -> None:
    """A model may write other tokens than its tokenizer would: they are what it wrote."""
    engine = TokenizerEngine(family)
    ids = [i for letter in "one two" for i in engine.encode(letter).token_ids]
    assert tuple(ids) != engine.encode(engine.decode(ids)).token_ids
    frame = traces(family, texts={"a": "x"}).with_columns(
        pl.Series("token_ids", [ids]), pl.Series("char_ends", [char_ends(engine.decode, ids)]),
        pl.lit(engine.decode(ids)).alias("text"), pl.lit(len(ids)).alias("n_tokens"),
        pl.Series("cut_tokens", [[0, round(0.6 * len(ids))]]),
    )  # fmt: skip
    row = rows_of(given(family, family, frame=frame), "none")[-1]
    assert row["token_ids"][-row["n_tokens"] :] == ids[: round(0.6 * len(ids))]


@pytest.mark.parametrize("reader", FAMILIES)
@pytest.mark.parametrize("writer", FAMILIES)
def test_with_another_tokenizer_the_text_is_cut_and_encoded_once(writer: Family, reader: Family) -> None:
    own = {t["trace_id"]: t for t in traces(writer).iter_rows(named=True)}
    engine = TokenizerEngine(reader)
    rows = rows_of(given(writer, reader, is_same=False), "none")
    assert len(rows) == 3 * 3
    for row in rows:
        trace, prompt = own[row["trace_id"]], prompts(reader)[row["problem_id"]]
        n = round(row["fraction"] * trace["n_tokens"])
        text = trace["text"][: trace["char_ends"][n - 1] if n else 0]
        assert row["text"] == text
        assert row["char_end"] == len(text)
        assert row["token_ids"] == [*prompt.token_ids, *engine.encode(text).token_ids]
        if reader != "unigram":  # it has no tokens for every character
            assert engine.decode(row["token_ids"][prompt.n_prompt :]) == text


def test_a_character_that_the_cut_goes_through_is_left_out() -> None:
    frame = traces(texts={"a": "🙂🙂"})
    n = frame["n_tokens"][0]
    frame = frame.with_columns(pl.Series("cut_tokens", [list(range(n))]))
    fractions = tuple(i / n for i in range(n))
    protocol = PROTOCOL.model_copy(update={"transfer_fractions": fractions, "control_fractions": ()})
    rows = rows_of(given(reader="byte_fallback", frame=frame, protocol=protocol), "none")
    assert [row["text"] for row in rows] == [""] * (n // 2) + ["🙂"] * (n // 2)


def test_fraction_0_is_the_readers_own_empty_prefix() -> None:
    for row in rows_of(given("unigram").filter(fraction=0.0), "none"):
        prompt = prompts("byte_level")[row["problem_id"]]
        assert row["prefix_id"] == prompt.prefix_id
        assert (row["n_tokens"], row["char_end"], row["text"]) == (0, 0, "")


@pytest.mark.parametrize(
    ("fraction", "cuts", "found"),
    [
        (0.0, [0, 3, 7], 0),
        (0.2, [0, 3, 7], 1),
        (0.2, [0, 1, 3, 7], 1),  # of two as near the earlier
        (0.9, [0, 3, 7], 2),
        (0.01, [0, 3, 7], 1),  # never the empty prefix
        (0.2, [0], None),
        (0.0, [3], None),
    ],
)
def test_a_fraction_stands_for_the_nearest_measured_cut(
    fraction: float, cuts: list[int], found: int | None
) -> None:
    assert nearest_cut(fraction, cuts, 10) == found


def test_the_paper_s_fractions_are_cuts_themselves() -> None:
    """Twenty chunks of equal token length hold every tenth."""
    protocol = Protocol(name="paper")
    for n_tokens in range(20, 400):
        cuts = cut_positions("tokens", "", range(n_tokens), 20)
        for fraction in protocol.sampling.transfer_fractions:
            cut = nearest_cut(fraction, cuts, n_tokens)
            assert cut is not None
            assert abs(cuts[cut] - fraction * n_tokens) <= 0.5 + 1e-9


def test_fractions_that_stand_for_one_cut_share_its_prefix() -> None:
    protocol = PROTOCOL.model_copy(update={"transfer_fractions": (0.2, 0.3, 0.9), "control_fractions": ()})
    frame = given(protocol=protocol).filter(problem_id="a")
    assert frame["cut_index"].to_list() == [1, 1, 2]
    assert frame["prefix_id"].n_unique() == 2
    assert frame["share"].round(1).to_list() == [0.3, 0.3, 0.6]


def test_a_trace_without_a_cut_after_the_start_gives_nothing_there() -> None:
    frame = traces(texts={"a": "ab"}).with_columns(pl.Series("cut_tokens", [[0]]))
    found = given(frame=frame)
    assert found["fraction"].to_list() == [0.0]


@pytest.mark.parametrize(("writer", "reader"), [("byte_level", "byte_level"), ("unigram", "byte_level")])
def test_the_control_is_another_problems_text_of_equal_length(writer: Family, reader: Family) -> None:
    frame = given(writer, reader)
    own = {t["trace_id"]: t for t in traces(writer).iter_rows(named=True)}
    real = {(r["trace_id"], r["fraction"]): r for r in rows_of(frame, "none")}
    rows = rows_of(frame, "shuffled")
    assert {(r["trace_id"], r["fraction"]) for r in rows} == {key for key in real if key[1] > 0}
    engine = TokenizerEngine(reader)
    for row in rows:
        donor = own[row["donor_trace_id"]]
        assert donor["problem_id"] != row["problem_id"]
        assert row["n_tokens"] == real[row["trace_id"], row["fraction"]]["n_tokens"]
        assert row["text"] == donor["text"][: row["char_end"]]
        prompt = prompts(reader)[row["problem_id"]]
        assert row["token_ids"][: prompt.n_prompt] == list(prompt.token_ids)
        assert engine.decode(row["token_ids"][prompt.n_prompt :]) == row["text"], "no end within a character"
    again = rows_of(given(writer, reader), "shuffled")
    assert [r["donor_trace_id"] for r in again] == [r["donor_trace_id"] for r in rows]


def test_a_control_does_not_end_within_a_character() -> None:
    texts = {"a": "x" * 10, "b": "\u20bf" * 20}  # a sign of three tokens
    rows = rows_of(given(frame=traces(texts=texts)), "shuffled")
    lengths = {row["n_tokens"]: row["text"] for row in rows if row["problem_id"] == "a"}
    assert lengths == {3: "\u20bf", 6: "\u20bf\u20bf"}
    texts["a"] = "x" * 13  # cuts after 4 and 8
    rows = rows_of(given(frame=traces(texts=texts)), "shuffled")
    assert not [row for row in rows if row["problem_id"] == "a"]


def test_a_control_is_of_equal_length_or_it_is_missing() -> None:
    """A trace that would have to be given whole is too short: nothing of it would be left to write."""
    texts = {"a": "x" * 50, "b": "y" * 5, "c": "z" * 9}
    frame = given(frame=traces(texts=texts))
    rows = {(r["problem_id"], r["fraction"]): r for r in rows_of(frame, "shuffled")}
    assert set(rows) == {("b", 0.3), ("b", 0.6), ("c", 0.3), ("c", 0.6)}
    assert rows["b", 0.6]["donor_trace_id"] in {"writer-a", "writer-c"}


def of_problem(frame: pl.DataFrame, control: str, problem_id: str = "a") -> list[dict[str, Any]]:
    return [row for row in rows_of(frame, control) if row["problem_id"] == problem_id]


@pytest.mark.parametrize(("writer", "reader"), [("byte_level", "byte_level"), ("unigram", "byte_level")])
def test_wrong_is_the_writers_other_incorrect_trace_of_the_problem(writer: Family, reader: Family) -> None:
    text = {
        "a": "No: 角度 is 12 + 12 = 24, so it must be 24 and no less than that.\nThe answer is \\boxed{24}."
    }
    unmeasured = pl.lit(None, pl.List(pl.Int64)).alias("cut_tokens")
    wrong = traces(writer, texts=text, verdict="incorrect", copy="-2").with_columns(unmeasured)
    unanswered = traces(writer, texts=text, verdict="no_answer", copy="-3").with_columns(unmeasured)
    frame = given(writer, reader, frame=pl.concat([traces(writer), wrong, unanswered]))
    engine, real = TokenizerEngine(reader), of_problem(frame, "none")
    found = of_problem(frame, "wrong")
    assert [row["donor_trace_id"] for row in found] == ["writer-a-2"] * 2
    assert [row["n_tokens"] for row in found] == [row["n_tokens"] for row in real if row["fraction"]]
    for row in found:
        assert row["text"] == wrong["text"][0][: row["char_end"]]
        prompt = prompts(reader)["a"]
        assert engine.decode(row["token_ids"][prompt.n_prompt :]).rstrip("\ufffd") == row["text"]
    assert not of_problem(frame, "wrong", "b")  # no incorrect trace: missing
    assert "writer-a-2" not in frame["trace_id"].to_list()  # not measured itself


def test_a_wrong_trace_is_no_control_of_itself() -> None:
    frame = given(frame=traces(verdict="incorrect"))
    assert not rows_of(frame, "wrong")


@pytest.mark.parametrize("writer", FAMILIES)
def test_own_is_the_readers_trace_in_its_own_tokens(writer: Family) -> None:
    """Token ids of the reader pass untouched, whatever the writer's tokenizer."""
    own = traces("byte_level", "reader", verdict="incorrect")
    both = pl.concat([traces(writer), own.with_columns(pl.lit(None, pl.List(pl.Int64)).alias("cut_tokens"))])
    found = rows_of(given(writer, frame=both), "own")
    assert {row["donor_trace_id"] for row in found} == {f"reader-{p}" for p in TEXTS}
    for row in found:
        trace = own.row(by_predicate=pl.col("problem_id") == row["problem_id"], named=True)
        prompt = prompts("byte_level")[row["problem_id"]]
        assert row["token_ids"][prompt.n_prompt :] == trace["token_ids"][: row["n_tokens"]]
        assert row["text"] == trace["text"][: row["char_end"]]


def test_the_readers_traces_are_not_given_as_a_writers() -> None:
    both = pl.concat([traces(), traces("byte_level", "reader")])
    assert given(frame=both)["writer"].unique().to_list() == ["writer"]


def test_a_protocol_chooses_its_controls() -> None:
    protocol = PROTOCOL.model_copy(update={"controls": ("own",)})
    both = pl.concat([traces(), traces("byte_level", "reader")])
    frame = given(protocol=protocol, frame=both)
    assert set(frame["control"]) == {"none", "own"}


def test_one_problem_alone_has_no_control() -> None:
    assert not rows_of(given(frame=traces(texts={"a": "x y z"})), "shuffled")


def test_a_prefix_that_leaves_no_budget_is_left_out() -> None:
    protocol = PROTOCOL.model_copy(update={"max_tokens": 15})
    frame = given(protocol=protocol)
    assert frame["n_tokens"].max() < 15
    assert frame.filter(fraction=0.0).height == 3


def test_leaks_are_of_the_text_that_was_given() -> None:
    rows = rows_of(given(), "none")
    leaks = {(row["problem_id"], row["fraction"]): row["leaks_answer"] for row in rows}
    assert [leaks["a", f] for f in (0.0, 0.3, 0.6)] == [False, True, True]  # "= 144." is in the first third
    assert not leaks["c", 0.6]


def test_writers_are_not_mixed() -> None:
    frame = pl.concat([traces("byte_level", "one"), traces("byte_level", "two")])
    found = given(frame=frame)
    assert found.height == 2 * 3 * 5
    assert found.filter(pl.col("donor_trace_id").str.split("-").list.first() != pl.col("writer")).is_empty()


def plain_donor(control: str, trace: Row, n_tokens: int, everything: list[Row]) -> str | None:
    """The rule in so many words: of all traces of the kind that are longer, the first by a hash of both ids."""
    kinds: dict[str, Callable[[Row], bool]] = {
        "own": lambda t: t["model"] == "reader" and t["problem_id"] == trace["problem_id"],
        "wrong": lambda t: (
            t["model"] == trace["model"]
            and t["trace_id"] != trace["trace_id"]
            and t["problem_id"] == trace["problem_id"]
            and t["verdict"] == "incorrect"
        ),
        "shuffled": lambda t: (
            t["model"] == trace["model"]
            and t["problem_id"] != trace["problem_id"]
            and t["cut_tokens"] is not None
        ),
    }
    donors = [t["trace_id"] for t in everything if kinds[control](t) and t["n_tokens"] > n_tokens]
    return min(
        donors, key=lambda i: hashlib.sha256(f"{trace['trace_id']} {i}".encode()).hexdigest(), default=None
    )


@pytest.mark.parametrize("seed", range(3))
def test_donors_are_the_plain_rule_s_and_ranked_once_for_all_fractions(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, made = Random(seed), list[pl.DataFrame]()
    for i in range(60):
        texts = {random.choice("abc"): "x" * random.randint(1, 30)}
        model, verdict = random.choice(["one", "two", "reader"]), random.choice(["correct", "incorrect"])
        made.append(traces("byte_level", model, texts, verdict, f"-{i}"))
        if random.random() < 0.3:
            made[-1] = made[-1].with_columns(pl.lit(None, pl.List(pl.Int64)).alias("cut_tokens"))
    frame, ranked = pl.concat(made), list[tuple[str, str]]()
    rank = given_module._rank
    monkeypatch.setattr(given_module, "_rank", lambda *ids: ranked.append(ids) or rank(*ids))
    found = given(frame=frame)
    everything = frame.to_dicts()
    by_id = {trace["trace_id"]: trace for trace in everything}
    chosen = {(r["trace_id"], r["fraction"], r["control"]): r["donor_trace_id"] for r in found.to_dicts()}
    wanted = {
        (row["trace_id"], row["fraction"], control): donor
        for row in found.filter(control="none").to_dicts()
        if row["fraction"] > 0
        for control in PROTOCOL.sampling.controls
        if (donor := plain_donor(control, by_id[row["trace_id"]], row["n_tokens"], everything))
    }
    assert {key: donor for key, donor in chosen.items() if key[2] != "none"} == wanted
    assert {control for _, _, control in wanted} == {"shuffled", "wrong", "own"}
    assert len(ranked) == len(set(ranked))
