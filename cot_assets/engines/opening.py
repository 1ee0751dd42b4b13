"""From a registry entry to an engine.

Belongs here: choosing the engine's package, imported only when it is needed. Does not belong here: any
engine's own settings.
"""

from __future__ import annotations

from cot_assets.engines.base import Engine, EngineError
from cot_assets.engines.survey import require
from cot_assets.study import ModelEntry


class ImportedModelError(EngineError):
    """An imported model was asked to sample: its rollouts were published by others."""


def open_engine(entry: ModelEntry) -> Engine:
    """Load the model of ``entry``; raises :class:`EngineError` where that is impossible or something is missing."""
    require(entry)
    if entry.ray is not None:
        from cot_assets.engines.ray.engine import RayEngine

        return RayEngine(entry, entry.ray)
    if entry.engine == "openvino":
        from cot_assets.engines.openvino.engine import OpenVINOEngine

        return OpenVINOEngine(entry)
    if entry.engine == "vllm":
        from cot_assets.engines.vllm.engine import VLLMEngine

        return VLLMEngine(entry)
    if entry.engine == "openai":
        from cot_assets.engines.openai.engine import OpenAIEngine

        return OpenAIEngine(entry)
    raise ImportedModelError(
        f"model {entry.name!r} is imported: its rollouts were published by others and cannot be sampled; "
        "choose a model with an engine"
    )


def same_tokenizer(first: ModelEntry, second: ModelEntry | None) -> bool:
    """Whether two models' folders hold the same ``tokenizer.json``; False where that cannot be seen."""
    contents: list[bytes] = []
    for entry in (first, second):
        folder = None if entry is None else entry.local_path
        if folder is None or not (folder / "tokenizer.json").is_file():
            return False
        contents.append((folder / "tokenizer.json").read_bytes())
    return contents[0] == contents[1]
