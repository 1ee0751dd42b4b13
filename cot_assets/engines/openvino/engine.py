"""The embedded engine: OpenVINO GenAI's continuous batching with a paged KV cache.

Prefix caching is off: OpenVINO GenAI 2026.4.1 hands out blocks of other prefixes (measured: 4 to 7% of
blocks continue a prefix that is not theirs), and without it sampling is faster.

Belongs here: loading a folder into OpenVINO, turning blocks into requests, reading them back. Does not
belong here: tokenization (:mod:`cot_assets.engines.tokenizer`) and the order of blocks
(:mod:`cot_assets.sampling.plan`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import openvino_genai as genai
from numpy.typing import NDArray
from openvino import Tensor
from openvino_genai.py_openvino_genai import GenerationHandle

from cot_assets.engines.base import (
    Block,
    BlockResult,
    Completion,
    EngineError,
    EngineInfo,
    Sampling,
    TokenizedEngine,
    Working,
    Written,
)
from cot_assets.engines.openvino.plain import PlainModel
from cot_assets.engines.openvino.settings import last_line, properties, scheduler_of
from cot_assets.engines.openvino.sizing import (
    KV_BLOCK,
    MOST_MEMORY,
    Intake,
    Pace,
    find_pace,
    free_memory,
    keep_pace,
    kept_pace,
    kv_blocks,
    kv_bytes_per_token,
    pace_key,
)
from cot_assets.engines.revision import altering, canonical, declared
from cot_assets.engines.samples import filters_of, nothing_left
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.engines.weights.prepared import prepared_folder
from cot_assets.engines.weights.source import find_source
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import DataHome, ModelEntry

#: Measured on 2 CPU cores: 256/256 gives twice the tokens/s of larger steps for a small model. More
#: sequences than a step has room for would make a request wait in mid-generation.
_SCHEDULER = {"enable_prefix_caching": False, "max_num_batched_tokens": 256, "max_num_seqs": 256}
_SEED_BITS = 63
_TRIAL = 16  #: sequences of a request, tokens of a prompt and most steps that are timed of a trial
_TRIAL_SECONDS = 0.1  #: of work: steps of a small model are short, so more of them are timed
_HEARTBEAT = 1.0  #: seconds after which a caller hears how far unfinished blocks are


class OpenVINOEngine(TokenizedEngine[ModelTokenizer]):
    """One model in an OpenVINO GenAI pipeline; ``engine_args`` override the scheduler's settings."""

    def __init__(self, entry: ModelEntry) -> None:
        """Load the weights that ``entry.path`` names; raises :class:`EngineError` where that is impossible."""
        source = find_source(entry)
        folder = prepared_folder(entry, source)
        self._entry, self._folder = entry, folder
        self._plain: PlainModel | None = None
        self._growing = 0  #: bytes of a token in a KV cache that grows; 0 for one that has its size
        self._tokenizer = ModelTokenizer.of(entry, folder)
        self._revision = declared(entry, source.path)
        scheduler = self._scheduler(folder)
        dtype = entry.dtype or "f32"
        caching = {"enable_prefix_caching": scheduler.enable_prefix_caching, "kv_cache_precision": dtype}
        try:
            self._pipeline = genai.ContinuousBatchingPipeline(
                folder, scheduler, entry.device, properties(entry)
            )
        except RuntimeError as error:
            raise EngineError(
                f"model {entry.name!r}: OpenVINO cannot load {folder}: {last_line(error)}"
            ) from error
        self._request_ids = count()
        self._pace: Pace | None = None
        self._info = EngineInfo(
            engine="openvino",
            version=genai.__version__.split("-")[0],
            model_revision=self._revision,
            dtype=dtype,
            quantization=entry.quantization or source.quantization or "none",
            device=entry.device,
            settings=canonical({**caching, **altering(entry)}),
            tokenizer=self._tokenizer.revision,
            context=self._tokenizer.context,
        )

    def _scheduler(self, folder: Path) -> genai.SchedulerConfig:
        """The scheduler's settings: a KV cache for the model, and what the entry says."""
        entry = self._entry
        size = 4 if entry.dtype in (None, "f32") else 2
        per_token = kv_bytes_per_token(folder / "openvino_model.xml", size)
        if entry.engine_args.keys() & {"num_kv_blocks", "cache_size"}:
            scheduler = scheduler_of(entry, _SCHEDULER)
            gigabytes = scheduler.cache_size << 30
            self._kv_tokens = scheduler.num_kv_blocks * KV_BLOCK or gigabytes // max(1, per_token)
        else:
            free = free_memory()
            blocks = kv_blocks(per_token, self._tokenizer.context, free)
            if blocks is None:
                raise EngineError(
                    f"model {entry.name!r}: too little memory: {free / 1e9:.1f} GB are free, and a token's keys and "
                    f"values take {per_token / 1e6:.2f} MB; end other programs, or use smaller weights"
                )
            self._kv_tokens = blocks * KV_BLOCK
            # Without a number of blocks OpenVINO begins with a few, and adds a fifth where they are full. Of a fixed number
            # it takes each in turn, and with them all of their memory.
            self._growing = per_token if entry.device == "CPU" else 0
            self._most_bytes = free * MOST_MEMORY
            scheduler = scheduler_of(
                entry, _SCHEDULER if self._growing else {**_SCHEDULER, "num_kv_blocks": blocks}
            )
        self._most_sequences = min(scheduler.max_num_seqs, scheduler.max_num_batched_tokens)
        return scheduler

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

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult | Working]:
        """Sample every block; results come block by block as they finish."""
        waiting = iter(blocks)
        block = next(waiting, None)
        if block is None:
            return
        intake = Intake(self._known_pace(block, sampling), self._kv_tokens)
        running: list[tuple[Block, GenerationHandle]] = []
        ages: dict[str, int] = {}  # steps of each block in flight
        begun_at = said_at = time.monotonic()
        try:
            while running or block is not None:
                while block is not None and intake.admits([(b, ages[b.key]) for b, _ in running], block):
                    if self._info.room(len(block.token_ids), block.max_new_tokens):
                        running.append((block, self._begin(block, self._config(block, sampling))))
                        ages[block.key] = 0
                    else:
                        yield nothing_left(block)
                    block = next(waiting, None)
                if running:
                    self._pipeline.step()
                still: list[tuple[Block, GenerationHandle]] = []
                for begun, handle in running:
                    status = handle.get_status()
                    if status == genai.GenerationStatus.RUNNING:
                        still.append((begun, handle))
                        ages[begun.key] += 1
                    elif status == genai.GenerationStatus.FINISHED:
                        result = self._result(begun, handle, sampling.is_greedy)
                        intake.finished(begun, result.generated_tokens, time.monotonic() - begun_at)
                        yield result
                    else:
                        raise EngineError(
                            f"model {self._entry.name!r}: OpenVINO gave up a request ({status}); the KV cache "
                            "is too small: raise engine_args.cache_size (GB)"
                        )
                running = still
                if time.monotonic() - said_at >= _HEARTBEAT:
                    said_at = time.monotonic()
                    yield Working(self._tokens_of([(b, ages[b.key]) for b, _ in running]))
        finally:
            for _, handle in running:
                handle.cancel()
            while self._pipeline.has_non_finished_requests():
                self._pipeline.step()

    def _begin(self, block: Block, config: genai.GenerationConfig) -> GenerationHandle:
        ids = Tensor(np.array([block.token_ids], dtype=np.int64))
        return self._pipeline.add_request(next(self._request_ids), ids, config)

    def _tokens_of(self, running: Sequence[tuple[Block, int]]) -> int:
        """About how many tokens were generated for unfinished blocks, given with their steps.

        The pipeline tells of no sequence before all of its block have ended. One token per step and sequence, were none
        to end early; what fills the KV cache besides prefixes says how many did, up to a cache block per sequence.
        """
        most = int(self._used()) - sum(len(b.token_ids) for b, _ in running)
        least = most - KV_BLOCK * sum(b.n for b, _ in running)
        return max(0, least, min(most, sum(b.n * steps for b, steps in running)))

    def _used(self) -> float:
        """Tokens that the KV cache holds; raises :class:`EngineError` where it has grown to what the machine cannot hold."""
        metrics = self._pipeline.get_metrics()
        if self._growing and metrics.cache_size_in_bytes > self._most_bytes:
            raise EngineError(
                f"model {self._entry.name!r}: too little memory: keys and values of what is in flight take "
                f"{metrics.cache_size_in_bytes / 1e9:.1f} GB; end other programs, or lower max_tokens in protocols.toml"
            )
        tokens = metrics.cache_size_in_bytes / self._growing if self._growing else self._kv_tokens
        return metrics.cache_usage / 100 * tokens

    def _known_pace(self, block: Block, sampling: Sampling) -> Pace:
        """The pace that was found for this model on this machine, now or earlier."""
        if self._pace is None:
            home, info = DataHome.from_environment(), self._info
            file = home.cache / "paces.json"
            key = pace_key(self._revision, info.version, info.quantization, info.dtype, info.device)
            self._pace = kept_pace(file, key)
            if self._pace is None:
                self._pace = find_pace(
                    lambda sequences: self._speed(block.token_ids[-_TRIAL:], sequences, sampling),
                    min(self._most_sequences, self._kv_tokens // (4 * KV_BLOCK)),
                )
                if home.root.is_dir():
                    keep_pace(file, key, self._pace)
        return self._pace

    def _speed(self, prompt: tuple[int, ...], sequences: int, sampling: Sampling) -> tuple[float, float]:
        """Tokens of a number of sequences per second of work and per second, by the median of a few steps."""
        trial = Block("trial", prompt, _TRIAL, 8, sequences)
        config = self._config(trial, sampling)
        config.do_sample, config.num_return_sequences, config.ignore_eos = True, _TRIAL, True
        # Beside other programs a step takes several times as long on the clock, but hardly more of a CPU.
        work = time.process_time if self._entry.device == "CPU" else time.perf_counter
        took: list[NDArray[np.float64]] = []
        begun = work()
        while not took or work() - begun < _TRIAL_SECONDS:
            handles = [self._begin(trial, config) for _ in range(0, sequences, _TRIAL)]
            times = [(work(), time.perf_counter())]
            while self._pipeline.has_non_finished_requests():
                self._pipeline.step()
                times.append((work(), time.perf_counter()))
            for handle in handles:
                handle.read_all()
            took += list(np.diff(times, axis=0)[-6:-1])  # the first steps read prompts
        worked, passed = np.median(took, axis=0)
        return sequences / float(worked), sequences / float(passed)

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

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        """Evidence on each block by plain inference, see :mod:`cot_assets.engines.openvino.plain`."""
        if self._plain is None:
            self._plain = PlainModel(self._folder, self._entry.device, self._tokenizer.eos_token_ids)
        # Activations of 8 bits round as coarsely as numbers of 16 bits do.
        dtype = "int8" if self._plain.has_integer_weights else self._info.dtype
        return self._plain.evidence(written, sampling, filters_of(sampling, dtype, is_nucleus_first=True))

    def close(self) -> None:
        """Drop the pipeline and its KV cache."""
        self._plain = None
        self.__dict__.pop("_pipeline", None)
