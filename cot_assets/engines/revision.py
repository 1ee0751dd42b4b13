"""The revision of a model: what its completions depend on, as a short name.

Belongs here: hashing what a folder's predictions depend on, revisions that are declared. Does not belong
here: finding the folder (:mod:`cot_assets.engines.hub`) and asking a server.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from cot_assets.engines.base import EngineError
from cot_assets.study import ModelEntry

#: Weights and the graph that uses them, what ends a completion, and what makes a prompt of a statement.
_PATTERNS = (
    "*.safetensors",
    "pytorch_model*.bin",
    "openvino_model.*",
    "*.gguf",
    "config.json",
    "adapter_config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "chat_template.jinja",
)
#: Arguments of vLLM that change probabilities and stand in no other field of a registry entry.
ALTERING = ("lora", "kv_cache_dtype", "hf_overrides")


@lru_cache(maxsize=64)
def _digest(path: Path, _size: int, _changed: int) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def folder_revision(folder: Path) -> str:
    """First 12 hex digits of a SHA-256 over names and contents of whatever changes completions.

    Raises :class:`EngineError` for a folder without weights. Large files are hashed once per process.
    """
    files = sorted({file for pattern in _PATTERNS for file in folder.glob(pattern)})
    if not any(file.suffix in (".safetensors", ".bin", ".gguf") for file in files):
        raise EngineError(f"{folder} holds no model weights; check `path` in models.toml")
    whole = hashlib.sha256()
    for file in files:
        status = file.stat()
        whole.update(file.name.encode() + b"\0" + _digest(file, status.st_size, status.st_mtime_ns))
    return whole.hexdigest()[:12]


def altered(entry: ModelEntry, revision: str) -> str:
    """``revision`` with a mark for engine arguments that change probabilities, a LoRA adapter among them.

    The adapter counts with its contents, where it is a folder here.
    """
    found = {name: entry.engine_args[name] for name in ALTERING if name in entry.engine_args}
    if entry.engine != "vllm" or not found:
        return revision
    adapter = Path(str(found.get("lora", ""))).expanduser()
    contents = folder_revision(adapter) if "lora" in found and adapter.is_dir() else None
    mark = hashlib.sha256(json.dumps([found, contents], sort_keys=True, default=str).encode()).hexdigest()
    return f"{revision}+{mark[:6]}"


def entry_revision(entry: ModelEntry) -> str:
    """The declared revision, else a hash of a local folder's weights and tokenizer, else ``unverified``.

    Nothing is downloaded or asked for: a hub name and a served model are ``unverified`` until they are
    loaded. A folder without weights, such as a checkpoint that is being written, is so too: only loading
    it is an error.
    """
    folder = None if entry.engine == "openai" else entry.local_path
    try:
        if entry.revision:
            return altered(entry, entry.revision)
        if folder is not None and folder.is_dir():
            return altered(entry, folder_revision(folder))
    except EngineError:
        pass
    return "unverified"
