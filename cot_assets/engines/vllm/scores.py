"""What vLLM's own second pass says of completions: their tokens as a prompt, read with the prefix cache skipped."""

# vLLM is an extra that is not installed where types are checked.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from cot_assets.engines.base import Completion, Sampling, Written
from cot_assets.engines.samples import evidence_told, read_again, told_apart
from cot_assets.statistics.copies import of_block
from cot_assets.statistics.surprise import Evidence, Filters

_AT_ONCE = 8  #: blocks whose completions are read together


def scores(
    engine: Any,
    written: Iterable[Written],
    sampling: Sampling,
    filters: Filters,
    *,
    eos: Sequence[int],
    context: int | None,
    lora: Any,
) -> Iterator[Evidence]:
    """Evidence on each block, equal completions read once; ``engine`` is vLLM's LLMEngine."""
    from vllm import SamplingParams
    from vllm.inputs.engine import tokens_input
    from vllm.sampling_params import RequestOutputKind

    params = SamplingParams(
        max_tokens=1,
        temperature=0.0,
        prompt_logprobs=told_apart(sampling),
        skip_reading_prefix_cache=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )
    blocks = iter(written)
    while group := list(islice(blocks, _AT_ONCE)):
        found: list[list[tuple[Evidence, int]]] = [[] for _ in group]
        waiting: dict[str, tuple[int, int, Completion, int]] = {}
        for index, (block, completions) in enumerate(group):
            for number, (completion, n) in enumerate(Counter(completions).items()):
                ids = read_again(block.token_ids, completion, eos, context)
                name = f"score {index} {number}"
                engine.add_request(name, tokens_input(ids), params, lora_request=lora)
                waiting[name] = index, len(block.token_ids), completion, n
        try:
            while waiting:
                for output in engine.step():
                    index, begin, completion, n = waiting.pop(output.request_id)
                    told = [{i: p.logprob for i, p in row.items()} for row in output.prompt_logprobs[begin:]]
                    found[index].append((evidence_told(told, completion, eos, sampling, filters), n))
        finally:
            if waiting:
                engine.abort_request(list(waiting))
        yield from map(of_block, found)
