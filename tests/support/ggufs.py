"""Small GGUF files, written as llama.cpp's converters write them: what a model of two layers needs.

Belongs here: files with sound metadata, a byte-level vocabulary and random weights of a type. Does not belong here:
real models.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, TokenType, quantize
from tokenizers import pre_tokenizers

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["Ġ t", "h e", "Ġt he", "1 2", "Ġ Ġ"]
_LAYERS, _WIDTH, _HEADS, _HIDDEN = 2, 64, 2, 64


def write_gguf(file: Path, tensors: str = "Q8_0", *, architecture: str = "llama", **fields: Any) -> Path:
    """Write a file whose matrices are of the type ``tensors``; ``fields`` replace metadata, None leaves them out."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = [*SPECIAL, *alphabet, *(merge.replace(" ", "") for merge in MERGES)]
    vocabulary += [f"[PAD{i}]" for i in range(len(vocabulary), 288)]
    known = {
        "name": "tiny", "context": 256, "model": "gpt2", "pre": "smollm", "template": TEMPLATE, "eos": 2, "bos": 1,
        **fields,
    }  # fmt: skip
    writer = GGUFWriter(file, architecture)
    writer.add_name(known["name"])
    for add, value in (
        (writer.add_context_length, known["context"]), (writer.add_embedding_length, _WIDTH),
        (writer.add_block_count, _LAYERS), (writer.add_feed_forward_length, _HIDDEN),
        (writer.add_head_count, _HEADS), (writer.add_head_count_kv, 1), (writer.add_layer_norm_rms_eps, 1e-5),
        (writer.add_rope_freq_base, 10000.0), (writer.add_rope_dimension_count, _WIDTH // _HEADS),
        (writer.add_vocab_size, len(vocabulary)), (writer.add_file_type, 7), (writer.add_tokenizer_model, known["model"]),
        (writer.add_tokenizer_pre, known["pre"]), (writer.add_chat_template, known["template"]),
        (writer.add_eos_token_id, known["eos"]), (writer.add_bos_token_id, known["bos"]),
    ):  # fmt: skip
        if value is not None:
            add(value)
    writer.add_token_list(vocabulary)
    kinds = [TokenType.CONTROL] * len(SPECIAL) + [TokenType.NORMAL] * (len(alphabet) + len(MERGES))
    writer.add_token_types([*kinds, *[TokenType.UNUSED] * (len(vocabulary) - len(kinds))])
    writer.add_token_merges(MERGES)
    _add_tensors(writer, tensors, len(vocabulary))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tensors(writer: GGUFWriter, kind: str, n_vocabulary: int) -> None:
    draw, size = np.random.default_rng(7), _WIDTH // _HEADS
    shapes = {
        "attn_q": (_WIDTH, _WIDTH), "attn_k": (size, _WIDTH), "attn_v": (size, _WIDTH), "attn_output": (_WIDTH, _WIDTH),
        "ffn_gate": (_HIDDEN, _WIDTH), "ffn_up": (_HIDDEN, _WIDTH), "ffn_down": (_WIDTH, _HIDDEN),
    }  # fmt: skip
    matrices = {"token_embd": (n_vocabulary, _WIDTH)}
    matrices |= {f"blk.{i}.{name}": shape for i in range(_LAYERS) for name, shape in shapes.items()}
    quantization = GGMLQuantizationType[kind]
    for name, shape in matrices.items():
        values = quantize(draw.normal(0, 0.3, shape).astype(np.float32), quantization)
        writer.add_tensor(f"{name}.weight", values, raw_dtype=quantization)
    for name in ("output_norm", *(f"blk.{i}.{n}_norm" for i in range(_LAYERS) for n in ("attn", "ffn"))):
        writer.add_tensor(f"{name}.weight", np.ones(_WIDTH, np.float32))
