"""vLLM in process: the suite, agreement with the embedded engine, resumption, its child processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import psutil
import pytest
from support.engine_suite import PUZZLING, EngineSuite, block, completions, run
from work import (
    LEVEL,
    PROTOCOL,
    SAMPLING,
    agreement,
    counts,
    on_vllm,
    plan_for,
    same_verdicts,
    some_problems,
    strong,
    write_prefixes,
)

from cot_assets.engines.base import Completion, Engine, EngineError, Sampling
from cot_assets.engines.opening import open_engine
from cot_assets.engines.revision import entry_revision
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.engines.vllm.engine import VLLMEngine
from cot_assets.sampling.plan import Prefix
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore

CHILD = Path(__file__).with_name("vllm_child.py")
ENOUGH = 3  #: shards of a process before anything is killed


class Killed(NamedTuple):
    """What a killed process left: blocks in shards, processes that outlived it, the seed of its engine."""

    finished: int
    survivors: list[str]
    seed: int


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vllm")


@pytest.fixture(scope="module")
def problems(root: Path) -> pl.DataFrame:
    return some_problems(root)


@pytest.fixture(scope="module")
def prefixes(problems: pl.DataFrame, root: Path) -> list[Prefix]:
    return write_prefixes(problems, root)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def survivors(children: list[psutil.Process]) -> list[str]:
    """Those that run on for 90 s, which are killed; one that has ended and waits to be reaped holds nothing.

    Giving gigabytes back to the kernel takes a killed process its time where memory is short.
    """
    deadline = time.monotonic() + 90
    while (alive := [each for each in children if _runs(each)]) and time.monotonic() < deadline:
        time.sleep(0.2)
    said = [f"{each.pid} {each.name()}: {each.status()}, threads {len(each.threads())}" for each in alive]
    for each in alive:
        each.kill()
    return said


@pytest.fixture(scope="module")
def killed(prefixes: list[Prefix], root: Path) -> Killed:
    """A sampling process, killed in the middle."""
    process = subprocess.Popen([sys.executable, str(CHILD), str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seed, *pids = map(int, process.stdout.readline().split())
    children = [psutil.Process(pid) for pid in pids]
    assert children, "vLLM runs a model in processes of its own"
    for line in process.stdout:
        if int(line) >= ENOUGH:
            break
    assert process.poll() is None
    process.kill()
    process.wait()
    alive = survivors(children)
    finished = len(ShardStore(root, "rollout", "m").index())
    return Killed(finished, alive, seed)


class Bereaved(NamedTuple):
    """What is left of a run whose engine was killed, as the kernel does when memory runs out."""

    root: Path
    finished: int
    survivors: list[str]
    seconds: float
    code: int
    said: str


@pytest.fixture(scope="module")
def bereaved(killed: object, prefixes: list[Prefix], root: Path) -> Bereaved:
    """A sampling process whose vLLM process is killed in the middle."""
    own = root / "bereaved"
    own.mkdir()
    (own / "prefixes.json").write_text((root / "prefixes.json").read_text())
    with (own / "stderr").open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, str(CHILD), str(own)], stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    assert process.stdout is not None
    children = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()[1:]]
    for line in process.stdout:
        if int(line) >= ENOUGH:
            break
    (core,) = [child for child in children if "EngineCore" in " ".join(child.cmdline())]
    core.kill()
    started = time.monotonic()
    try:
        code = process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    seconds = time.monotonic() - started
    alive = survivors(children)
    finished = len(ShardStore(own, "rollout", "m").index())
    return Bereaved(own, finished, alive, seconds, code, (own / "stderr").read_text())


@pytest.fixture(scope="module")
def vllm_engine(killed: object, bereaved: object) -> Iterator[Engine]:
    """Loaded once for all tests here, after the processes that are killed have left the machine to it."""
    engine = open_engine(on_vllm())
    own = [p for p in psutil.Process().children(recursive=True) if "VLLM" in "".join(p.cmdline())]
    assert own
    yield engine
    engine.close()
    engine.close()
    _, alive = psutil.wait_procs(own, timeout=20)  # vLLM kills what does not end by itself
    assert not alive


@pytest.fixture(scope="module")
def undisturbed(
    vllm_engine: Engine, prefixes: list[Prefix], problems: pl.DataFrame, root: Path
) -> pl.DataFrame:
    """Verdicts of the whole plan, sampled in one go."""
    plan, store = plan_for(vllm_engine, prefixes), ShardStore(root / "undisturbed", "rollout", "m")
    sample_missing(vllm_engine, plan, SAMPLING, store, lambda _: None)
    return counts(vllm_engine, plan, store, problems)


def test_no_child_process_survives_a_killed_run(killed: Killed) -> None:
    assert killed.survivors == []


def test_a_run_ends_when_its_engine_is_killed(bereaved: Bereaved) -> None:
    """Its step() would wait for ever; what had come back is in shards, and the error says what to do."""
    print(f"ended {bereaved.seconds:.1f} s after its engine; {bereaved.finished} blocks kept")
    assert bereaved.code == 1
    assert bereaved.seconds < 30
    assert bereaved.survivors == []
    (said,) = [line for line in bereaved.said.splitlines() if "EngineDiedError: " in line]
    for part in (
        "EngineDiedError: model 'demo-strong': vLLM's engine died while it sampled",
        "its process EngineCore was ended by signal 9",
        "lower engine_args.gpu_memory_utilization or max_num_seqs",
        "What was sampled is kept: start the run again",
    ):
        assert part in said
    assert bereaved.finished >= ENOUGH


class TestVLLM(EngineSuite):
    """The conformance suite, and what this engine promises beyond it."""

    audited_blocks = 256  # a CPU takes 2,000 in half an hour

    eos_token_ids = ModelTokenizer(strong().local_path or Path(), "{statement}").eos_token_ids

    @pytest.fixture(scope="class")
    def engine(self, vllm_engine: Engine) -> Engine:
        return vllm_engine

    def test_it_says_what_was_loaded(self, engine: Engine) -> None:
        info = engine.describe()
        assert (info.engine, info.dtype, info.quantization, info.device) == ("vllm", "float32", "none", "CPU")
        assert info.version.startswith("0.32.")
        assert info.model_revision == entry_revision(on_vllm())
        assert not info.is_retokenized

    def test_without_seeds_it_claims_no_reproducibility(self, engine: Engine) -> None:
        assert not engine.describe().is_reproducible

    def test_prompts_are_those_of_the_embedded_engine(self, engine: Engine) -> None:
        other = ModelTokenizer(strong().local_path or Path(), strong().template, add_bos=True)
        assert engine.render_prompt(self.statement) == other.render_prompt(self.statement)

    def test_cached_prompt_tokens_are_counted(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        """Blocks of the CPU build's cache hold 32 tokens; only whole ones are kept."""
        long = (*prompt, *engine.encode("1 = 1.\n" * 30).token_ids)
        results = [run(engine, [block(f"cached {i}", long, budget=2)])[0] for i in (0, 1)]
        assert [r.cached_tokens for r in results] == [0, (len(long) - 1) // 32 * 32]

    def test_a_budget_beyond_the_model_is_cut(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        """And a prefix that fills the context has nothing but empty completions."""
        long = (*prompt, *PUZZLING * 30)[:1020]
        found = completions(engine, [block("cut", long, budget=1022), block("full", (*long, 5, 6, 7, 8))])
        assert max(len(c.token_ids) for c in found["cut"]) <= 4
        assert set(found["full"]) == {Completion((), "length")}

    @pytest.mark.parametrize("temperature", [0.001, 2.5])
    def test_a_temperature_that_vllm_would_change_is_refused(
        self, engine: Engine, temperature: float
    ) -> None:
        with pytest.raises(EngineError, match=rf"not {temperature}; change it in protocols\.toml"):
            run(engine, [block("b", (1, 5, 6))], Sampling(temperature, 1.0))


def test_it_has_the_potentials_of_the_embedded_engine(
    undisturbed: pl.DataFrame, prefixes: list[Prefix], problems: pl.DataFrame, root: Path
) -> None:
    engine = open_engine(strong())
    plan, store = plan_for(engine, prefixes), ShardStore(root / "embedded", "rollout", "m")
    sample_missing(engine, plan, SAMPLING, store, lambda _: None)
    embedded = counts(engine, plan, store, problems)
    engine.close()
    statistic, freedom, p = agreement(undisturbed, embedded)
    print(
        f"vLLM against OpenVINO, {len(prefixes)} prefixes x {PROTOCOL.sampling.n}: {statistic:.1f} on {freedom}, p {p:.3f}"
    )
    assert freedom >= 8, "prefixes that say something"
    assert p > LEVEL
    assert agreement(undisturbed, _worse(embedded))[2] < LEVEL, "half of the right ones lost would be seen"


def _worse(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rollouts with the potentials of a slightly worse sampler: of the right ones half wrong."""
    right = pl.col("verdict") == "correct"
    lost = frame.filter(right).with_columns(
        verdict=pl.lit("incorrect"), n=(pl.col("n") * 0.5).round().cast(pl.UInt32)
    )
    kept = frame.with_columns(
        n=pl.when(right).then((pl.col("n") * 0.5).round().cast(pl.UInt32)).otherwise("n")
    )
    return pl.concat([kept, lost])


@pytest.mark.parametrize("what", ["run", "engine"])
def test_a_killed_run_goes_on_and_samples_nothing_twice(
    what: str,
    killed: Killed,
    bereaved: Bereaved,
    vllm_engine: Engine,
    undisturbed: pl.DataFrame,
    prefixes: list[Prefix],
    problems: pl.DataFrame,
    root: Path,
) -> None:
    """Whether the run itself was killed or the engine's process."""
    where, finished = (root, killed.finished) if what == "run" else (bereaved.root, bereaved.finished)
    plan, store = plan_for(vllm_engine, prefixes), ShardStore(where, "rollout", "m")
    before = set(store.index())
    assert ENOUGH <= finished == len(before) < len(plan)
    status = sample_missing(vllm_engine, plan, SAMPLING, store, lambda _: None)
    assert status.n_blocks == len(plan) - finished
    rows = store.read([p.block.key for p in plan])
    assert rows.height == len(plan) * 16
    assert not rows.select("prefix_id", "sample_index").is_duplicated().any()
    assert set(store.index()) == {p.block.key for p in plan}
    resumed = counts(vllm_engine, plan, store, problems)
    for statistic, freedom, p in (same_verdicts(resumed, undisturbed), agreement(resumed, undisturbed)):
        print(f"resumed against undisturbed: {statistic:.1f} on {freedom}, p {p:.3f}")
        assert p > LEVEL


def test_two_loads_draw_from_different_seeds(killed: Killed, vllm_engine: Engine) -> None:
    """A fixed seed of the engine would repeat in a later run what an earlier one drew."""
    assert isinstance(vllm_engine, VLLMEngine)
    seed = vllm_engine._engine.vllm_config.model_config.seed
    assert seed != killed.seed
    assert min(seed, killed.seed) > 1000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"engine_args": {"max_num_seq": 3}},
            ["'max_num_seq', no argument of vLLM", "did you mean 'max_num_seqs'"],
        ),
        ({"engine_args": {"seed": 3}}, ["'seed'", "seeds follow from the blocks"]),
        ({"engine_args": {"quantization": "awq"}}, ["`quantization` of the entry"]),
        ({"engine_args": {"max_model_len": "long"}}, ["cannot load", "max_model_len"]),
        ({"dtype": "float99"}, ["cannot load", "float99"]),
        ({"quantization": "magic"}, ["cannot load", "magic"]),
        ({"path": "./absent"}, ["'./absent' is not a folder"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_loaded_is_named(changes: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(EngineError) as caught:
        open_engine(on_vllm(**changes))
    for part in ["'demo-strong'", *said]:
        assert part in str(caught.value)
