"""The folder that OpenVINO is given: the model's own, or one made of its weights once and kept in the data home.

Belongs here: what such a folder is made of, its name, that it is there whole or not at all. Does not belong here:
conversion by other libraries (:mod:`cot_assets.engines.weights.convert`), sampling.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import filelock

from cot_assets.engines.base import EngineError
from cot_assets.engines.hub import tokenizer_folder
from cot_assets.engines.revision import folder_revision
from cot_assets.engines.weights.gguf import read_gguf, write_tokenizer
from cot_assets.engines.weights.source import Source, find_source
from cot_assets.study import DataHome, ModelEntry

TO_CONVERT = "`uv sync --extra convert`, or `pip install 'cot-assets[convert]'`"
#: That weights are converted to, as an entry's ``quantization`` names them.
FORMATS = ("fp16", "int8", "int4")


def conversion(entry: ModelEntry, source: Source) -> tuple[str, str] | None:
    """Why weights must be converted, and to which format; None where OpenVINO takes them as they are.

    Raises :class:`EngineError` where the entry asks for a format that there is not.
    """
    if source.kind == "openvino":
        return None
    wanted, why = entry.quantization, "holds safetensors"
    if source.kind == "gguf":
        model = read_gguf(source.path)
        obstacle = model.obstacle
        if obstacle is None and wanted in (None, model.quantization):
            return None
        why = obstacle or f"holds {model.quantization} tensors, and quantization = {wanted!r}"
        wanted = None if wanted == model.quantization else wanted
    wanted = wanted or FORMATS[0]
    if wanted not in FORMATS:
        raise EngineError(
            f"model {entry.name!r}: {source.path.name} can be converted to {', '.join(FORMATS)}, not to "
            f"quantization = {wanted!r}; change that in models.toml"
        )
    return why, wanted


def prepared_folder(entry: ModelEntry, source: Source) -> Path:
    """A folder with OpenVINO's model and the tokenizer of ``source``.

    A GGUF file is read by OpenVINO itself, once. What OpenVINO cannot read must have been converted.

    Raises:
        EngineError: It must be converted first, or cannot be; the message says how.
    """
    if source.kind == "openvino":
        return source.path
    needed = conversion(entry, source)
    if needed is None:
        return whole(place_of(source), lambda folder: _from_gguf(entry, source, folder))
    why, form = needed
    place = place_of(source, form)
    if not place.is_dir():
        raise EngineError(
            f"model {entry.name!r}: {source.path} {why}; `cot-assets models convert {entry.name}` makes a folder of it "
            f"(needs the extra convert: {TO_CONVERT})"
        )
    return place


def model_folder(entry: ModelEntry) -> Path:
    """The folder that an engine takes tokenizer and template from, and the embedded one its weights.

    Of a served model the file that its server runs will do, too; where the entry names none, the server is asked.

    Raises:
        EngineError: There is none; the message says what is missing.
    """
    if entry.engine == "openai" and entry.path is None:
        from cot_assets.engines.openai.told import told_path

        entry = entry.model_copy(update={"path": told_path(entry)})
    place = entry.local_path
    if entry.engine == "openvino":
        source = find_source(entry)
        return prepared_folder(entry, source)
    if place is None or place.is_dir():
        return tokenizer_folder(entry)
    if entry.engine == "openai" and place.suffix == ".gguf":
        return whole(
            place_of(Source("gguf", place), "tokenizer"),
            lambda folder: write_tokenizer(place, folder),
        )
    raise EngineError(
        f"model {entry.name!r}: {entry.engine} takes a model's folder or hub name, not the file {place.name}; GGUF files run "
        'with engine = "openvino"'
    )


def place_of(source: Source, form: str = "") -> Path:
    """Where what is made of a source is kept, in a format where it was converted."""
    key = hashlib.sha256(json.dumps([folder_revision(source.path), form]).encode()).hexdigest()[:12]
    name = source.path.stem if source.kind == "gguf" else source.path.name
    return DataHome.from_environment().weights / "-".join(part for part in (name[:60], form, key) if part)


def whole(target: Path, make: Callable[[Path], None]) -> Path:
    """``target``, made by ``make`` under another name where it is not there yet, and renamed when it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(target.with_name(f".{target.name}.lock")):
        if not target.is_dir():
            fresh = target.with_name(f".{target.name}.part")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            try:
                make(fresh)
                fresh.rename(target)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return target


def _from_gguf(entry: ModelEntry, source: Source, folder: Path) -> None:
    """Have OpenVINO GenAI read a GGUF file and write what it made of it."""
    import openvino_genai as genai

    write_tokenizer(source.path, folder)
    link = folder / "model.gguf"  # the model is written next to the file
    link.symlink_to(source.path.resolve())
    scheduler = genai.SchedulerConfig()
    scheduler.num_kv_blocks = 1
    try:
        genai.ContinuousBatchingPipeline(link, scheduler, "CPU", {"enable_save_ov_model": True})
    except RuntimeError as error:
        raise EngineError(
            f"model {entry.name!r}: OpenVINO cannot read {source.path} ({str(error).strip().splitlines()[-1]}); "
            f"`cot-assets models convert {entry.name}` makes a folder of it (needs the extra convert)"
        ) from error
    link.unlink()
    if not (folder / "openvino_model.xml").is_file():
        raise EngineError(f"model {entry.name!r}: OpenVINO wrote no model of {source.path} to {folder}")
