"""A model that was opened once: what happens where it cannot be opened again."""

import pytest

from cot_assets.engines.base import Block, CannotScoreError, Completion, EngineError, EngineInfo, Sampling
from cot_assets.engines.remembered import RememberedEngine

BLOCK = Block("0" * 32, (1, 2), 16, 8, 0)
INFO = EngineInfo("vllm", "0.24.0", "abc", "bfloat16", "none", "a GPU")


def gone():
    raise EngineError("model 'far': vLLM cannot be imported")


def test_what_was_sampled_elsewhere_cannot_be_audited_here_and_says_why():
    engine = RememberedEngine(INFO, None, gone)
    with pytest.raises(
        CannotScoreError, match="no audit can be made here: model 'far': vLLM cannot be imported"
    ):
        list(engine.score([(BLOCK, [Completion((3,), "stop")])], Sampling(1.0, 1.0)))


def test_sampling_what_is_missing_says_what_is_wrong_with_the_model():
    engine = RememberedEngine(INFO, None, gone)
    with pytest.raises(EngineError, match="model 'far'") as caught:
        list(engine.sample([BLOCK], Sampling(1.0, 1.0)))
    assert not isinstance(caught.value, CannotScoreError)


def test_without_a_block_nothing_is_opened():
    engine = RememberedEngine(INFO, None, gone)
    assert list(engine.sample([], Sampling(1.0, 1.0))) == list(engine.score([], Sampling(1.0, 1.0))) == []
