"""The report names the checks of its problem set that did not pass when they were last evaluated, and no others."""

from __future__ import annotations

import warnings

import dagster as dg

from cot_assets.orchestration.assets.publishing import failed_checks

_SETS = dg.StaticPartitionsDefinition(["ours", "theirs"])
_BOTH = dg.MultiPartitionsDefinition(
    {"model": dg.StaticPartitionsDefinition(["m", "k"]), "problem_set": _SETS}
)
_KEYS = [dg.AssetCheckKey(dg.AssetKey("made"), name) for name in ("width", "schema")]


def _made(passed: bool | None) -> dg.Definitions:
    """An asset whose check ``width`` passes or not; None where the asset fails before it comes to its checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        specs = [dg.AssetCheckSpec(k.name, asset="made", partitions_def=_BOTH) for k in _KEYS]

        @dg.asset(partitions_def=_BOTH, check_specs=specs)
        def made() -> dg.MaterializeResult:
            if passed is None:
                raise dg.Failure
            results = [
                dg.AssetCheckResult(
                    passed=passed or key.name == "schema", check_name=key.name, description="too wide",
                    severity=dg.AssetCheckSeverity.WARN,
                )
                for key in _KEYS
            ]  # fmt: skip
            return dg.MaterializeResult(check_results=results)

        return dg.Definitions([made])


def test_only_the_latest_evaluation_of_the_own_partitions_counts() -> None:
    with dg.DagsterInstance.ephemeral() as instance:

        def run(problem_set: str, *, passed: bool) -> None:
            job = _made(passed).resolve_implicit_global_asset_job_def()
            assert job.execute_in_process(instance=instance, partition_key=f"m|{problem_set}").success

        run("ours", passed=False)
        assert failed_checks(instance, _KEYS, "ours", ["m", "k"]) == [
            "Check width of made, m|ours: too wide."
        ]
        assert failed_checks(instance, _KEYS, "theirs", ["m", "k"]) == []
        run("theirs", passed=False)
        run("ours", passed=True)
        assert failed_checks(instance, _KEYS, "ours", ["m", "k"]) == []
        assert len(failed_checks(instance, _KEYS, "theirs", ["m", "k"])) == 1


def test_the_same_words_of_several_partitions_are_said_once() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        job = _made(False).resolve_implicit_global_asset_job_def()
        for partition in ("m|ours", "k|ours"):
            assert job.execute_in_process(instance=instance, partition_key=partition).success
        (sentence,) = failed_checks(instance, _KEYS, "ours", ["m", "k"])
        assert sentence.startswith("Check width of made, ")
        assert sentence.count("m|ours") == sentence.count("k|ours") == sentence.count("too wide.") == 1
        (left,) = failed_checks(instance, _KEYS, "ours", ["k"])  # m was forgotten
        assert ("m|ours" in left, "k|ours" in left) == (False, True)


def test_a_check_that_was_planned_and_never_made_is_as_it_was() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for passed in (False, None):
            job = _made(passed).resolve_implicit_global_asset_job_def()
            done = job.execute_in_process(instance=instance, partition_key="m|ours", raise_on_error=False)
            assert done.success is (passed is not None)
        assert failed_checks(instance, _KEYS, "ours", ["m"]) == ["Check width of made, m|ours: too wide."]
