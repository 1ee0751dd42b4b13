"""What a GGUF file says of its model, and its tokenizer as the files that a model folder has.

Belongs here: reading metadata and types of tensors with the ``gguf`` package, and the parts of ``tokenizers`` that
the named kind of tokenizer is made of. Does not belong here: the weights, which OpenVINO reads itself.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from cot_assets.engines.base import EngineError

#: What the reader of OpenVINO GenAI 2026.4 takes; it gives up at any other.
READABLE_TENSORS = frozenset({"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q4_K", "Q6_K", "Q8_0"})
READABLE_MODELS = frozenset({"llama", "qwen2", "qwen3"})
#: Tokens that end a turn or a text, beside those that the metadata name: as llama.cpp knows them, by name.
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
    """What a file says of itself; ``fields`` are its metadata, ``tensors`` counts them by type."""

    file: Path
    fields: dict[str, Any] = field(repr=False)
    tensors: Counter[str]

    @property
    def architecture(self) -> str:
        """The family of the model, such as ``llama``."""
        return str(self.fields.get("general.architecture", "unknown"))

    @property
    def context(self) -> int | None:
        """Tokens that the model was made for, None where the file does not say."""
        value = self.fields.get(f"{self.architecture}.context_length")
        return value if isinstance(value, int) and value > 0 else None

    @property
    def quantization(self) -> str:
        """The type of most of its tensors that are not in full precision, else of most."""
        common = [name for name, _ in self.tensors.most_common()]
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
    """Metadata and types of tensors; raises :class:`EngineError` where it is no sound GGUF file.

    A file is read once per process: a large vocabulary takes some seconds.
    """
    status = file.stat()
    return _read(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(file: Path, _size: int, _changed: int) -> GGUFModel:
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
        fields = {name: value.contents() for name, value in reader.fields.items()}
        return GGUFModel(file, fields, Counter(tensor.tensor_type.name for tensor in reader.tensors))
    except Exception as error:  # whatever a damaged file brings about
        said = f"{type(error).__name__}: {error}"[:200]
        raise EngineError(f"{file} is no sound GGUF file ({said}); copy or download it again") from error


def write_tokenizer(model: GGUFModel, folder: Path) -> None:
    """Write tokenizer, chat template, ends and context of a GGUF file as a model folder has them.

    Raises :class:`EngineError` for a kind of tokenizer that is not known here.
    """
    fields = model.fields
    tokens: list[str] = fields.get("tokenizer.ggml.tokens") or []
    tokenizer = _tokenizer(model, tokens)
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {
        f"{name}_token": tokens[number]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
        if isinstance(number := fields.get(f"tokenizer.ggml.{key}_token_id"), int) and number < len(tokens)
    }
    template = fields.get("tokenizer.chat_template")
    chat = {"chat_template": template} if isinstance(template, str) and template.strip() else {}
    _write(folder / "tokenizer_config.json", {**named, **chat})
    _write(folder / "generation_config.json", {"eos_token_id": _ends(model, tokens)})
    config = {
        "model_type": model.architecture,
        "vocab_size": len(tokens),
        "max_position_embeddings": model.context,
    }
    _write(folder / "config.json", config)


def _ends(model: GGUFModel, tokens: list[str]) -> list[int]:
    """Ids that end a completion, the file's own EOS first."""
    named = [model.fields.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot", "eom")]
    types = model.fields.get("tokenizer.ggml.token_type") or []
    known = [i for i, kind in enumerate(types) if kind == _CONTROL and tokens[i] in _ENDS]
    ends = list(dict.fromkeys(i for i in [*named, *known] if isinstance(i, int)))
    if not ends:
        raise EngineError(
            f"{model.file} names no token that ends a text; use a file with its EOS in the metadata"
        )
    return ends


def _tokenizer(model: GGUFModel, tokens: list[str]) -> Tokenizer:
    kind, pre = (model.fields.get(f"tokenizer.ggml.{name}") for name in ("model", "pre"))
    if kind != "gpt2" or pre not in _SPLITS:
        raise EngineError(
            f"{model.file} has a tokenizer of the kind {kind!r}, {pre!r}, which is not known here (known: gpt2 with "
            f"{', '.join(_SPLITS)}); use the model's folder with its tokenizer.json instead"
        )
    merges = [tuple(merge.split(" ", 1)) for merge in model.fields.get("tokenizer.ggml.merges") or []]
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
    types = model.fields.get("tokenizer.ggml.token_type") or []
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
