"""Problem sets that reasoning-gym makes."""

from __future__ import annotations

import datetime
import sys

import pytest
from support.extras import needs

from cot_assets.problems import PROBLEMS_SCHEMA, ProblemSetError, load_problems
from cot_assets.study import ProblemSetEntry, load_config

needs("reasoning_gym", "reasoning-gym")


def entry(task: str, **fields) -> ProblemSetEntry:
    fields = {"name": "set", "protocol": "paper", "size": 5, "answer_kind": "expression", **fields}
    return ProblemSetEntry(source=f"reasoning-gym:{task}", **fields)


def test_without_the_package_the_extra_is_named(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(ProblemSetError, match=r"\[set\].*install cot-assets\[reasoning-gym\]"):
        load_problems(entry("gsm_symbolic"), home)


@pytest.mark.parametrize("size", [None, 100_001])
def test_a_size_is_asked_for(home, size):
    with pytest.raises(ProblemSetError, match="size = "):
        load_problems(entry("gsm_symbolic", size=size), home)


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "kind"), [("gsm-symbolic", "number"), ("chain-sum", "integer")])
def test_shipped_entries(home, name, kind):
    declared = load_config().problem_set(name)
    frame = load_problems(declared, home)
    assert frame.schema == PROBLEMS_SCHEMA
    assert frame.height == frame["statement"].n_unique() == frame["problem_id"].n_unique() == 100
    assert frame["answer_kind"].unique().to_list() == [kind]
    assert set(frame["gold_reading"].str.split(" ").list.first()) == {"number"}
    assert all(prompt.endswith(r"final answer within \boxed{}.") for prompt in frame["prompt"])
    assert frame.equals(load_problems(declared, home)), "the same entry makes the same problems"
    more = load_problems(declared.model_copy(update={"seed": 1}), home)
    assert more["revision"][0] != frame["revision"][0]
    assert set(more["statement"]) != set(frame["statement"])


@pytest.mark.heavy
def test_level_and_subject_come_from_the_metadata(home):
    (sum_,) = load_problems(entry("chain_sum", size=1), home).rows(named=True)
    assert (sum_["subject"], sum_["problem_id"]) == ("chain_sum", "chain_sum-0")
    assert sum_["level"].startswith("num_terms ")
    frame = load_problems(entry("chain_sum", level="num_terms", subject="expression"), home)
    assert set(frame["level"]) <= {"2", "3", "4", "5", "6"}
    assert all(
        expression in statement for expression, statement in frame.select("subject", "statement").rows()
    )


@pytest.mark.heavy
def test_repeated_statements_are_made_once(home):
    """There are few sums and differences of two digits, so most items repeat one."""
    small = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}
    frame = load_problems(entry("chain_sum", size=60, config=small), home)
    assert frame["statement"].n_unique() == 60
    with pytest.raises(ProblemSetError, match="distinct problems in 4000 items; lower size = 1000"):
        load_problems(entry("chain_sum", size=1000, config=small), home)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("task", "fields", "message"),
    [
        ("gsm_sybolic", {}, "no such task; there are .*gsm_symbolic"),
        ("chain_sum", {"config": {"terms": 3}}, "config is refused.*'terms'.*min_terms"),
        ("chain_sum", {"config": {"min_terms": 9}}, "config is refused.*max_terms"),
        ("chain_sum", {"config": {"min_terms": "two"}}, "config is refused"),
        ("chain_sum", {"level": "depth"}, "no 'depth' in an item's metadata; there are .*num_terms"),
        ("rush_hour", {}, "no answers of its own"),
    ],
)
def test_what_is_wrong_is_said(home, task, fields, message):
    with pytest.raises(ProblemSetError, match=message):
        load_problems(entry(task, **fields), home)


@pytest.mark.heavy
def test_towers_have_their_disks_as_level(home):
    frame = load_problems(load_config().problem_set("tower-of-hanoi"), home)
    assert set(frame["level"]) <= {"3", "4", "5", "6", "7"}
    assert frame["answer_kind"].unique().to_list() == ["verifier"]
    assert frame["judged_by"].null_count() == 0


@pytest.mark.heavy
def test_items_do_not_depend_on_the_day(home):
    frame = load_problems(entry("time_intervals", size=8, answer_kind="verifier"), home)
    assert not frame["judged_by"].str.contains(str(datetime.date.today())).any()


@pytest.mark.heavy
@pytest.mark.parametrize("task", ["puzzle24", "number_sorting", "composite"])
def test_verifiers_that_take_what_is_incorrect_are_not_used(home, task):
    with pytest.raises(ProblemSetError, match="set another answer_kind"):
        load_problems(entry(task, answer_kind="verifier"), home)
