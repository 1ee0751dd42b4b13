"""A model tried on one easy question: how fast it is, what it takes, and whether it is prompted as it should be.

Belongs here: opening a model, sampling a block, what the texts give away. Does not belong here: printing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from cot_assets.engines.base import Block, BlockResult, Engine, EngineError, Sampling
from cot_assets.engines.opening import open_engine
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.engines.weights.prepared import model_folder
from cot_assets.study import ModelEntry

QUESTION = "What is 12 + 30? Answer in one short sentence."
_N, _BUDGET = 4, 160
#: How the ends of turns are written; one in a completion's text was not taken for an end.
_MARKS = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|end|>",
    "<end_of_turn>",
    "</s>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|im_start|>",
)


@dataclass(frozen=True)
class Trial:
    """What a trial found; ``remarks`` are what looks wrong, with the way out."""

    identity: str
    load_seconds: float
    memory: int
    speed: str
    prompt: str
    completion: str
    ended: str
    remarks: tuple[str, ...]


def try_model(entry: ModelEntry) -> Trial:
    """Load a model and have it answer an easy question a few times.

    Raises:
        EngineError: It cannot be loaded or prompted.
    """
    started = time.monotonic()
    engine = open_engine(entry)
    try:
        loaded = time.monotonic() - started
        prompt = engine.render_prompt(QUESTION)
        _sampled(engine, prompt, 1, 4)  # so that what an engine does once does not count
        started = time.monotonic()
        result = _sampled(engine, prompt, _N, _BUDGET)
        seconds = time.monotonic() - started
        info = engine.describe()
        texts = [engine.decode(completion.token_ids) for completion in result.completions]
        first = result.completions[0]
        return Trial(
            f"{info.engine} {info.version}, revision {info.model_revision}, {info.dtype}, "
            f"{'' if info.quantization == 'none' else f'weights {info.quantization}, '}context {info.context or 'unknown'}",
            loaded,
            psutil.Process().memory_info().rss,
            f"{result.generated_tokens / seconds:,.0f} tokens/s, {_N} rollouts at a time; more at a time are faster",
            ModelTokenizer.of(entry, model_folder(entry)).decode(prompt, with_special=True),
            texts[0],
            f"{first.finish_reason} after {len(first.token_ids)} tokens",
            tuple(_remarks(entry, result, texts)),
        )
    finally:
        engine.close()


def _sampled(engine: Engine, prompt: tuple[int, ...], n: int, budget: int) -> BlockResult:
    block = Block(f"trial {n}", prompt, n, budget, time.time_ns() % (1 << 62))
    for result in engine.sample([block], Sampling(0.6, 0.95)):
        if isinstance(result, BlockResult):
            return result
    raise EngineError("the engine gave back nothing")


def _remarks(entry: ModelEntry, result: BlockResult, texts: list[str]) -> list[str]:
    found: list[str] = []
    if not any(completion.finish_reason == "stop" for completion in result.completions):
        found.append(
            f"none of {_N} answers ended within {_BUDGET} tokens: the end of a turn may be unknown (eos_token_id in "
            "generation_config.json), or this is a base model, which needs a text template that shows where to stop"
        )
    if marks := [mark for mark in _MARKS if any(mark in text for text in texts)]:
        found.append(
            f"completions hold {', '.join(marks)} as text: name it among eos_token_id in generation_config.json"
        )
    if not any(text.strip() for text in texts):
        found.append("every answer is empty: is the template that of another model?")
    if entry.template != "chat" and ModelTokenizer.of(entry, model_folder(entry)).has_chat_template:
        found.append(
            "it has a chat template, but `template` in models.toml is a text: a chat model may end at once or never"
        )
    return found
