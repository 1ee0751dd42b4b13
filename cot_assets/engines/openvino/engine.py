"""The embedded engine: OpenVINO GenAI's continuous batching with a paged KV cache.

Prefix caching is off: OpenVINO GenAI 2026.4.1 hands out blocks of other prefixes (measured: 4 to 7% of
blocks continue a prefix that is not theirs), and without it sampling is faster.

Belongs here: loading an OpenVINO folder, turning blocks into requests, reading them back. Does not
belong here: tokenization (:mod:`cot_assets.engines.tokenizer`) and the order of blocks
(:mod:`cot_assets.sampling.plan`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import numpy as np
import openvino_genai as genai
from openvino import Tensor
from openvino_genai.py_openvino_genai import GenerationHandle

from cot_assets.engines.base import (
    Block,
    BlockResult,
    Completion,
    Encoding,
    EngineError,
    EngineInfo,
    Sampling,
)
from cot_assets.engines.openvino.plain import PlainModel
from cot_assets.engines.revision import altering, canonical, declared
from cot_assets.engines.samples import filters_of, nothing_left
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import ModelEntry

#: Measured on 2 CPU cores: 256/256 gives twice the tokens/s of larger steps for a small model. More
#: sequences than a step has room for would make a request wait in mid-generation.
_SCHEDULER = {"max_num_batched_tokens": 256, "max_num_seqs": 256, "cache_size": 1}
_IN_FLIGHT = 20  #: requests handed over at a time: one step holds 16 blocks, so it never runs dry
_SEED_BITS = 63


class OpenVINOEngine:
    """One model in an OpenVINO GenAI pipeline; ``engine_args`` override the scheduler's settings."""

    def __init__(self, entry: ModelEntry) -> None:
        """Load ``entry.local_path``; raises :class:`EngineError` where that is no OpenVINO folder."""
        folder = entry.local_path
        if folder is None or not (folder / "openvino_model.xml").exists():
            raise EngineError(
                f"model {entry.name!r}: {entry.path!r} is no folder with openvino_model.xml; "
                "convert it with `optimum-cli export openvino --model PATH FOLDER`"
            )
        self._entry, self._folder = entry, folder
        self._plain: PlainModel | None = None
        self._tokenizer = ModelTokenizer(
            folder, entry.template, add_bos=entry.add_bos, template_args=entry.template_args
        )
        self._revision = declared(entry, folder)
        scheduler = genai.SchedulerConfig()
        scheduler.enable_prefix_caching = False
        for name, value in {**_SCHEDULER, **entry.engine_args}.items():
            if name.startswith("_") or not hasattr(scheduler, name) or callable(getattr(scheduler, name)):
                raise EngineError(
                    f"model {entry.name!r}: engine_args has {name!r}, no OpenVINO scheduler setting"
                )
            try:
                setattr(scheduler, name, value)
            except TypeError as error:
                raise EngineError(
                    f"model {entry.name!r}: engine_args has {name} = {value!r}; "
                    f"a value like {getattr(scheduler, name)!r} is needed"
                ) from error
        # The KV cache in the number format of the weights: 8-bit caching would change probabilities.
        properties = {
            "INFERENCE_PRECISION_HINT": entry.dtype or "f32",
            "KV_CACHE_PRECISION": entry.dtype or "f32",
        }
        settings = {
            "enable_prefix_caching": scheduler.enable_prefix_caching,
            "kv_cache_precision": properties["KV_CACHE_PRECISION"],
            **altering(entry),
        }
        try:
            self._pipeline = genai.ContinuousBatchingPipeline(folder, scheduler, entry.device, properties)
        except RuntimeError as error:
            raise EngineError(f"model {entry.name!r}: OpenVINO cannot load {folder}: {error}") from error
        self._request_ids = count()
        self._info = EngineInfo(
            engine="openvino",
            version=genai.__version__.split("-")[0],
            model_revision=self._revision,
            dtype=entry.dtype or "f32",
            quantization=entry.quantization or "none",
            device=entry.device,
            settings=canonical(settings),
            tokenizer=self._tokenizer.revision,
            context=self._tokenizer.context,
        )

    def describe(self) -> EngineInfo:
        """Name, version, number format and revision."""
        return self._info

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        """Token ids of the prompt around a statement."""
        return self._tokenizer.render_prompt(statement)

    def encode(self, text: str) -> Encoding:
        """Token ids of a text that goes on from another, with character offsets."""
        return self._tokenizer.encode_after(text)

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of token ids."""
        return self._tokenizer.decode(token_ids)

    def _config(self, block: Block, sampling: Sampling) -> genai.GenerationConfig:
        config = genai.GenerationConfig()
        config.do_sample = not sampling.is_greedy
        if config.do_sample:
            config.temperature, config.top_p = sampling.temperature, sampling.top_p
            config.min_p = sampling.min_p
            if sampling.top_k:
                config.top_k = sampling.top_k
            config.num_return_sequences = block.n  # greedy completions are all the same: one is enough
        config.rng_seed = block.seed % (1 << _SEED_BITS)
        config.max_new_tokens = self._info.room(len(block.token_ids), block.max_new_tokens)
        config.stop_token_ids = set(self._tokenizer.eos_token_ids)
        config.eos_token_id = self._tokenizer.eos_token_ids[0]
        return config

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        """Sample every block; results come block by block as they finish."""
        waiting = iter(blocks)
        running: list[tuple[Block, GenerationHandle]] = []
        try:
            while True:
                while len(running) < _IN_FLIGHT and (block := next(waiting, None)) is not None:
                    if not self._info.room(len(block.token_ids), block.max_new_tokens):
                        yield nothing_left(block)
                        continue
                    ids = Tensor(np.array([block.token_ids], dtype=np.int64))
                    config = self._config(block, sampling)
                    running.append((block, self._pipeline.add_request(next(self._request_ids), ids, config)))
                if not running:
                    return
                self._pipeline.step()
                still: list[tuple[Block, GenerationHandle]] = []
                for block, handle in running:
                    status = handle.get_status()
                    if status == genai.GenerationStatus.RUNNING:
                        still.append((block, handle))
                    elif status == genai.GenerationStatus.FINISHED:
                        yield self._result(block, handle, sampling.is_greedy)
                    else:
                        raise EngineError(
                            f"model {self._entry.name!r}: OpenVINO gave up a request ({status}); the KV cache "
                            "is too small: raise engine_args.cache_size (GB)"
                        )
                running = still
        finally:
            for _, handle in running:
                handle.cancel()
            while self._pipeline.has_non_finished_requests():
                self._pipeline.step()

    def _result(self, block: Block, handle: GenerationHandle, is_greedy: bool) -> BlockResult:
        eos = set(self._tokenizer.eos_token_ids)
        completions: list[Completion] = []
        generated = 0
        for output in handle.read_all():
            ids = list(output.generated_ids)
            generated += len(ids)
            stopped = output.finish_reason == genai.GenerationFinishReason.STOP
            if ids and ids[-1] in eos:
                ids.pop()
            completions.append(Completion(tuple(ids), "stop" if stopped else "length"))
        if is_greedy:
            completions *= block.n
        # They come sorted by likelihood: without a shuffle a sample index would tell how good a rollout is.
        random.Random(block.seed).shuffle(completions)  # noqa: S311 - not for secrets
        if len(completions) != block.n:
            raise EngineError(f"block {block.key}: {len(completions)} completions came back, not {block.n}")
        return BlockResult(block, tuple(completions), len(block.token_ids), None, generated)

    def score(
        self, written: Iterable[tuple[Block, Sequence[Completion]]], sampling: Sampling
    ) -> Iterator[Evidence]:
        """Evidence on each block by plain inference, see :mod:`cot_assets.engines.openvino.plain`."""
        if self._plain is None:
            self._plain = PlainModel(self._folder, self._entry.device, self._tokenizer.eos_token_ids)
        return self._plain.evidence(
            written, sampling, filters_of(sampling, self._info.dtype, is_nucleus_first=True)
        )

    def close(self) -> None:
        """Drop the pipeline and its KV cache."""
        self._plain = None
        self.__dict__.pop("_pipeline", None)
