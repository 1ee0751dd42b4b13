"""The checks of search_traces pass on a search as it is made, and fail on tables made wrong."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from support.searching import World
from support.sums import scripted_engine

from cot_assets.measures.search.assets import SEARCH_CHECKS
from cot_assets.orchestration.assets.check_rules import search_findings
from cot_assets.orchestration.assets.sampling import AUDIT

Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("search")
    return World(scripted_engine(folder, skill=0.6, mend=0.15)).tables(12)


def test_a_search_as_it_is_made_passes_every_check(made: tuple[Tables, pl.DataFrame]) -> None:
    findings = search_findings(*made)
    assert {*findings, *AUDIT} == set(SEARCH_CHECKS)
    assert {name: f.message for name, f in findings.items() if not f.is_passed} == {}


def test_no_search_passes_every_check(made: tuple[Tables, pl.DataFrame]) -> None:
    tables, used = made
    findings = search_findings({name: frame.clear() for name, frame in tables.items()}, used.clear())
    assert all(finding.is_passed for finding in findings.values())


def _steps(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Tables], Tables]:
    return lambda tables: {**tables, "search_steps": change(tables["search_steps"])}


def _first(column: str, value: object, where: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """One value changed, in the first row that fits."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        is_first = where & (where.cum_sum() == 1)
        return frame.with_columns(
            pl.when(is_first).then(pl.lit(value, frame.schema[column])).otherwise(column).alias(column)
        )

    return change


LATER = (pl.col("cut_index") == 1) & ~pl.col("is_end")
WRONG: dict[str, tuple[str, Callable[[Tables], Tables]]] = {
    "a cut is missing": ("search_is_whole", _steps(lambda f: f.filter(pl.col("cut_index") != 1))),
    "chunks overlap": ("search_is_whole", _steps(_first("token_start", 3, LATER))),
    "an end in the middle": ("search_is_whole", _steps(_first("is_end", True, LATER))),
    "tokens not counted": ("search_is_whole", _steps(_first("tokens_spent", 0, LATER))),
    "a trace without steps": (
        "search_is_whole",
        _steps(lambda f: f.filter(pl.col("problem_id") != "p0")),
    ),
    "steps without a trace": (
        "search_is_whole",
        lambda t: {**t, "search_traces": t["search_traces"].filter(pl.col("problem_id") != "p0")},
    ),
    "an end that is none": (
        "search_is_whole",
        lambda t: {**t, "search_traces": t["search_traces"].with_columns(is_complete=pl.lit(value=False))},
    ),
    "0 for unknown": ("null_iff_unknown", _steps(_first("potential", 0.0, pl.col("is_end")))),
    "not k of n": ("null_iff_unknown", _steps(_first("n_correct", 99, LATER))),
    "a null": ("schema", _steps(_first("tokens_spent", None, LATER))),
    "a key twice": ("schema", _steps(lambda f: pl.concat([f, f.head(1)]))),
    "a column too many": (
        "schema",
        lambda t: {**t, "search_effects": t["search_effects"].with_columns(x=pl.lit(1))},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_tables_made_wrong_fail(made: tuple[Tables, pl.DataFrame], name: str) -> None:
    check, spoil = WRONG[name]
    tables, used = made
    assert not search_findings(spoil(tables), used)[check].is_passed


def test_a_rollout_that_chose_and_measured_fails(made: tuple[Tables, pl.DataFrame]) -> None:
    tables, used = made
    twice = search_findings(tables, pl.concat([used, used.head(1)]))["no_duplicates"]
    assert not twice.is_passed
    assert twice.figures["duplicates"] == 1


def test_a_grader_that_fails_too_often_fails(made: tuple[Tables, pl.DataFrame]) -> None:
    tables, used = made
    share = pl.when(pl.int_range(pl.len()) % 20 == 0).then(pl.lit("unscored")).otherwise("verdict")
    finding = search_findings(tables, used.with_columns(share.alias("verdict")))["unscored_share"]
    assert not finding.is_passed


def test_estimates_in_each_others_place_fail(made: tuple[Tables, pl.DataFrame]) -> None:
    """Fresh rollouts under the name of those that chose: the bias turns over."""
    tables, used = made
    effects = tables["search_effects"]
    bias = effects.row(by_predicate=pl.col("measure") == "selection_bias", named=True)
    assert bias["difference_low"] > 0
    swapped = effects.with_columns(
        difference=-pl.col("difference"),
        difference_low=-pl.col("difference_high"),
        difference_high=-pl.col("difference_low"),
    )
    finding = search_findings({**tables, "search_effects": swapped}, used)["selection_bias"]
    assert not finding.is_passed
    assert "below 0" in finding.message


def test_rows_are_those_of_both_arms(made: tuple[Tables, pl.DataFrame]) -> None:
    """Spans of chunks join to the text; characters that a chunk breaks belong to the next."""
    tables, _ = made
    steps = tables["search_steps"]
    assert steps.filter(pl.col("cut_index") == 0)["potential"].null_count() == 0
    for trace in tables["search_traces"].iter_rows(named=True):
        own = steps.filter(pl.col("trace_id") == trace["trace_id"]).sort("cut_index")
        pieces = [trace["text"][a:b] for a, b in own.select("char_start", "char_end").iter_rows()]
        assert "".join(pieces) == trace["text"]
        assert "\ufffd" not in trace["text"]
        assert bytes(trace["token_ids"]).decode() == trace["text"]
        assert own["n"].null_count() == own["is_end"].sum() == 1
        chosen = own["selection_n"].is_not_null().sum()
        assert chosen == (own.height - 2 if trace["arm"] == "searched" else 0)
    both = tables["search_traces"].group_by("problem_id").agg(pl.col("v0").n_unique(), pl.len())
    assert set(both.select("v0", "len").rows()) == {(1, 2)}
