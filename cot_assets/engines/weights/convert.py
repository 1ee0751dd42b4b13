"""Conversion of weights that OpenVINO does not read itself: safetensors, and GGUF files of other types.

Belongs here: the steps, each in a process of its own whose result is there whole or not at all, so that a conversion
that was stopped goes on after the last whole step. Does not belong here: what must be converted
(:mod:`cot_assets.engines.weights.prepared`).

The libraries are the extra ``convert``: transformers dequantizes GGUF files, optimum-intel writes OpenVINO's form.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cot_assets.engines.base import EngineError
from cot_assets.engines.weights.gguf import ends_of
from cot_assets.engines.weights.prepared import TO_CONVERT, conversion, place_of, whole
from cot_assets.engines.weights.source import Source
from cot_assets.study import ModelEntry

_FORMAT_ARGUMENTS = {"int4": ["--group-size", "64", "--sym", "--ratio", "1.0"]}
_TAIL = 2000  #: characters of what a failed step said


def convert(entry: ModelEntry, source: Source, say: Callable[[str], None]) -> Path | None:
    """The folder with OpenVINO's form of a source, converted where it is not there; None where none is needed.

    Args:
        entry: Its ``quantization`` is the format of the weights: fp16, int8 or int4.
        source: The weights.
        say: Told what is done.

    Raises:
        EngineError: The extra is not installed, or a step fails; the message says how it ended.
    """
    needed = conversion(entry, source)
    if needed is None:
        return None
    _, form = needed
    target = place_of(source, form)
    if target.is_dir():
        return target
    for module in ("optimum.intel", "transformers"):
        try:
            is_there = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:  # a parent is missing
            is_there = False
        if not is_there:
            raise EngineError(f"model {entry.name!r}: conversion needs the extra convert: {TO_CONVERT}")
    folder = source.folder
    if source.kind == "gguf":
        say(f"{source.path.name}: dequantizing into safetensors")
        folder = whole(place_of(source, "safetensors"), lambda fresh: _dequantized(entry, source, fresh))
    say(f"{source.path.name}: writing OpenVINO's form with weights in {form}")
    return whole(target, lambda fresh: _exported(entry, folder, form, fresh))


def _dequantized(entry: ModelEntry, source: Source, folder: Path) -> None:
    _run(entry, [sys.executable, "-m", __name__, str(source.path), str(folder)])
    file = folder / "generation_config.json"  # which has one end, where chat models have several
    known = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps({**known, "eos_token_id": ends_of(source.path)}))


def _exported(entry: ModelEntry, folder: Path, form: str, fresh: Path) -> None:
    command = [sys.executable, "-m", "optimum.commands.optimum_cli", "export", "openvino"]
    # A path that does not begin with a dot is taken for a name on the hub.
    command += ["--model", f"./{folder.name}", "--task", "text-generation-with-past", "--weight-format", form]
    _run(entry, [*command, *_FORMAT_ARGUMENTS.get(form, ()), str(fresh.resolve())], folder.parent)
    if not (fresh / "openvino_model.xml").is_file():
        raise EngineError(
            f"model {entry.name!r}: optimum-intel wrote no openvino_model.xml; its words are above"
        )


def _run(entry: ModelEntry, command: list[str], folder: Path | None = None) -> None:
    """Run a step; its own bars and words go to standard error."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    code = subprocess.run(command, cwd=folder, env=environment, stdout=sys.stderr, check=False).returncode
    if code:
        how = (
            f"signal {-code}; a conversion takes twice the memory of the weights in 32 bits"
            if code < 0
            else code
        )
        raise EngineError(
            f"model {entry.name!r}: the conversion ended with {how}; the lines above say why. What is complete is kept: "
            f"`cot-assets models convert {entry.name}` goes on from there"
        )


def _dequantize(file: Path, folder: Path) -> None:
    """Write a GGUF file as safetensors of 16 bits, with its configuration and tokenizer."""
    import torch  # pyright: ignore[reportMissingImports]
    from transformers import AutoModelForCausalLM, AutoTokenizer  # pyright: ignore[reportMissingImports]

    where = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    AutoTokenizer.from_pretrained(**where).save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    model.half().save_pretrained(folder)


if __name__ == "__main__":
    _dequantize(Path(sys.argv[1]), Path(sys.argv[2]))
