"""``cot-assets import`` leaves every table as it was where it fails, and ``--undo`` takes back one that went through."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from support.command_line import Cli, Ran
from support.lab import Lab, write_counts
from support.sameness import assert_same, everything

pytestmark = pytest.mark.heavy

Import = Callable[..., Ran]


@pytest.fixture
def bring(lab: Lab, cli: Cli) -> Import:
    """Imports counts at cuts as a model on a problem set."""

    def bring(
        model: str, problem_set: str, counts: dict[int, int], *options: str, problem: str = "sum"
    ) -> Ran:
        file = write_counts(lab.root / f"{model}-{problem_set}.jsonl", counts, 40, problem)
        names = ("--model", model, "--problem-set", problem_set)
        return cli("import", "rollouts", file, *names, *options, variables=lab.variables)

    return bring


def undo(cli: Cli, lab: Lab, model: str, problem_set: str) -> Ran:
    names = ("--model", model, "--problem-set", problem_set)
    return cli("import", "--undo", *names, variables=lab.variables)


def partitions(lab: Lab) -> tuple[set[str], set[str]]:
    with lab.instance() as instance:
        models, sets = (set(instance.get_dynamic_partitions(name)) for name in ("models", "problem_sets"))
    return models, sets


def published(lab: Lab) -> set[tuple[str, str]]:
    with duckdb.connect(lab.home.results, read_only=True) as con:
        return set(con.execute("SELECT DISTINCT model, problem_set FROM traces").fetchall())


def test_a_failing_analysis_leaves_every_table_as_it_was(
    lab: Lab, bring: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bring("ours", "sums", {0: 8, 13: 32, 26: 40}, "--no-report").code == 0
    before, parts = everything(lab.home), partitions(lab)

    def fail(*_: object, **__: object) -> None:
        raise ValueError("cannot convert float NaN to integer")

    for step, model, problem_set in (
        ("measures.patterns.assets.judge_curves", "theirs", "others"),
        ("measures.rates.assets.matched_rates", "ours", "sums"),
        ("orchestration.assets.publishing.render_report", "theirs", "sums"),
    ):
        with monkeypatch.context() as planted:
            planted.setattr(f"cot_assets.{step}", fail)
            ran = bring(model, problem_set, {0: 0, 13: 40})
        assert ran.code == 1, step
        assert "cannot convert float NaN" in ran.err
        assert "Traceback" not in ran.err
        assert_same(before, everything(lab.home))
        assert partitions(lab) == parts
        assert not (lab.home.root / "staging.duckdb").exists()
    corrected = bring("theirs", "sums", {0: 1, 13: 39}, "--no-report")
    assert corrected.code == 0, corrected.err
    assert lab.table("potentials", model="theirs")["n_correct"].sort().to_list() == [1, 39]


def test_an_import_is_taken_back_and_nothing_else(lab: Lab, cli: Cli, bring: Import) -> None:
    assert bring("ours", "sums", {0: 8, 13: 32, 26: 40}).code == 0
    assert bring("theirs", "others", {0: 8, 13: 20}, "--no-report").code == 0
    before, parts = everything(lab.home), partitions(lab)
    assert bring("theirs", "sums", {0: 20, 13: 2}, problem="other").code == 0
    report = lab.home.reports / "sums" / "index.html"
    assert "theirs" in report.read_text()
    source = (lab.root / "theirs-sums.jsonl").read_bytes()

    ran = undo(cli, lab, "theirs", "sums")
    assert ran.code == 0, ran.err
    assert "theirs on sums is taken back" in ran.out
    assert_same(before, everything(lab.home))
    assert partitions(lab) == parts
    assert "theirs" not in report.read_text()
    assert published(lab) == {("ours", "sums"), ("theirs", "others")}
    assert (lab.root / "theirs-sums.jsonl").read_bytes() == source

    again = undo(cli, lab, "theirs", "sums")
    assert (again.code, again.err) == (0, "")
    assert "was taken back before; nothing has changed" in again.out
    assert_same(before, everything(lab.home))

    ran = undo(cli, lab, "ours", "sums")  # the last of its set
    assert ran.code == 0, ran.err
    left = {
        table
        for table, frame in everything(lab.home).items()
        if "sums" in frame.get_column("problem_set", default=pl.Series([""])).to_list()
    }
    assert left == set()
    assert lab.table("models")["model"].to_list() == ["theirs"]
    assert partitions(lab) == ({"theirs"}, {"others"})
    assert not report.parent.exists()
    assert published(lab) == {("theirs", "others")}

    assert bring("theirs", "sums", {0: 20, 13: 2}, "--no-report").code == 0
    assert undo(cli, lab, "theirs", "sums").code == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--undo", "--model", "nobody", "--problem-set", "sums"], 1, "nothing was imported as model 'nobody' on problem set 'sums'; imports: none"),
        (["--undo", "--model", "nobody"], 2, "--undo needs --model and --problem-set"),
        (["--undo", "rollouts", "."], 2, "--undo needs no source"),
        (["--model", "m", "rollouts", "."], 2, "Options of rollouts come after its name"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_back_is_said(
    lab: Lab, cli: Cli, words: list[str], code: int, message: str
) -> None:
    ran = cli("import", *words, variables=lab.variables)
    assert ran.code == code
    assert message in ran.err
