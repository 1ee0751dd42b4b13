"""The revision of a model: what its completions depend on, as a short name.

Belongs here: hashing what a folder's predictions depend on, revisions that are declared. Does not belong
here: finding the folder (:mod:`cot_assets.engines.hub`) and asking a server.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cot_assets.engines.base import EngineError
from cot_assets.study import ModelEntry
from cot_assets.study.home import expanded

#: Weights and the graph that uses them, what ends a completion, and what makes a prompt of a statement.
_PATTERNS = (
    "*.safetensors",
    "pytorch_model*.bin",
    "openvino_model.*",
    "*.gguf",
    "config.json",
    "adapter_config.json",
    "quant*_config.json",
    "*.py",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "chat_template.jinja",
)
#: Arguments of vLLM that change probabilities and are in no other field of a registry entry.
ALTERING = ("lora", "kv_cache_dtype", "hf_overrides")
#: Arguments that move work in time or between devices and change no probability. Every other one is part of a
#: block's identity, known to change any or not.
THROUGHPUT = {
    "openvino": frozenset(
        {"max_num_batched_tokens", "max_num_seqs", "cache_size", "num_kv_blocks", "dynamic_split_fuse"}
    ),
    "vllm": frozenset(
        {
            "async_scheduling", "block_size", "cpu_offload_gb", "data_parallel_size", "disable_log_stats",
            "distributed_executor_backend", "download_dir", "enable_chunked_prefill", "enforce_eager",
            "gpu_memory_utilization", "kv_cache_memory_bytes", "max_logprobs", "max_model_len",
            "max_num_batched_tokens", "max_num_seqs", "max_parallel_loading_workers", "num_gpu_blocks_override",
            "pipeline_parallel_size", "swap_space", "tensor_parallel_size", "use_tqdm_on_load",
        }
    ),
}  # fmt: skip


def altering(entry: ModelEntry) -> dict[str, Any]:
    """The engine arguments of an entry that may change a probability."""
    known = THROUGHPUT.get(entry.engine)
    return {} if known is None else {n: v for n, v in entry.engine_args.items() if n not in known}


def canonical(settings: Mapping[str, Any]) -> str:
    """Settings as JSON that is the same for the same settings; empty for none."""
    return json.dumps(dict(settings), sort_keys=True, default=str) if settings else ""


def _digest(path: Path) -> bytes:
    status = path.stat()
    return _digest_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest_of(path: Path, _size: int, _changed: int) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def folder_revision(folder: Path) -> str:
    """First 12 hex digits of a SHA-256 over names and contents of what changes completions.

    Of a GGUF file, which holds all of that itself, over its contents. Raises :class:`EngineError` for a folder without
    weights. Large files are hashed once per process.
    """
    if folder.is_file():
        return _digest(folder).hex()[:12]
    files = sorted({file for pattern in _PATTERNS for file in folder.glob(pattern)})
    if not any(file.suffix in (".safetensors", ".bin", ".gguf") for file in files):
        raise EngineError(f"{folder} holds no model weights; check `path` in models.toml")
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.name.encode() + b"\0" + _digest(file))
    return whole.hexdigest()[:12]


def altered(entry: ModelEntry, revision: str) -> str:
    """``revision`` with a mark for engine arguments that change probabilities, a LoRA adapter among them.

    The adapter counts with its contents, where it is a folder here.
    """
    found = {name: entry.engine_args[name] for name in ALTERING if name in entry.engine_args}
    if entry.engine != "vllm" or not found:
        return revision
    adapter = expanded(str(found.get("lora", "")))
    contents = folder_revision(adapter) if "lora" in found and adapter.is_dir() else None
    mark = hashlib.sha256(json.dumps([found, contents], sort_keys=True, default=str).encode()).hexdigest()
    return f"{revision}+{mark[:6]}"


def declared(entry: ModelEntry, folder: Path | None) -> str:
    """The declared revision of an entry, with the hash of its folder where it has one: a name alone proves nothing.

    Raises :class:`EngineError` for a folder without weights.
    """
    found = None if folder is None else folder_revision(folder)
    return "-".join(part for part in (entry.revision, found) if part)


def entry_revision(entry: ModelEntry) -> str:
    """The declared revision and the hash of a local folder's weights and tokenizer, else ``unverified``.

    Nothing is downloaded or asked for: a hub name and a served model are ``unverified`` until they are
    loaded. A folder without weights, such as a checkpoint that is being written, is so too: only loading
    it is an error.
    """
    folder = None if entry.engine == "openai" else entry.local_path
    try:
        found = declared(entry, folder)
    except EngineError:
        found = entry.revision
    return altered(entry, found) if found else "unverified"
