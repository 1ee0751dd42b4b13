"""Train ``demo-strong`` or ``demo-weak`` from nothing: tokenizer, model, export as a Hugging Face folder.

Belongs here: tokenizer training, the training loop, saving. Does not belong here: the text itself
(:mod:`cot_assets.demo.corpus`), conversion for OpenVINO (:mod:`cot_assets.demo.export`) and the
figures in the model cards (``tests/benchmarks/demo_models.py``).

Needs torch, transformers, tokenizers, safetensors and numpy, nothing else::

    python -m cot_assets.demo.train strong --output build/demo-strong
    python -m cot_assets.demo.train weak --output build/demo-weak

On one busy CPU core the strong model saw 9 to 11 thousand tokens/s, the weak one 17 to 20 thousand.

A CUDA device is used where there is one. Progress is one line every 100 steps; the folder is written
again every 500 steps, so a run that is stopped leaves a usable, if younger, model; ``--resume`` goes on from it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from cot_assets.demo import corpus

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
#: A digit is alone; a blank goes with the word, sign or digit after it; a line break is alone.
_PIECES = r" ?\d| ?[A-Za-z]+| ?[^\sA-Za-z\d]|\n|\s+"


@dataclass(frozen=True)
class Recipe:
    """What distinguishes the two models; token counts exclude padding."""

    hidden: int
    layers: int
    heads: int
    tokens: int
    habits: corpus.Habits
    learning_rate: float = 3e-3
    batch: int = 64
    seed: int = 1


RECIPES = {
    "strong": Recipe(hidden=128, layers=4, heads=4, tokens=70_000_000, habits=corpus.STRONG),
    "weak": Recipe(
        hidden=96, layers=3, heads=4, tokens=20_000_000, habits=corpus.WEAK, learning_rate=5e-3, seed=2
    ),
}


def train_tokenizer(documents: int = 20_000, vocabulary: int = 400) -> Tokenizer:
    """Byte-level BPE with single digits; any text survives encoding and decoding unchanged."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = itertools.islice(corpus.documents(0, corpus.STRONG), documents)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def batches(
    tokenizer: Tokenizer, recipe: Recipe, seed: int, pool: int = 64
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Endless (ids, labels, tokens): int64 arrays of shape (batch, length), documents of like length.

    Every document starts at position 0, as it will when the model is sampled; padding has label -100.
    """
    rng = np.random.default_rng(seed)
    stream = corpus.documents(seed, recipe.habits)
    bos, eos, pad = (tokenizer.token_to_id(t) for t in (BOS, EOS, PAD))
    while True:
        texts = list(itertools.islice(stream, pool * recipe.batch))
        encoded = [[bos, *e.ids, eos] for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
        encoded.sort(key=len)
        for group in rng.permutation(pool):
            rows = encoded[group * recipe.batch : (group + 1) * recipe.batch]
            ids = np.full((len(rows), len(rows[-1])), pad, dtype=np.int64)
            labels = np.full_like(ids, -100)
            for i, row in enumerate(rows):
                ids[i, : len(row)] = labels[i, : len(row)] = row
            yield ids, labels, sum(map(len, rows))


def save(model: LlamaForCausalLM, tokenizer: Tokenizer, output: Path, facts: dict[str, object]) -> None:
    """Write the Hugging Face folder (safetensors, tokenizer, config) and ``training.json``."""
    output.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(output, safe_serialization=True)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS)
    fast.save_pretrained(output)
    (output / "training.json").write_text(json.dumps(facts, indent=2) + "\n")


def _begin(recipe: Recipe, resume: Path | None) -> tuple[LlamaForCausalLM, Tokenizer, int, int]:
    """Model, tokenizer, tokens seen and steps done: fresh, or those of a folder that was saved before."""
    if resume is not None:
        facts = json.loads((resume / "training.json").read_text())
        model = LlamaForCausalLM.from_pretrained(resume, dtype=torch.float32, attn_implementation="eager")
        tokenizer = Tokenizer.from_file(str(resume / "tokenizer.json"))
        return model, tokenizer, facts["tokens_seen"], facts["steps"]
    tokenizer = train_tokenizer()
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.hidden * 11 // 4,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        attn_implementation="eager",  # twice as fast as sdpa at this size, on CPUs with bf16
        bos_token_id=tokenizer.token_to_id(BOS),
        eos_token_id=tokenizer.token_to_id(EOS),
        pad_token_id=tokenizer.token_to_id(PAD),
    )
    return LlamaForCausalLM(config), tokenizer, 0, 0


def train(
    recipe: Recipe,
    output: Path,
    resume: Path | None = None,
    report_every: int = 100,
    save_every: int = 500,
) -> None:
    """Train to ``recipe.tokens`` tokens with AdamW, warm-up and cosine decay; bf16 autocast.

    From ``resume`` the schedule goes on where its folder stopped, on other documents and with a fresh
    optimizer.
    """
    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer, seen, step = _begin(recipe, resume)
    model = model.to(device)
    first_seen, first_step = seen, step
    parameters = sum(p.numel() for p in model.parameters())
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.95), weight_decay=0.05
    )
    started, losses = time.monotonic(), list[float]()

    def facts() -> dict[str, object]:
        return {
            "recipe": asdict(recipe),
            "parameters": parameters,
            "tokens_seen": seen,
            "resumed_at_tokens": first_seen,
            "steps": step,
            "loss": float(np.mean(losses[-100:])),
            "seconds": round(time.monotonic() - started),
            "device": device,
            "torch": torch.__version__,
        }

    model.train()
    for ids, labels, tokens in batches(tokenizer, recipe, recipe.seed + first_step):
        done = seen / recipe.tokens
        if done >= 1:
            break
        rate = min(1.0, (step - first_step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * rate
        with torch.autocast(device, dtype=torch.bfloat16):
            output_ = model(
                input_ids=torch.from_numpy(ids).to(device), labels=torch.from_numpy(labels).to(device)
            )
        output_.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seen, step = seen + tokens, step + 1
        losses.append(output_.loss.item())
        if step % report_every == 0:
            speed = (seen - first_seen) / (time.monotonic() - started)
            left = (recipe.tokens - seen) / speed / 60
            print(
                f"step {step}  {seen / 1e6:.1f}M of {recipe.tokens / 1e6:.0f}M tokens  "
                f"loss {np.mean(losses[-100:]):.4f}  {speed:,.0f} tokens/s  {left:.0f} min left",
                flush=True,
            )
        if step % save_every == 0:
            save(model, tokenizer, output, facts())
    save(model, tokenizer, output, facts())
    print(f"saved {output}", flush=True)


def main() -> None:
    """Command line entry; see the module docstring."""
    parser = argparse.ArgumentParser(description="Train one of the two demo models.")
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--tokens", type=int, help="tokens to see instead of the recipe's number")
    parser.add_argument("--learning-rate", type=float, help="peak rate instead of the recipe's")
    parser.add_argument("--resume", type=Path, help="folder of an unfinished training to go on from")
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.model]
    changed = {"tokens": arguments.tokens, "learning_rate": arguments.learning_rate}
    recipe = replace(recipe, **{name: value for name, value in changed.items() if value})
    train(recipe, arguments.output, arguments.resume)


if __name__ == "__main__":
    main()
