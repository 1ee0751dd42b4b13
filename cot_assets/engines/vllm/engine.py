"""vLLM in process: for machines with GPUs; the same code runs on vLLM's CPU build.

Belongs here: loading a model into vLLM's engine, turning blocks into requests, reading them back. Does not
belong here: tokenization (:mod:`cot_assets.engines.tokenizer`), the order of blocks
(:mod:`cot_assets.sampling.plan`), and vLLM as a server (:mod:`cot_assets.engines.openai.engine`).
"""

# vLLM is an extra that is not installed where types are checked; and a checker takes this file for it.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import dataclasses
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cot_assets.engines.base import (
    Block,
    BlockResult,
    Completion,
    EngineDiedError,
    EngineError,
    EngineInfo,
    Sampling,
    TokenizedEngine,
    Written,
)
from cot_assets.engines.revision import altered, altering, canonical, declared
from cot_assets.engines.samples import completion_of, filters_of, nothing_left, sample_seed
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.engines.vllm.arguments import arguments_of, prepare_environment
from cot_assets.engines.vllm.death import cause_of_death, first_line, wake_when_dead
from cot_assets.engines.vllm.scores import scores
from cot_assets.engines.weights.prepared import model_folder
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import ModelEntry
from cot_assets.study.home import expanded

_LOWEST_TEMPERATURE, _HIGHEST_TEMPERATURE = 0.01, 2.0  #: vLLM would silently raise a lower one


@dataclass(slots=True)
class _Running:
    """A block and what has come back of it, by sample."""

    block: Block
    n_requests: int
    completions: dict[int, Completion] = field(default_factory=dict)
    cached_tokens: int | None = None
    generated_tokens: int = 0


class VLLMEngine(TokenizedEngine[ModelTokenizer]):
    """One model in a vLLM engine; ``engine_args`` of the entry are vLLM's own arguments."""

    def __init__(self, entry: ModelEntry) -> None:
        """Load ``entry.path``; raises :class:`EngineError` where vLLM or the model cannot be loaded."""
        self._entry, self._request_ids = entry, count()
        folder = model_folder(entry)
        self._tokenizer = ModelTokenizer.of(entry, folder)
        self._eos = frozenset(self._tokenizer.eos_token_ids)
        is_local = folder == entry.local_path
        # The hub's is the commit.
        found = declared(entry, folder) if is_local else entry.revision or folder.name[:12]
        self._revision = altered(entry, found)
        prepare_environment()
        try:
            import vllm
            from vllm.engine.arg_utils import EngineArgs
            from vllm.lora.request import LoRARequest
            from vllm.platforms import current_platform
            from vllm.v1.engine.llm_engine import LLMEngine
        except ImportError as error:
            raise EngineError(
                f"model {entry.name!r}: vLLM cannot be imported ({error}); on Linux with a GPU: "
                "`uv sync --extra vllm`"
            ) from error
        #: Per-request seeds crash the CPU build where a prompt is computed in parts.
        self._has_seeds = not current_platform.is_cpu()
        arguments = arguments_of(
            entry, {f.name for f in dataclasses.fields(EngineArgs)}, is_cpu=not self._has_seeds
        )
        lora = arguments.pop("lora", None)
        self._lora = None if lora is None else LoRARequest("adapter", 1, str(expanded(lora)))
        try:
            self._engine = LLMEngine.from_engine_args(
                EngineArgs(
                    model=str(folder) if is_local else str(entry.path),
                    revision=None if is_local else folder.name,
                    dtype=entry.dtype or "auto",
                    quantization=entry.quantization,
                    # Without seeds per request the engine draws all samples from one generator. A fixed
                    # seed would then repeat in a later run what was drawn in an earlier one.
                    seed=0 if self._has_seeds else secrets.randbits(31),
                    enable_lora=lora is not None,
                    **arguments,
                )
            )
        except Exception as error:  # of every kind, from a wrong value to a GPU without memory
            raise EngineError(
                f"model {entry.name!r}: vLLM cannot load {entry.path!r}: {first_line(error)}; the lines that "
                "vLLM wrote above tell more; check path, dtype, quantization and engine_args in models.toml"
            ) from error
        wake_when_dead(self._engine.engine_core)
        config = self._engine.vllm_config
        # Enough to fill the engine's batch with other blocks while the last samples of some are drawn.
        self._in_flight = max(8, 2 * config.scheduler_config.max_num_seqs // 16)
        n_devices = config.parallel_config.world_size
        name = "CPU" if current_platform.is_cpu() else current_platform.get_device_name()
        is_invariant = os.environ.get("VLLM_BATCH_INVARIANT", "0") not in ("", "0")
        self._info = EngineInfo(
            engine="vllm",
            version=vllm.__version__,
            model_revision=self._revision,
            dtype=str(config.model_config.dtype).removeprefix("torch."),
            quantization=config.model_config.quantization or "none",
            device=name if n_devices == 1 else f"{n_devices} x {name}",
            # Seeds fix the draws; what else is in the batch still moves the probabilities a little.
            is_reproducible=self._has_seeds and is_invariant,
            is_seeded=self._has_seeds,
            settings=canonical(altering(entry)),
            tokenizer=self._tokenizer.revision,
            context=config.model_config.max_model_len,
        )

    def _add(self, block: Block, sampling: Sampling) -> dict[str, tuple[_Running, int]]:
        """Hand a block over: a request per sample, each with a seed of its own; by request id.

        vLLM makes the same requests of one with n samples, but tells of the last one only how much of the
        prompt was cached, and numbers their seeds.
        """
        from vllm import SamplingParams
        from vllm.inputs.engine import tokens_input
        from vllm.sampling_params import RequestOutputKind

        # Greedy completions are all the same: one is enough.
        running = _Running(block, 1 if sampling.is_greedy else block.n)
        added: dict[str, tuple[_Running, int]] = {}
        for index in range(running.n_requests):
            params = SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=sampling.top_k,
                min_p=sampling.min_p,
                seed=sample_seed(block, index) if self._has_seeds else None,
                max_tokens=self._info.room(len(block.token_ids), block.max_new_tokens),
                stop_token_ids=list(self._tokenizer.eos_token_ids),
                ignore_eos=True,  # what ends a completion is said by stop_token_ids alone
                detokenize=False,
                output_kind=RequestOutputKind.FINAL_ONLY,
            )
            name = str(next(self._request_ids))
            prompt = tokens_input(list(block.token_ids))
            self._engine.add_request(name, prompt, params, lora_request=self._lora)
            added[name] = running, index
        return added

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        """Sample every block; results come block by block as they finish."""
        if 0 < sampling.temperature < _LOWEST_TEMPERATURE or sampling.temperature > _HIGHEST_TEMPERATURE:
            raise EngineError(
                f"model {self._entry.name!r}: vLLM samples at temperature 0 or {_LOWEST_TEMPERATURE} to "
                f"{_HIGHEST_TEMPERATURE}, not {sampling.temperature}; change it in protocols.toml"
            )
        waiting = iter(blocks)
        requests: dict[str, tuple[_Running, int]] = {}
        n_running = 0
        try:
            while True:
                while n_running < self._in_flight and (block := next(waiting, None)) is not None:
                    if not self._info.room(len(block.token_ids), block.max_new_tokens):
                        yield nothing_left(block)
                        continue
                    with self._told_of_death():
                        requests.update(self._add(block, sampling))
                    n_running += 1
                if not requests:
                    return
                with self._told_of_death():
                    outputs = self._engine.step()
                for output in outputs:
                    running, index = requests.pop(output.request_id)
                    self._take(running, index, output)
                    if len(running.completions) == running.n_requests:
                        n_running -= 1
                        yield self._result(running)
        finally:
            if requests:
                self._cancel(list(requests))

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        """Evidence on each block by reading it again, see :mod:`cot_assets.engines.vllm.scores`."""
        with self._told_of_death():
            yield from scores(
                self._engine,
                written,
                sampling,
                filters_of(sampling, self._info.dtype, is_nucleus_first=False),
                eos=self._tokenizer.eos_token_ids,
                context=self._info.context,
                lora=self._lora,
            )

    @contextmanager
    def _told_of_death(self) -> Iterator[None]:
        """Any error that a dead engine makes vLLM raise becomes one that says so."""
        try:
            yield
        except Exception as error:
            if (how := cause_of_death(self._engine.engine_core, error)) is None:
                raise
            raise EngineDiedError(
                f"model {self._entry.name!r}: vLLM's engine died while it sampled: {how}. Where memory was the "
                "reason, lower engine_args.gpu_memory_utilization or max_num_seqs in models.toml. What was "
                "sampled is kept: start the run again"
            ) from error

    def _take(self, running: _Running, index: int, output: Any) -> None:
        """Keep the finished sample ``index`` of a block."""
        (found,) = output.outputs
        running.completions[index] = completion_of(found.token_ids, found.finish_reason, self._eos)
        running.generated_tokens += len(found.token_ids)
        cached = output.num_cached_tokens
        # The first of a block's requests finds what other blocks left; the rest find the first.
        if cached is not None and (running.cached_tokens is None or cached < running.cached_tokens):
            running.cached_tokens = cached

    @staticmethod
    def _result(running: _Running) -> BlockResult:
        block, found = running.block, running.completions
        completions = tuple(found[i % running.n_requests] for i in range(block.n))
        return BlockResult(
            block, completions, len(block.token_ids), running.cached_tokens, running.generated_tokens
        )

    def _cancel(self, names: list[str]) -> None:
        try:
            self._engine.abort_request(names)
        except Exception as error:
            if cause_of_death(self._engine.engine_core, error) is None:
                raise  # else nothing runs any more

    def close(self) -> None:
        """End vLLM's processes, and free the device with them."""
        engine = self.__dict__.pop("_engine", None)
        if engine is not None:
            engine.engine_core.shutdown()
