"""What vLLM is loaded with: its arguments, and the environment that it reads.

Belongs here: defaults, and what an entry may set. Does not belong here: what is done with vLLM
(:mod:`cot_assets.engines.vllm.engine`).
"""

from __future__ import annotations

import os
from typing import Any

from cot_assets.engines.base import EngineError
from cot_assets.engines.children import OWNER
from cot_assets.study import ModelEntry
from cot_assets.study.entries import near
from cot_assets.study.home import expanded
from cot_assets.study.scratch import scratch

#: Arguments that are decided elsewhere, or would change what is sampled without a trace in any table.
_RESERVED = {
    "model": "use `path`",
    "tokenizer": "the tokenizer is that of `path`",
    "tokenizer_revision": "use `revision`",
    "revision": "use `revision` of the entry",
    "dtype": "use `dtype` of the entry",
    "quantization": "use `quantization` of the entry",
    "seed": "seeds follow from the blocks",
    "enable_lora": "use engine_args.lora = \"FOLDER\"",
    "skip_tokenizer_init": "vLLM gets token ids only",
    "generation_config": "the protocol says how to sample",
    "override_generation_config": "the protocol says how to sample",
    "logits_processors": "they would change what is sampled",
    "watermark_config": "it would change what is sampled",
}  # fmt: skip
_DEFAULTS: dict[str, Any] = {
    "enable_prefix_caching": True,
    "disable_log_stats": True,
    "use_tqdm_on_load": False,
    "generation_config": "vllm",
    "skip_tokenizer_init": True,
    "max_logprobs": -1,  # audits ask for more than 20
}
#: The CPU build compiles for minutes otherwise; and its blocks of 128 tokens would cache no short prefix.
_CPU_DEFAULTS: dict[str, Any] = {"enforce_eager": True, "block_size": 32}
#: Read by vLLM when it is loaded. Children are spawned: forked ones would not run the guard of
#: :mod:`cot_assets.engines.children`, nor survive the threads of this process.
_ENVIRONMENT = {
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # stdout is for results
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}


def prepare_environment() -> None:
    """Set what vLLM reads from the environment when it is loaded; what a user has set stays."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if "VLLM_PLUGINS" in os.environ and "cot_assets" not in os.environ["VLLM_PLUGINS"].split(","):
        os.environ["VLLM_PLUGINS"] += ",cot_assets"
    os.environ.setdefault("VLLM_RPC_BASE_PATH", str(scratch()))  # where its sockets lie
    os.environ[OWNER] = str(os.getpid())


def arguments_of(entry: ModelEntry, known: set[str] | None = None, *, is_cpu: bool = False) -> dict[str, Any]:
    """Defaults with the entry's ``engine_args`` over them; ``known``: the names of vLLM's arguments, where it is loaded.

    Raises:
        EngineError: vLLM has no such argument, it is decided elsewhere, or names an adapter that is not there.
    """
    for name in entry.engine_args:
        if name in _RESERVED:
            raise EngineError(
                f"model {entry.name!r}: engine_args has {name!r}, which cannot be set there: "
                f"{_RESERVED[name]}"
            )
        if name.startswith("_") or (known is not None and name not in known | {"lora"}):
            raise EngineError(
                f"model {entry.name!r}: engine_args has {name!r}, no argument of vLLM"
                + near(name, known or ())
            )
    adapter = expanded(str(entry.engine_args.get("lora", "")))
    if adapter.is_absolute() and not (adapter / "adapter_config.json").is_file():
        raise EngineError(
            f"model {entry.name!r}: engine_args has lora = {str(adapter)!r}, which holds no adapter_config.json; name the "
            "folder of an adapter"
        )
    defaults = {**_DEFAULTS, **_CPU_DEFAULTS} if is_cpu else _DEFAULTS
    return {**defaults, **entry.engine_args}
