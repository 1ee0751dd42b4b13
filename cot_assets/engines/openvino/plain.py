"""OpenVINO's plain inference of a model's IR: what audits completions of the embedded engine.

It shares the weights with OpenVINO GenAI's pipeline and nothing else: no paged attention, scheduler, cache of
prefixes or sampler. A completion is read whole behind its prefix, which is read once per block from an empty state, in
f32. Weights of 8 or 4 bits are multiplied with activations of 8 bits, as they are in the pipeline: that is the model that was sampled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from cot_assets.engines.base import CannotScoreError, Completion, Sampling, Written
from cot_assets.engines.samples import told_apart
from cot_assets.statistics.copies import of_block
from cot_assets.statistics.laws import laws_of_logits
from cot_assets.statistics.surprise import NO_EVIDENCE, Evidence, Filters, evidence

_EXACT = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}
_WITHOUT_INTEGERS = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
_INTEGERS = re.compile(r'<data element_type="[iu][48]"[^>]*\bsize="(\d+)"')
_LEAST_INTEGERS = 1 << 12  #: bytes of a constant that is weights, not an index or a flag
_LOGITS = 1 << 26  #: most logits of one inference: 256 MB
#: Bytes of weights up to which tokens are read faster than attention looks back at them: behind a state OpenVINO
#: attends to one token after the other.
_SMALL = 1 << 25
_INPUTS = {"input_ids", "attention_mask", "position_ids", "beam_idx"}


def has_integer_weights(folder: Path) -> bool:
    """Whether weights of a folder's IR have 8 or 4 bits."""
    text = (folder / "openvino_model.xml").read_text(encoding="utf-8")
    return any(int(size) >= _LEAST_INTEGERS for size in _INTEGERS.findall(text))


class PlainModel:
    """The IR of a folder, compiled for one forward pass at a time."""

    def __init__(self, folder: Path, device: str, eos_token_ids: Sequence[int]) -> None:
        """Compile; raises :class:`CannotScoreError` where the IR is not that of a plain text model."""
        self.has_integer_weights = has_integer_weights(folder)
        settings = _EXACT if self.has_integer_weights else {**_EXACT, **_WITHOUT_INTEGERS}
        try:
            compiled = ov.Core().compile_model(folder / "openvino_model.xml", device, settings)
        except RuntimeError as error:
            raise CannotScoreError(
                f"OpenVINO cannot compile {folder} for plain inference: {error}"
            ) from error
        self._inputs = {port.get_any_name() for port in compiled.inputs}
        if self._inputs - _INPUTS or "input_ids" not in self._inputs:
            raise CannotScoreError(
                f"{folder}: the model takes {sorted(self._inputs - _INPUTS)}, which no text is made of"
            )
        self._vocabulary = max(1, compiled.outputs[0].get_partial_shape()[2].get_max_length())
        self._request, self._eos = compiled.create_infer_request(), list(eos_token_ids)
        self._is_shared = (
            "beam_idx" in self._inputs and (folder / "openvino_model.bin").stat().st_size > _SMALL
        )

    def evidence(
        self, written: Iterable[Written], sampling: Sampling, filters: Filters
    ) -> Iterator[Evidence]:
        """Evidence on each block; equal completions of a block are computed once."""
        kept = told_apart(sampling)
        for block, completions in written:
            counts = Counter(completions)
            found = dict.fromkeys(counts, NO_EVIDENCE)
            for completion, begin, rows in self._rows(block.token_ids, list(counts)):
                tokens = list(completion.token_ids[begin : begin + len(rows)])
                if completion.finish_reason == "stop" and len(tokens) < len(rows):
                    # its end, by the likeliest of the tokens that end a text
                    tokens.append(max(self._eos, key=lambda token: float(rows[len(tokens), token])))
                laws = laws_of_logits(rows[: len(tokens)], tokens, sampling.temperature, kept)
                found[completion] += evidence(laws, filters, begin)
            yield of_block((found[completion], n) for completion, n in counts.items())

    def _rows(
        self, prefix: Sequence[int], completions: Sequence[Completion]
    ) -> Iterator[tuple[Completion, int, NDArray[np.float32]]]:
        """Each completion, a place in it and the logits from there on; short ones go together, a long one in parts.

        What comes before that token is read once for all.
        """
        n_before = len(prefix) - 1 if self._is_shared else 0
        rest, state = prefix[n_before:], self._read(prefix[:n_before])
        ordered = sorted(completions, key=lambda c: len(c.token_ids))
        start = 0
        while start < len(ordered):
            end = start + 1
            while end < len(ordered) and self._fits(end + 1 - start, len(rest) + len(ordered[end].token_ids)):
                end += 1
            batch = ordered[start:end]
            width = len(rest) + max(len(c.token_ids) for c in batch)
            ids = np.zeros((len(batch), width), np.int64)  # padded behind: a causal model does not look there
            for line, completion in zip(ids, batch, strict=True):
                line[: len(rest) + len(completion.token_ids)] = [*rest, *completion.token_ids]
            self._request.reset_state()
            for variable, values in zip(self._request.query_state(), state, strict=False):
                variable.state = ov.Tensor(values)
            begin = 0
            for logits in self._infer(ids, len(rest) - 1, n_before):
                yield from ((completion, begin, rows) for completion, rows in zip(batch, logits, strict=True))
                begin += logits.shape[1]
            start = end

    def _fits(self, rows: int, width: int) -> bool:
        return rows * width * self._vocabulary <= _LOGITS

    def _read(self, tokens: Sequence[int]) -> list[NDArray[Any]]:
        """The state after some tokens: keys and values, of one row; empty for none."""
        if not tokens:
            return []
        self._request.reset_state()
        for _ in self._infer(np.array([tokens], np.int64), len(tokens)):
            pass
        return [np.array(variable.state.data) for variable in self._request.query_state()]

    def _infer(self, ids: NDArray[np.int64], first: int, n_before: int = 0) -> Iterator[NDArray[np.float32]]:
        """Logits of every place from ``first`` on, behind a state of ``n_before`` tokens and one row.

        A text that is too long for one pass goes through in parts, of which one is in memory at a time: what is yielded
        holds until the next one.
        """
        rows, width = ids.shape
        size = max(1, _LOGITS // self._vocabulary // rows)
        for begin in range(0, width, size):
            end = min(width, begin + size)
            is_spread = n_before and not begin  # every row goes on from the one of the state
            given: dict[str, Any] = {
                "input_ids": ids[:, begin:end],
                "attention_mask": np.ones((rows, n_before + end), np.int64),
                "position_ids": np.tile(np.arange(n_before + begin, n_before + end), (rows, 1)),
                "beam_idx": np.zeros(rows, np.int32) if is_spread else np.arange(rows, dtype=np.int32),
            }
            inputs = {name: given[name] for name in self._inputs}
            logits = self._request.infer(inputs, share_outputs=True)[0]
            yield logits[:, max(0, first - begin) :]
