"""What a GGUF file says of its model, and its tokenizer as the files that a model folder has.

Belongs here: reading metadata and types of tensors with the ``gguf`` package, and the parts of ``tokenizers`` that
the named kind of tokenizer is made of. Does not belong here: the weights, which OpenVINO reads itself.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from cot_assets.engines.base import EngineError
from cot_assets.study import DataHome
from cot_assets.study.files import write_json

#: What the reader of OpenVINO GenAI 2026.4 takes; it gives up at any other.
READABLE_TENSORS = frozenset({"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q4_K", "Q6_K", "Q8_0"})
READABLE_MODELS = frozenset({"llama", "qwen2", "qwen3"})
#: Tokens that end a turn or a text, besides those that the metadata name: as llama.cpp knows them, by name.
_ENDS = frozenset(
    {"<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "</s>"}
)  # fmt: skip
_CONTROL, _USER_DEFINED = 3, 4  #: types of tokens that are never made by merging
_LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
#: How a text is split before merging, by ``tokenizer.ggml.pre``: a pattern, digits one by one, or GPT-2's own.
_SPLITS = {
    "llama-bpe": _LLAMA3, "llama3": _LLAMA3, "llama-v3": _LLAMA3,
    "qwen2": _QWEN2, "deepseek-r1-qwen": _QWEN2,
    "smollm": "digits", "starcoder": "digits", "refact": "digits", "command-r": "digits",
    "gpt-2": "", "gpt2": "",
}  # fmt: skip


@dataclass(frozen=True)
class GGUFModel:
    """What a file says of itself; ``tensors`` counts them by type, ``context`` is None where it does not say."""

    file: Path
    architecture: str
    context: int | None
    tensors: Mapping[str, int]

    @property
    def quantization(self) -> str:
        """The type of most of its tensors that are not in full precision, else of most."""
        common = [name for name, _ in Counter(self.tensors).most_common()]
        return next((name for name in common if name != "F32"), "F32")

    @property
    def obstacle(self) -> str | None:
        """Why OpenVINO cannot read it, None where it can."""
        if self.architecture not in READABLE_MODELS:
            return f"is of the architecture {self.architecture!r}, which OpenVINO's GGUF reader does not know"
        if others := sorted(set(self.tensors) - READABLE_TENSORS):
            return f"holds {' and '.join(others)} tensors, which OpenVINO's reader does not take"
        return None


def read_gguf(file: Path) -> GGUFModel:
    """What a file says of its model; raises :class:`EngineError` where it is not a sound GGUF file.

    Remembered in the data home: to read a large vocabulary takes some seconds.
    """
    home, status = DataHome.from_environment(), file.stat()
    place = json.dumps([str(file.resolve()), status.st_size, status.st_mtime_ns])
    known = home.cache / "gguf" / f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.json"
    try:
        return GGUFModel(file, **json.loads(known.read_text()))
    except (OSError, TypeError, ValueError):
        model, _ = _read(file, status.st_size, status.st_mtime_ns)
    if home.root.is_dir():
        said = {"architecture": model.architecture, "context": model.context, "tensors": dict(model.tensors)}
        write_json(known, said)
    return model


def read_fields(file: Path) -> Mapping[str, Any]:
    """All metadata of a file by name."""
    status = file.stat()
    return _read(file, status.st_size, status.st_mtime_ns)[1]


@lru_cache(maxsize=4)
def _read(file: Path, _size: int, _changed: int) -> tuple[GGUFModel, Mapping[str, Any]]:
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
        fields = {name: value.contents() for name, value in reader.fields.items()}
        tensors = Counter(tensor.tensor_type.name for tensor in reader.tensors)
    except Exception as error:  # a damaged file brings about errors of any kind
        said = f"{type(error).__name__}: {error}"[:200]
        raise EngineError(f"{file} is not a sound GGUF file ({said}); copy or download it again") from error
    architecture = str(fields.get("general.architecture", "unknown"))
    context = fields.get(f"{architecture}.context_length")
    known = context if isinstance(context, int) and context > 0 else None
    return GGUFModel(file, architecture, known, tensors), fields


def write_tokenizer(file: Path, folder: Path) -> None:
    """Write tokenizer, chat template, ends and context of a GGUF file as a model folder has them.

    Raises :class:`EngineError` for a kind of tokenizer that is not known here.
    """
    fields = read_fields(file)
    tokens: list[str] = fields.get("tokenizer.ggml.tokens") or []
    tokenizer = _tokenizer(file, fields, tokens)
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {
        f"{name}_token": tokens[number]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
        if isinstance(number := fields.get(f"tokenizer.ggml.{key}_token_id"), int) and number < len(tokens)
    }
    template = fields.get("tokenizer.chat_template")
    chat = {"chat_template": template} if isinstance(template, str) and template.strip() else {}
    _write(folder / "tokenizer_config.json", {**named, **chat})
    _write(folder / "generation_config.json", {"eos_token_id": ends_of(file)})
    model = read_gguf(file)
    sizes = {"vocab_size": len(tokens), "max_position_embeddings": model.context}
    _write(folder / "config.json", {"model_type": model.architecture, **sizes})


def ends_of(file: Path) -> list[int]:
    """Ids that end a completion, the file's own EOS first; raises :class:`EngineError` where there are none."""
    fields = read_fields(file)
    tokens: list[str] = fields.get("tokenizer.ggml.tokens") or []
    named = [fields.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot", "eom")]
    types = fields.get("tokenizer.ggml.token_type") or []
    known = [i for i, kind in enumerate(types) if kind == _CONTROL and tokens[i] in _ENDS]
    ends = list(dict.fromkeys(i for i in [*named, *known] if isinstance(i, int)))
    if not ends:
        raise EngineError(f"{file} names no token that ends a text; use a file with its EOS in the metadata")
    return ends


def _tokenizer(file: Path, fields: Mapping[str, Any], tokens: list[str]) -> Tokenizer:
    kind, pre = (str(fields.get(f"tokenizer.ggml.{name}")) for name in ("model", "pre"))
    if kind != "gpt2" or pre not in _SPLITS:
        raise EngineError(
            f"{file} has a tokenizer of the kind {kind!r}, {pre!r}, which is not known here (known: gpt2 with "
            f"{', '.join(_SPLITS)}); use the model's folder with its tokenizer.json instead"
        )
    merges = [tuple(merge.split(" ", 1)) for merge in fields.get("tokenizer.ggml.merges") or []]
    split = _SPLITS[pre]
    tokenizer = Tokenizer(
        models.BPE({token: i for i, token in enumerate(tokens)}, merges, ignore_merges=split is _LLAMA3)
    )
    if split is _QWEN2:
        tokenizer.normalizer = normalizers.NFC()
    if split == "digits":
        first: Any = pre_tokenizers.Digits(individual_digits=True)
    else:
        first = pre_tokenizers.Split(Regex(split), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split in ("", "digits"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([first, level]) if split else level
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    types = fields.get("tokenizer.ggml.token_type") or []
    whole = [
        (token, kind) for token, kind in zip(tokens, types, strict=False) if kind in (_CONTROL, _USER_DEFINED)
    ]
    tokenizer.add_special_tokens(
        [AddedToken(t, normalized=False, special=True) for t, k in whole if k == _CONTROL]
    )
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t, k in whole if k == _USER_DEFINED])
    return tokenizer


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1), encoding="utf-8")
