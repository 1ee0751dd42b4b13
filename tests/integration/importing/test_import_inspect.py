"""Logs of Inspect: traces and verdicts, from files of its own making and of ours, and hostile ones."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.extras import needs

from cot_assets.importing import ImportingError, import_inspect
from cot_assets.importing.base import TRACES_SAMPLED

HEADER = {
    "version": 2,
    "status": "success",
    "eval": {"task": "inspect_evals/sums", "model": "openai/m", "created": "2026"},
}


def sample(
    number: int = 1, epoch: int = 1, content: object = "It is \\boxed{5}", **more: Any
) -> dict[str, Any]:
    choices = [{"message": {"role": "assistant", "content": content}, "stop_reason": "stop"}]
    return {
        "id": number, "epoch": epoch, "input": "2+3?", "target": "5", "output": {"model": "m", "choices": choices},
        "scores": {"match": {"value": "C", "answer": "5"}}, **more,
    }  # fmt: skip


@pytest.fixture
def put(tmp_path):
    def write(*samples: object, header: object = HEADER, name: str = "log.eval", **more: str) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as log:
            for i, each in enumerate(samples):
                log.writestr(f"samples/{i}_epoch_1.json", each if isinstance(each, str) else json.dumps(each))
            if header is not None:
                log.writestr("header.json", json.dumps(header))
            for entry, text in more.items():
                log.writestr(entry, text)
        return tmp_path / name

    return write


def test_a_log_of_several_epochs(put, store):
    thought = [{"type": "reasoning", "reasoning": "2, 3"}, {"type": "text", "text": "So attachment"}]
    file = put(
        sample(), sample(epoch=2, content=thought, scores={"match": {"value": 0}}), sample(2, scores={"match": {"value": 0.5}}),
        sample(3, content="attachment://a1", attachments={"a1": "kept apart"}, scores={"match": {"value": "N"}}),
    )  # fmt: skip
    (imported,) = import_inspect(file)
    stored = store(imported)
    assert (imported.model, imported.problem_set) == ("m", "sums")
    assert (stored["traces"], stored["rollouts"], stored["potentials"]) == (4, 0, 3)
    traces = imported.frames["traces"].sort("problem_id", "sample_index")
    assert traces["verdict"].to_list() == ["correct", "incorrect", "unscored", "no_answer"]
    assert traces["text"].to_list() == [
        "It is \\boxed{5}", "<think>\n2, 3\n</think>\n\nSo attachment", "It is \\boxed{5}", "kept apart"
    ]  # fmt: skip
    assert imported.frames["potentials"]["potential"].null_count() == 3, (
        "nothing was sampled, nothing is known"
    )
    assert imported.notes == (TRACES_SAMPLED,)


def test_what_tells_nothing_is_left_out_and_said(put):
    file = put(
        sample(),
        sample(2, content=""),
        sample(3, error={"message": "m"}),
        header=HEADER | {"status": "error"},
    )
    (imported,) = import_inspect(file, model="mine", problem_set="own")
    assert imported.frames["problems"]["problem_id"].to_list() == ["1"]
    assert imported.notes == (
        "2 samples without a text or with an error were left out",
        "A log is of an evaluation that did not end: its traces may be a choice",
    )


def test_a_name_is_for_one_model(put, tmp_path):
    put(sample(), name="a.eval")
    put(sample(2), header=HEADER | {"eval": HEADER["eval"] | {"model": "org/other"}}, name="b.eval")
    with pytest.raises(ImportingError, match="'mine' is for one model, but these are of 2"):
        import_inspect(tmp_path, model="mine")
    assert [imported.model for imported in import_inspect(tmp_path)] == ["m", "other"]


def test_a_retry_repeats_samples_that_count_once(put, tmp_path):
    put(sample(uuid="u1"), header=HEADER | {"status": "error"}, name="a.eval")
    put(sample(uuid="u1"), sample(2, uuid="u2"), sample(2, epoch=2, uuid="u3"), sample(3), name="b.eval")
    (imported,) = import_inspect(tmp_path)
    traces = imported.frames["traces"].sort("problem_id", "sample_index")
    assert traces["problem_id"].to_list() == ["1", "2", "2", "3"]
    put(sample(uuid="u1", scores={"match": {"value": "I"}}), name="b.eval")
    with pytest.raises(ImportingError, match="sample u1: the trace of problem '1' differs"):
        import_inspect(tmp_path)


def test_choices_and_scorers(put):
    more = {
        "choices": ["4", "5"],
        "target": "B",
        "scores": {"a": {"value": "I"}, "b": {"value": "C", "answer": "B"}},
    }
    file = put(sample(**more))
    (imported,) = import_inspect(file)
    assert imported.frames["traces"]["verdict"].item() == "incorrect"
    (imported,) = import_inspect(file, scorer="b")
    assert imported.frames["traces"].select("verdict", "answer").row(0) == ("correct", "B")
    (problem,) = imported.frames["problems"].iter_rows(named=True)
    assert (problem["answer_kind"], problem["statement"]) == ("multiple_choice", "2+3?\nA) 4\nB) 5")
    with pytest.raises(ImportingError, match=r"no scorer 'c'; there are: a, b"):
        import_inspect(file, scorer="c")


def test_an_interrupted_log_and_one_as_json(put, tmp_path):
    file = put(sample(), header=None, **{"_journal/start.json": json.dumps(HEADER)})
    assert TRACES_SAMPLED not in import_inspect(file)[0].notes
    whole = tmp_path / "log.json"
    whole.write_text(json.dumps({**HEADER, "samples": [sample(), sample(epoch=2)]}))
    (imported,) = import_inspect(whole)
    assert imported.frames["traces"].height == 2


@pytest.mark.heavy
def test_a_log_that_inspect_wrote(tmp_path):
    needs("inspect_ai", "exchange")
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Score

    long = "word " * 5000
    samples = [
        EvalSample(id=f"p{i}", epoch=1, input="2+3?", target="5", output=ModelOutput.from_content("m", text),
                   scores={"match": Score(value=value, answer="5")})
        for i, (text, value) in enumerate([("It is 5.", "C"), (long, "I")])
    ]  # fmt: skip
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="sums",
        dataset=EvalDataset(),
        model="a/b",
        config=EvalConfig(),
    )
    log = EvalLog(status="success", eval=spec, samples=samples)
    for name in ("log.eval", "log.json"):
        write_eval_log(log, str(tmp_path / name))
        (imported,) = import_inspect(tmp_path / name)
        assert imported.frames["traces"].sort("problem_id").select("text", "verdict").rows() == [
            ("It is 5.", "correct"), (long, "incorrect")
        ]  # fmt: skip
    with zipfile.ZipFile(tmp_path / "log.eval") as packed:
        assert 93 in {entry.compress_type for entry in packed.infolist()}, (
            "no longer packed by zstd: drop what reads it"
        )


@pytest.mark.parametrize(
    ("samples", "header", "message"),
    [
        (["{"], HEADER, r"samples/0_epoch_1.json: cannot be read"),
        (["[" * 50_000], HEADER, "cannot be read"),
        (["3"], HEADER, "expected an object, found int"),
        ([sample()], None, "it lacks header.json; found: samples/0_epoch_1.json"),
        ([sample()], {"eval": None}, "eval: expected an object"),
        ([sample()], {"eval": {"task": "t"}}, "'model' should hold text, found nothing"),
        ([sample(target="")], HEADER, "'target' is empty"),
        ([sample(input=None)], HEADER, "'input' has no text"),
        ([sample(id=None)], HEADER, "'id' is missing"),
        ([sample(content="a\x00b")], HEADER, "holds a NUL"),
        ([sample(scores=[3])], HEADER, "scores: expected an object"),
        ([sample(content=None)], HEADER, "none of its 1 samples has a text"),
    ],
)
def test_what_is_wrong_is_named(put, samples, header, message):
    with pytest.raises(ImportingError, match=message) as error:
        import_inspect(put(*samples, header=header))
    assert "log.eval" in str(error.value)
    assert len(str(error.value)) < 1500


def test_files_that_are_no_logs(put, tmp_path, monkeypatch):
    (tmp_path / "bad.eval").write_text("no zip")
    with pytest.raises(ImportingError, match=r"bad.eval: no log of Inspect, which is a zip file"):
        import_inspect(tmp_path / "bad.eval")
    (tmp_path / "bad.eval").unlink()
    with pytest.raises(ImportingError, match=r"no log \(\*.eval\) in it or below; found: nothing"):
        import_inspect(tmp_path)
    (tmp_path / "other.json").write_text('{"total": 3}')
    with pytest.raises(ImportingError, match=r"no log of Inspect, which has a field 'eval'; found: total"):
        import_inspect(tmp_path / "other.json")


def test_a_sample_that_unpacks_to_too_much(put, monkeypatch):
    monkeypatch.setattr("cot_assets.importing.inspect_logs.MAX_SAMPLE_BYTES", 10_000)
    with pytest.raises(ImportingError, match=r"more than 10,000 bytes; leave it out"):
        import_inspect(put(sample(content="a" * 1_000_000)))
