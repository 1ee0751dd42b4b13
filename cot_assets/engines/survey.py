"""What an entry of the registry is, and what it lacks before it can be opened; nothing is loaded.

Belongs here: looking at files, the hub's cache and installed packages. Does not belong here: loading
(:mod:`cot_assets.engines.opening`).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from cot_assets.engines.base import EngineError
from cot_assets.engines.openvino.sizing import free_memory
from cot_assets.engines.revision import altering, entry_revision
from cot_assets.engines.vllm.arguments import arguments_of
from cot_assets.engines.weights.gguf import read_gguf
from cot_assets.engines.weights.prepared import conversion, model_folder, place_of
from cot_assets.engines.weights.source import Source, find_source, is_whole
from cot_assets.study import ModelEntry

_NAMES = {"openvino": "OpenVINO folder", "gguf": "GGUF", "safetensors": "safetensors"}


@dataclass(frozen=True)
class Survey:
    """What is known of an entry: ``kind`` of weights, their bytes, ``state``: there, or what is missing."""

    kind: str
    size: int | None
    revision: str
    state: str
    context: int | None


def survey(entry: ModelEntry) -> Survey:
    """What an entry is, without network and without loading it."""
    revision = entry_revision(entry)
    if entry.is_imported:
        return Survey("rollouts that others published", None, revision, "imported", None)
    if entry.engine == "openai":
        return Survey(f"served at {', '.join(entry.endpoints)}", None, revision, "at its server", None)
    try:
        source = find_source(entry, may_download=False)
    except EngineError:
        is_hub = entry.local_path is None and not (entry.path or "").startswith(("/", ".", "~", "package:"))
        return Survey("hub name" if is_hub else "path", None, revision, "not here", None)
    kind, state = _NAMES[source.kind], "there"
    try:
        if source.kind == "gguf":
            kind = f"GGUF {read_gguf(source.path).quantization}"
        if entry.engine == "openvino" and (needed := conversion(entry, source)):
            kind = f"{kind}, {needed[1]}"
            state = "converted" if place_of(source, needed[1]).is_dir() else "to be converted"
    except EngineError as error:
        state = str(error)
    if entry.ray is not None:
        kind = f"{kind}, in {entry.ray.actors} actors"
    return Survey(kind, source.size, revision, state, _context(source))


def _context(source: Source) -> int | None:
    from cot_assets.engines.tokenizer import stated_context  # with Jinja, which most questions do without

    try:
        return read_gguf(source.path).context if source.kind == "gguf" else stated_context(source.folder)
    except EngineError:
        return None


def require(entry: ModelEntry) -> None:
    """Return where nothing is known to be missing or wrong; small files of the hub may be fetched for that.

    Raises:
        EngineError: A package, weights, a conversion, memory, a setting, a prompt; the message names it and the way out.
    """
    if entry.is_imported:
        return
    if entry.ray is None:
        _require_here(entry)
    elif importlib.util.find_spec("ray") is None:
        raise EngineError(
            f"model {entry.name!r}: `ray` in models.toml needs the extra ray: `uv sync --extra ray`, or `pip install "
            "'cot-assets[ray]'`"
        )
    from cot_assets.engines.tokenizer import ModelTokenizer

    folder = model_folder(entry)
    is_vllms = entry.engine == "vllm" and folder == entry.local_path and not any(folder.glob("*.bin"))
    if (entry.engine == "openvino" or is_vllms) and not is_whole(folder):
        raise EngineError(
            f"model {entry.name!r}: of the weights in {folder} a file is missing or cut short; copy the model again"
        )
    ModelTokenizer.of(entry, folder).render_prompt("1 + 1 = ?")


def _require_here(entry: ModelEntry) -> None:
    """What this machine needs, where the engine is to run on it; packages and memory of a cluster's are its own affair."""
    if entry.engine == "openai":
        from cot_assets.engines.openai.connection import key_of, settings_of

        settings_of(entry)
        key_of(entry)
    elif entry.engine == "vllm":
        if importlib.util.find_spec("vllm") is None:
            raise EngineError(
                f"model {entry.name!r}: vLLM is not installed; on Linux with a GPU: `uv sync --extra vllm`, or `pip install "
                "'cot-assets[vllm]'`. A machine without one runs OpenVINO folders and GGUF files: engine = \"openvino\""
            )
        arguments_of(entry)
    else:
        size, free = find_source(entry).size, free_memory()
        if entry.device == "CPU" and size > free:
            raise EngineError(
                f"model {entry.name!r}: too little memory: its weights take {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are "
                "free; end other programs, or use smaller weights"
            )
        is_odd = altering(entry) or any(type(value) is not int for value in entry.engine_args.values())
        if is_odd or entry.dtype or entry.device != "CPU":  # OpenVINO takes a second to load
            from cot_assets.engines.openvino.settings import check_settings

            check_settings(entry)
