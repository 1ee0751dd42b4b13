"""Gold answers and options of problem sets: found, lettered, and refused where nothing could equal them."""

from __future__ import annotations

from collections import Counter

import pytest
from support.problem_files import ROWS, entry, write

from cot_assets.problems import ProblemSetError, load_problems

CHOICE = {
    "options": ("w1", "w2", "w3"),
    "id": "id",
    "answer_kind": "multiple_choice",
    "prompt": "{statement}\n{options}\nLetter in \\boxed{}.",
}


def choice_rows(n):
    return [
        {"id": str(i), "problem": f"q{i}", "answer": f"r{i}\n", "w1": f"x{i}", "w2": f"y{i}", "w3": f"z{i}"}
        for i in range(n)
    ]


def test_the_letter_points_at_the_right_option(tmp_path, home):
    frame = load_problems(entry(write(tmp_path / "p.jsonl", choice_rows(400)), **CHOICE), home)
    for row in frame.iter_rows(named=True):
        lines = row["prompt"].split("\n")
        assert lines[0] == row["statement"]
        assert sorted(line[3] for line in lines[1:5]) == ["r", "x", "y", "z"]
        right = next(line for line in lines if line.startswith(f"{row['gold_answer']}) "))
        assert right == f"{row['gold_answer']}) r{row['problem_id']}"
    share = Counter(frame["gold_answer"])
    assert set(share) == set("ABCD")
    assert all(70 <= count <= 130 for count in share.values()), "the right letter must be uniform"


def test_options_stay_when_other_problems_come_and_go(tmp_path, home):
    all_ = load_problems(entry(write(tmp_path / "p.jsonl", choice_rows(40)), **CHOICE), home)
    last = load_problems(entry(write(tmp_path / "p.jsonl", choice_rows(40)[30:]), **CHOICE), home)
    assert all_["prompt"].to_list()[30:] == last["prompt"].to_list()
    other_seed = load_problems(entry(tmp_path / "p.jsonl", seed=1, **CHOICE), home)
    assert other_seed["gold_answer"].to_list() != last["gold_answer"].to_list()


def test_a_missing_wrong_option_is_left_out(tmp_path, home):
    rows = [row | {"w3": None} for row in choice_rows(1)]
    frame = load_problems(entry(write(tmp_path / "p.jsonl", rows), **CHOICE), home)
    assert "C)" in frame["prompt"][0]
    assert "D)" not in frame["prompt"][0]


def test_letters_without_options(tmp_path, home):
    path = write(tmp_path / "p.jsonl", [{"problem": "A) 1 B) 2", "answer": "B"}])
    assert load_problems(entry(path, answer_kind="multiple_choice"), home)["gold_answer"][0] == "B"
    write(path, [{"problem": "A) 1 B) 2", "answer": "2"}])
    with pytest.raises(ProblemSetError, match="must be the letter"):
        load_problems(entry(path, answer_kind="multiple_choice"), home)


def test_a_right_answer_among_the_wrong_is_refused(tmp_path, home):
    rows = [row | {"w2": "r0"} for row in choice_rows(1)]
    with pytest.raises(ProblemSetError, match="among the wrong options"):
        load_problems(entry(write(tmp_path / "p.jsonl", rows), **CHOICE), home)


@pytest.mark.parametrize(
    ("answer", "fields", "gold", "reading"),
    [
        ("He has 3+4=7 pens.\n#### 1,007", {"gold_rules": ("hash",)}, "1,007", "number 1007"),
        (
            r"So $x = 3$ and the sum is \boxed{\frac{1}{2}}.",
            {"gold_rules": ("boxed",)},
            r"\frac{1}{2}",
            "number 1/2",
        ),
        ("no box but #### 5", {"gold_rules": ("boxed", "hash")}, "5", "number 5"),
        ("IX", {"answer_kind": "text"}, "IX", "text ix"),
        ("100,200", {"answer_kind": "list"}, "100,200", "list [number 100; number 200]"),
        ("(1,2)", {"answer_kind": "interval"}, "(1,2)", "region (1, 2)"),
        ("12, 144", {}, "12, 144", "list [number 12; number 144]"),
        (r"5\text{ km}", {}, r"5\text{ km}", "quantity 5 km"),
    ],
)
def test_golds_are_reduced_and_read(tmp_path, home, answer, fields, gold, reading):
    path = write(tmp_path / "p.jsonl", [{"problem": "p", "answer": answer}])
    row = load_problems(entry(path, **fields), home).row(0, named=True)
    assert (row["gold_answer"], row["gold_reading"]) == (gold, reading)


@pytest.mark.parametrize(
    ("answer", "fields", "message"),
    [
        ("He has 7 pens.\n#### 7", {}, "problem '1'.*several lines.*gold_rules"),
        (".", {}, "problem '1'.*nothing in it"), (r"\text{}", {}, "nothing in it"), ("NaN", {}, "missing value"),
        ("null", {}, "missing value"), ("NA", {}, "missing value"), ("seven", {"answer_kind": "date"}, "reads as number"),
        *((solution, {}, "an answer within.*gold_rules") for solution in (
            r"3 + 4 = \boxed{7}", "So 7. #### 7", "#### 7", r"\boxed{}", r"x = \fbox{7}", r"\boxed{1}, \boxed{2}", r"\boxed{7} pens")),
        ("no mark", {"gold_rules": ("hash",)}, "gold_rules = ..hash.."),
    ],
)  # fmt: skip
def test_golds_that_nothing_can_equal_are_refused(tmp_path, home, answer, fields, message):
    path = write(tmp_path / "p.jsonl", [{"problem": "p", "answer": answer}])
    with pytest.raises(ProblemSetError, match=message):
        load_problems(entry(path, **fields), home)


@pytest.mark.parametrize("kind", ["verifier", "code"])
def test_a_file_brings_nothing_that_judges(tmp_path, home, kind):
    path = write(tmp_path / "p.jsonl", ROWS)
    with pytest.raises(ProblemSetError, match=rf"answer_kind = '{kind}'.*brings nothing that judges"):
        load_problems(entry(path, answer_kind=kind), home)
