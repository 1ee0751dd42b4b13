"""Faults planted into the embedded engine's sampling, and what an audit says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.auditing import FAULTS, PAPER_FAULTS, Fault, ServedEngine, planted, real_blocks

from cot_assets.engines.base import Block, Engine
from cot_assets.engines.openvino import plain
from cot_assets.engines.openvino.engine import OpenVINOEngine
from cot_assets.statistics.laws import laws_of_logits
from cot_assets.study import load_config

#: Too small a shift of this model's law for 17,000 tokens; see docs/decisions/audit.md.
TOO_SMALL = {"temperature 1.1 for 1", "no BOS"}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = OpenVINOEngine(load_config().model("demo-weak"))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def blocks(engine: Engine) -> list[Block]:
    return real_blocks(engine, 48, budget=24)


def test_what_was_sampled_as_claimed_passes(engine: Engine, blocks: list[Block]) -> None:
    found, judgment = planted(engine, blocks, Fault())
    assert judgment.failed == ()
    assert not judgment.is_shifted
    assert sum(e.n_impossible for e in found) == 0


@pytest.mark.parametrize("name", sorted(set(FAULTS) - TOO_SMALL))
def test_a_fault_is_found(engine: Engine, blocks: list[Block], name: str) -> None:
    _, judgment = planted(engine, blocks, FAULTS[name])
    assert judgment.failed or judgment.is_shifted
    if "prefix" in name:
        assert len(judgment.failed) > 0.9 * len(blocks)


@pytest.fixture(scope="module")
def served() -> Iterator[Engine]:
    engine = ServedEngine(load_config().model("demo-weak"))
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("none", False),
        ("completions of the next prefix in the plan", True),
        ("five completions in turn", True),
        ("temperature 1 for 0.6", True),
    ],
)
def test_what_is_found_of_a_server_that_tells_twenty_tokens(
    served: Engine, blocks: list[Block], name: str, is_found: bool
) -> None:
    found, judgment = planted(served, blocks[::2], PAPER_FAULTS[name])
    assert (len(judgment.failed) > 0 or judgment.is_shifted) == is_found
    assert sum(e.n_judged for e in found) > 0.99 * sum(e.n_tokens for e in found)


def test_a_prefix_read_once_gives_the_same_evidence(
    engine: Engine, blocks: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = blocks[:4]
    whole, _ = planted(engine, few, Fault())
    monkeypatch.setattr("cot_assets.engines.openvino.plain._SMALL", 0)
    monkeypatch.setattr(engine, "_plain", None)  # it is opened again, now as if it were large
    shared, _ = planted(engine, few, Fault())
    for one, other in zip(whole, shared, strict=True):
        assert one.n_tokens == other.n_tokens
        assert one.z == pytest.approx(other.z, abs=1e-3)
        assert one.log_ratios == pytest.approx(other.log_ratios, rel=1e-3, abs=1e-3)


def test_a_long_text_is_weighed_in_the_parts_that_it_is_read_in(
    engine: Engine, blocks: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    few, size, sizes = blocks[:2], 7, list[int]()
    whole, _ = planted(engine, few, Fault())

    def spied(logits: Any, *given: Any) -> Any:
        sizes.append(len(logits))
        return laws_of_logits(logits, *given)

    monkeypatch.setattr(plain, "laws_of_logits", spied)
    monkeypatch.setattr(plain, "_LOGITS", size * engine._plain._vocabulary)  # type: ignore[attr-defined]
    parts, _ = planted(engine, few, Fault())
    assert 0 < max(sizes) <= size
    for one, other in zip(whole, parts, strict=True):
        assert one.n_tokens == other.n_tokens
        assert one.log_ratios == pytest.approx(other.log_ratios, rel=1e-3, abs=1e-3)
