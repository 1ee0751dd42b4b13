"""A model in actors of a Ray cluster: the suite, deaths of actors and of the driver, and what is refused.

The cluster is a real one on this machine, and lasts for all tests that do not end theirs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import psutil
import pytest
from ray_child import N_PROMPTS, PROTOCOL, entry, plan_of
from support.engine_suite import SAMPLE, EngineSuite, block, completions
from support.extras import needs
from support.lab import Lab
from support.sameness import assert_same_tables

from cot_assets.engines.base import Block, BlockResult, Engine, EngineError, Waiting
from cot_assets.engines.opening import open_engine
from cot_assets.engines.ray.actor import EngineActor, Word
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.sampling.plan import sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.study import ModelEntry
from cot_assets.study.models import RayActors

needs("ray", "ray")

from cot_assets.engines.ray import cluster as cluster_module  # noqa: E402
from cot_assets.engines.ray.cluster import Cluster  # noqa: E402
from cot_assets.engines.ray.crew import LOST, Crew, Member  # noqa: E402
from cot_assets.engines.ray.engine import _Shift  # noqa: E402

pytestmark = pytest.mark.heavy

SMALL = {"n": 16, "max_cuts": 4, "max_tokens": 120, "search_problems": 0}
CHILD = Path(__file__).with_name("ray_child.py")


def plain(**changes: object) -> ModelEntry:
    return entry(ray=None, **changes)


def folder() -> Path:
    found = entry().local_path
    assert found is not None
    return found


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COT_ASSETS_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def cluster(home: None) -> Iterator[None]:
    cluster = Cluster(entry(), None)
    yield
    cluster.close()


@pytest.fixture(scope="module")
def actors(cluster: None) -> Iterator[Engine]:
    engine = open_engine(entry())
    yield engine
    engine.close()
    engine.close()


@pytest.fixture(scope="module")
def alone() -> Iterator[Engine]:
    engine = open_engine(plain())
    yield engine
    engine.close()


class TestRay(EngineSuite):
    """The conformance suite."""

    eos_token_ids = ModelTokenizer(folder(), "{statement}").eos_token_ids
    audited_blocks = 200

    @pytest.fixture(scope="class")
    def engine(self, actors: Engine) -> Engine:
        return actors


def test_who_samples_makes_no_difference(actors: Engine, alone: Engine) -> None:
    assert actors.describe() == alone.describe()
    plan = [planned.block for planned in plan_of(alone)]
    assert plan == [planned.block for planned in plan_of(actors)]
    plan = plan[:16]
    found = completions(alone, plan)
    assert completions(actors, plan) == found
    written = [(block, found[block.key]) for block in plan]
    evidence = zip(alone.score(written, SAMPLE), actors.score(written, SAMPLE), strict=True)
    assert all(one.z == pytest.approx(other.z) for one, other in evidence)


def processes() -> set[int]:
    """Those that hold a model."""
    mine = psutil.Process().children(recursive=True)
    return {each.pid for each in mine if EngineActor.__name__ in " ".join(each.cmdline())}


def test_an_actor_that_is_killed_costs_nothing(actors: Engine, alone: Engine) -> None:
    blocks = [planned.block for planned in plan_of(alone)]
    before, found, said = processes(), [], []
    assert len(before) == 2
    for news in actors.sample(blocks, SAMPLE):
        if isinstance(news, BlockResult):
            if len(found) == 3:
                os.kill(min(before), signal.SIGKILL)
            found.append(news)
        elif isinstance(news, Waiting):
            said.append(news.text)
    assert sorted(r.block.key for r in found) == sorted(b.key for b in blocks)
    assert {r.block.key: r.completions for r in found} == completions(alone, blocks)
    (line,) = said
    assert f"(process {min(before)}) died" in line
    assert "\n" not in line
    # The one in its place works like the other.
    deadline = time.monotonic() + 60
    while not (new := processes() - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(new) == 1
    assert len(completions(actors, [block(f"after {i}", blocks[0].token_ids) for i in range(8)])) == 8


def test_what_a_dead_actor_had_waits_for_one_that_can_still_take_it() -> None:
    """One that was told that there is no more takes nothing, though its engine asks once for each block in its stock."""
    asked: list[tuple[str, list[Block | None]]] = []

    class Scripted:
        def idle(self) -> list[Member]:
            return [each for each in (first, second) if each.stage == "open" and each.call is None]

        def ask(self, member: Member, method: str, given: list[Block | None], *_: object) -> None:
            member.call = object()
            asked.append((method, given))

    first, second = Member(stage="open"), Member(stage="open")
    blocks = [block(str(i), (1, 2)) for i in range(5)]
    shift = _Shift(entry(), cast("Crew", Scripted()), blocks)

    def hears(member: Member, answer: object) -> tuple[str, list[Block | None]]:
        member.call = None
        shift.heard(member, answer)
        shift.goes_on(SAMPLE)
        return asked[-1]

    shift.goes_on(SAMPLE)
    assert asked == [("begin", blocks[:2]), ("begin", blocks[2:4])]
    assert hears(first, [Word.WANTED]) == ("turn", blocks[4:])
    assert hears(second, [Word.WANTED]) == ("turn", [None])
    first.stage = "placing"
    shift.heard(first, LOST)
    assert hears(second, [Word.WANTED]) == ("turn", [None])
    done = [BlockResult(each, (), 0, None, 0) for each in blocks[2:4]]
    assert hears(second, [*done, Word.DONE]) == ("begin", blocks[:2])
    assert hears(second, [Word.WANTED]) == ("turn", blocks[4:])


def test_an_actor_that_is_killed_while_it_scores_costs_nothing(actors: Engine, alone: Engine) -> None:
    found = completions(alone, [planned.block for planned in plan_of(alone)])
    written = [(planned.block, found[planned.block.key]) for planned in plan_of(alone)]
    evidence = actors.score(written, SAMPLE)
    scored = [next(evidence)]
    os.kill(min(processes()), signal.SIGKILL)
    scored += evidence
    assert [e.z for e in scored] == pytest.approx([e.z for e in alone.score(written, SAMPLE)])


@pytest.mark.usefixtures("cluster")
def test_an_engines_error_is_that_error() -> None:
    few = {"num_kv_blocks": 4}
    sentences: list[str] = []
    for each in (plain(engine_args=few), entry(engine_args=few)):
        engine = open_engine(each)
        try:
            with pytest.raises(EngineError) as raised:
                completions(engine, [block("long", tuple(range(20, 60)), budget=400)])
        finally:
            engine.close()
        sentences.append(str(raised.value))
    assert sentences[0] == sentences[1]
    assert "the KV cache is too small" in sentences[1]


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"engine_args": {"nonsense": 1}}, "model 'demo-weak': engine_args has 'nonsense', no OpenVINO"),
        ({"ray": RayActors(gpus=2)}, "an actor needs 2 GPUs, and the cluster has 0; change `ray`"),
        ({"ray": RayActors(cpus=1e6, actors=2)}, "an actor needs 1e+06 CPUs, and the cluster has"),
    ],
)
def test_actors_that_cannot_be(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(EngineError) as raised:
        open_engine(entry(**changes))
    assert sentence in str(raised.value)


@pytest.mark.usefixtures("cluster")
def test_the_whole_pipeline_comes_to_the_same_tables(tmp_path: Path) -> None:
    homes = []
    for name, ways in (("alone", {}), ("actors", {"ray": {"actors": 2, "cpus": 0.5}})):
        lab = Lab(tmp_path / name)
        problems = {
            "extends": "demo",
            "protocol": "tiny",
            "generator": {"per_cell": [1, 0, 0, 0]},
            "limit": 1,
        }
        models = {"m": {"extends": "demo-weak", "series": "s", "step": 1, **ways}}
        lab.write(
            models=models,
            protocols={"tiny": {"extends": "quick", "sampling": SMALL}},
            problem_sets={"tiny": problems},
        )
        lab.bring_up_to_date([("m", "tiny")], is_scripted=False)
        assert lab.table("rollouts").height > 0
        assert set(lab.table("audits")["verdict"]) == {"passed"}
        homes.append(lab.home)
    assert_same_tables(*homes)


class Driver:
    """A process that samples by actors; ``tree`` are its descendants when it had begun to sample."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, str(CHILD), str(root)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        counts = map(int, iter(self.process.stdout.readline, ""))
        assert any(n >= 128 for n in counts), "it ended by itself"
        self.tree = psutil.Process(self.process.pid).children(recursive=True)
        words = [word for each in self.tree for word in each.cmdline()]
        self.folder = words[words.index(str(Path(cluster_module.__file__).with_name("watch.py"))) + 1]

    def ended(self) -> str:
        """What it wrote as errors; no process of its cluster is left."""
        _, errors = self.process.communicate(timeout=60)
        assert len(self.tree) > 4
        _, left = psutil.wait_procs(self.tree, timeout=30)
        assert left == []
        assert not Path(self.folder).exists()
        return errors


def kept(root: Path) -> set[str]:
    return set(ShardStore(root, "rollout", "m").index())


def test_a_driver_that_is_ended_goes_on_and_leaves_no_process(tmp_path: Path, alone: Engine) -> None:
    """By SIGKILL what was in shards is kept; by Ctrl-C, which reaches all processes of a terminal, what had finished."""
    ends: tuple[Callable[[int], None], ...] = (
        lambda pid: os.kill(pid, signal.SIGKILL),
        lambda pid: os.killpg(pid, signal.SIGINT),
    )
    sets: list[set[str]] = [set()]
    for end in ends:
        driver = Driver(tmp_path)
        end(driver.process.pid)
        errors = driver.ended()
        sets.append(kept(tmp_path))
        assert sets[-1] > sets[-2]
    assert errors.strip().endswith("KeyboardInterrupt")
    assert "(raylet)" not in errors
    plan = plan_of(alone)
    assert sets[-1] < {planned.block.key for planned in plan}
    store = ShardStore(tmp_path, "rollout", "m")
    status = sample_missing(alone, plan, sampling_of(PROTOCOL), store, lambda _: None)
    assert status.n_before == 16 * len(sets[-1])
    rows = store.read([planned.block.key for planned in plan])
    assert rows.height == N_PROMPTS * PROTOCOL.sampling.n
    assert not rows.select("block_key", "sample_index").is_duplicated().any()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("nonsense", "Invalid address format"),
        ("no.such.host:6379", ""),
    ],
)
def test_a_cluster_that_is_not_there(address: str, said: str) -> None:
    import ray

    ray.shutdown()  # of the other tests, all of which come before
    with pytest.raises(
        EngineError, match=f"no Ray cluster at '{address}'.*{said}.*`ray start --head`"
    ) as raised:
        open_engine(entry(ray=RayActors(address=address)))
    assert "\n" not in str(raised.value)
