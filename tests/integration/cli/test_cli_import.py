"""``cot-assets import`` on the published traces: what is there afterwards, and what refuses to touch it."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from support.command_line import Cli
from support.lab import Lab
from support.sameness import assert_same, everything

from cot_assets.definitions import build_defs
from cot_assets.orchestration.imports import IMPORTED
from cot_assets.orchestration.jobs import assets_of
from cot_assets.orchestration.runs import PipelineError, execute
from cot_assets.orchestration.staleness import Unit

pytestmark = pytest.mark.heavy

Imported = tuple[Lab, dict[str, str]]
LLAMA, ANCHORS, CLIFFS = "deepseek-r1-distill-llama-8b", "thought-anchors", "cliff-token"


def test_the_command_says_what_was_imported_and_what_to_know(imported: Imported) -> None:
    _, printed = imported
    out = printed[ANCHORS]
    assert f"{LLAMA} on {ANCHORS}: 2 traces (2 correct), 319 prefixes, 115 of them without rollouts" in out
    assert "n is approximate and counts rollouts with an answer" in out
    assert "problem_6596: 115 of 255 prefixes have no rollouts; their potential is unknown" in out
    assert "at 24 sentences the source's prefix lacks an earlier repeat" in out
    assert "cuts at sentences" in out
    assert "cuts at grid21" in out
    assert "cot-assets sql largest_tangents -p problem_set=thought-anchors" in out
    assert "17 zeros at the end are fill-ins" in printed[CLIFFS]


def test_unknown_potentials_are_null_and_never_zero(imported: Imported) -> None:
    lab, _ = imported
    potentials = lab.table("potentials", problem_set=ANCHORS, model=LLAMA, problem_id="problem_6596")
    unknown = potentials.filter(pl.col("n") == 0)
    assert (potentials.height, unknown.height) == (255, 115)
    for column in ("potential", "ci_low", "ci_high"):
        assert unknown[column].null_count() == 115
    assert potentials.filter(pl.col("n") > 0)["potential"].null_count() == 0


def test_detection_and_rates_treat_cut_policies_separately(imported: Imported) -> None:
    lab, _ = imported
    for problem_set, fine in ((ANCHORS, "sentences"), (CLIFFS, "tokens")):
        rates = lab.table("pattern_rates", problem_set=problem_set)
        assert set(rates["cut_policy"]) == {fine, "grid21"}
        assert rates.filter(pl.col("n_traces") > 0).height
        for table in ("monotonicity", "changes", "drawdowns", "monotone_tests", "sensitivity"):
            assert set(lab.table(table, problem_set=problem_set)["cut_policy"]) == {fine, "grid21"}, table
    assert lab.table("tangents", problem_set=CLIFFS).filter("by_threshold").height


def test_published_results_answer_sql(imported: Imported, cli: Cli) -> None:
    lab, _ = imported
    ran = cli(
        "sql",
        "SELECT model, cut_policy, pattern FROM events WHERE problem_set = 'cliff-token'",
        "--format",
        "json",
        variables=lab.variables,
    )
    rows = json.loads(ran.out)
    assert {row["model"] for row in rows} <= {"Qwen3-0.6B", "Llama-3.1-8B-Instruct"}
    assert rows
    notes = cli("sql", "SELECT note FROM import_notes", "--format", "json", variables=lab.variables)
    assert len(json.loads(notes.out)) == lab.table("import_notes").height >= 9
    table = cli("sql", "pattern_table", "-p", f"problem_set={ANCHORS}", variables=lab.variables)
    assert LLAMA in table.out


@pytest.mark.parametrize(("problem_set", "n_pages"), [(ANCHORS, 4 * 2), (CLIFFS, 2 * 2)])
def test_the_report_has_a_page_per_trace_and_policy(
    imported: Imported, problem_set: str, n_pages: int
) -> None:
    lab, _ = imported
    folder = lab.home.reports / problem_set
    assert len(list(folder.glob("traces/*.html"))) == n_pages
    index = (folder / "index.html").read_text()
    assert "rollouts per cut, temperature" not in index  # the protocol's n is not what others sampled with
    assert "The rollouts were published by others." in index
    assert "sql pass_at_k" not in index  # their traces were picked by verdict


def test_dagster_shows_source_and_notes(imported: Imported) -> None:
    lab, _ = imported
    with lab.instance() as instance:
        partition = f"{LLAMA}|{ANCHORS}"
        for asset in (*IMPORTED[1:], *assets_of("evaluate_model", ("analysis",))):
            assert partition in instance.get_materialized_partitions(dg.AssetKey(asset)), asset
        assert ANCHORS in instance.get_materialized_partitions(dg.AssetKey("problems"))
        assert ANCHORS in instance.get_materialized_partitions(dg.AssetKey("report"))
        assert not instance.get_materialized_partitions(dg.AssetKey("completions"))
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey("potentials"), asset_partitions=[partition]), limit=1
        ).records
        event = records[0].asset_materialization
        assert event is not None
        assert event.metadata["source"].value == "published:thought-anchors"
        assert event.metadata["dagster/partition_row_count"].value == 319
        found = "0 rows break the rule; 115 of 319 potentials are unknown"
        assert event.metadata["null_iff_unknown"].value == found
        assert "n is approximate" in str(event.metadata["notes"].value)
        assert str(event.metadata["import_command"].value).startswith("cot-assets import thought-anchors /")
        assert event.tags is not None
        assert event.tags["dagster/data_version"]
        runs = instance.get_runs()
        assert {run.job_name for run in runs} == {"evaluate_model", "compare_models"}
        assert all(run.is_success for run in runs)


def test_the_same_import_again_changes_no_row(imported: Imported, cli: Cli, published: Path) -> None:
    lab, _ = imported
    before = everything(lab.home)
    ran = cli("import", ANCHORS, published / ANCHORS / LLAMA, variables=lab.variables)
    assert (ran.code, ran.err.count("Error")) == (0, 0)
    assert "It was here already; no row has changed." in ran.out
    assert_same(before, everything(lab.home))


SAMPLING = (
    "traces", "prefixes", "completions", "rollouts", "potentials",
    "transfer_completions", "transfer_rollouts", "transfer_potentials", "unlocks",
)  # fmt: skip


def test_sampling_assets_refuse_and_touch_nothing(imported: Imported) -> None:
    lab, _ = imported
    before = everything(lab.home)
    definitions = build_defs()
    with lab.instance() as instance:
        for asset in SAMPLING:
            with pytest.raises(PipelineError, match="is imported: its rollouts were published by others"):
                execute(definitions, instance, Unit("evaluate_model", ANCHORS, LLAMA), assets=[asset])
        with pytest.raises(PipelineError, match="problem set 'thought-anchors' is imported"):
            execute(definitions, instance, Unit("load_problems", ANCHORS), assets=["problems"])
        instance.add_dynamic_partitions("models", ["demo-weak"])
        with pytest.raises(PipelineError, match="problem set 'thought-anchors' is imported"):
            execute(
                definitions, instance, Unit("evaluate_model", ANCHORS, "demo-weak"), assets=["completions"]
            )
        instance.delete_dynamic_partition("models", "demo-weak")
    assert_same(before, everything(lab.home))


@pytest.mark.parametrize(
    ("model", "problem_set", "message"),
    [
        (LLAMA, "demo", f"model '{LLAMA}' is imported: its rollouts were published by others and cannot be sampled"),
        ("demo-weak", ANCHORS, f"problem set '{ANCHORS}' is imported"),
        ("declared", "demo", "model 'declared' is imported"),
        ("nobody", "demo", "no model named 'nobody' is configured; known:"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_is_imported_is_not_run(
    imported: Imported, cli: Cli, command: str, model: str, problem_set: str, message: str
) -> None:
    lab, _ = imported
    lab.write(models={"declared": {"engine": "imported", "problem_sets": ["demo"]}})
    ran = cli(command, "--model", model, "--problem-set", problem_set, variables=lab.variables)
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--problem-set", "demo"], "imported rollouts need a problem set of their own"),
        (["--model", "demo-weak"], "model 'demo-weak' is in models.toml with engine 'openvino'"),
        (["--model", "a|b"], "may hold only letters, digits"),
    ],
)
def test_an_import_never_mixes_with_what_is_sampled(
    imported: Imported, cli: Cli, published: Path, options: list[str], message: str
) -> None:
    lab, _ = imported
    before = everything(lab.home)
    ran = cli("import", ANCHORS, published / ANCHORS / LLAMA, *options, variables=lab.variables)
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert_same(before, everything(lab.home))


def test_rollouts_of_any_source_get_a_set_without_an_entry(lab: Lab, cli: Cli) -> None:
    file = lab.root / "mine.jsonl"
    text = "Add the two. That gives 7. So the answer is \\boxed{7}."
    cuts = {0: 2, 13: 8, 26: 1}  # correct rollouts of ten at each cut
    rows = [
        {
            "problem_id": "sum", "statement": "What is 3 + 4?", "gold_answer": "7", "trace": text, "cut": cut,
            "sample_index": i, "answer": "7" if i < k else "8",
        }
        for cut, k in cuts.items()
        for i in range(10)
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = cli(
        "import", "rollouts", file, "--model", "theirs", "--problem-set", "theirs", variables=lab.variables
    )
    assert ran.code == 0, ran.err
    assert "theirs on theirs: 1 trace (1 correct), 3 prefixes, 0 of them without rollouts" in ran.out
    potentials = lab.table("potentials").sort("n_correct")
    assert potentials["n_correct"].to_list() == [1, 2, 8]
    assert potentials["n"].to_list() == [10, 10, 10]
    assert lab.table("spikes").filter(pl.col("cut_policy") == "sentences").height == 1
    refused = cli("run", "--model", "theirs", "--problem-set", "demo", variables=lab.variables)
    assert "model 'theirs' is imported" in refused.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["thought-anchors", "/nowhere"], 2, "'/nowhere' does not exist"),
        (["thought-anchors", "."], 1, "no problem.json in it or below"),
        (["cliff-token"], 2, "Missing argument 'PATH...'"),
        (["rollouts", "x.jsonl", "--model", "m"], 2, "does not exist"),
        (["wrong"], 2, "No such command 'wrong'"),
    ],
)
def test_errors_are_one_line(
    lab: Lab, cli: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(lab.root)
    ran = cli("import", *words, variables=lab.variables)
    assert ran.code == code
    assert message in ran.err
    assert "Traceback" not in ran.err
