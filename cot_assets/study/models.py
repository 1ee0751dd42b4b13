"""Entries of ``models.toml``: what to load, how to prompt it, where to evaluate it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from cot_assets.study.entries import Entry, is_secret
from cot_assets.study.home import expanded

PACKAGE = "package:"  #: how a path begins that lies inside this package


class RayActors(Entry):
    """Actors of a Ray cluster that share a model's blocks, each with an engine of its own."""

    actors: int = Field(1, ge=1, le=1000)
    """how many"""
    cpus: float = Field(1, ge=0)
    """CPUs that Ray keeps for each"""
    gpus: float | None = Field(None, ge=0)
    """GPUs for each; else as many as engine_args spread a model over"""
    address: str | None = None
    """host:port of the cluster's head; else RAY_ADDRESS, else a cluster of this machine alone is started"""
    wait: float = Field(300, gt=0)
    """seconds that a run waits for room on the cluster"""


class ModelEntry(Entry):
    """One model of the registry: what to load, how to prompt it, where to evaluate it."""

    name: str
    engine: Literal["openvino", "vllm", "openai", "imported"]
    """what writes; imported: others published what it wrote, and an import brought it in"""
    path: str | None = None
    """folder, hub name, or package:<path inside cot_assets>; of a served model: its tokenizer, else that of the model which the server says it has loaded"""
    endpoint: str | tuple[str, ...] | None = None
    """base URL of an OpenAI-compatible server, or of several that serve the same model"""
    served_name: str | None = None
    """the model's id at the endpoint; needed where several are served"""
    revision: str | None = None
    """declared revision; else found from the weights"""
    template: str = "chat"
    """'chat' = the tokenizer's chat template, else text with {statement}"""
    template_args: Mapping[str, Any] = Field(default_factory=dict)
    """passed to the chat template, e.g. enable_thinking"""
    add_bos: bool = False
    """put the tokenizer's BOS before a text template"""
    dtype: str | None = None
    """precision in which an engine computes; none: f32 for OpenVINO, what the weights have for vLLM"""
    quantization: str | None = None
    """of vLLM; the weight format that safetensors are converted to (fp16, int8, int4)"""
    device: str = "CPU"
    """where OpenVINO computes: CPU or GPU"""
    problem_sets: tuple[str, ...] = ()
    """sets that automation evaluates it on"""
    reads_only: bool = False
    """only reads on from other models' traces: none of its own, and no curves of them"""
    checkpoints: str | None = None
    """folder whose subfolders and GGUF files become models once they are complete"""
    marker: str | None = None
    """file that says that a checkpoint is complete; else its weights and their sizes do"""
    discover: bool = False
    """take every id that the endpoint serves for a model"""
    series: str | None = None
    """name that the checkpoints of one training share"""
    step: int | None = Field(None, ge=0)
    """step of training after which a checkpoint was written"""
    api_key_variable: str | None = None
    """environment variable that holds the API key"""
    engine_args: Mapping[str, Any] = Field(default_factory=dict)
    """passed to the engine"""
    ray: RayActors | None = None
    """sample by actors of a Ray cluster, each with this engine"""

    @field_validator("endpoint")
    @classmethod
    def _no_secret_in(cls, endpoint: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        """The endpoint is stored in the table ``models`` and shown."""
        several = (endpoint,) if isinstance(endpoint, str) else endpoint or ()
        for url in several:
            parts = _parts(url)
            if parts is None:
                raise ValueError("an endpoint is a URL such as http://localhost:8000/v1")
            if parts.username or parts.password or parts.query or parts.fragment:
                raise ValueError(
                    "an endpoint holds no user, password or query; put a key into the environment variable that "
                    "api_key_variable names"
                )
        if len({url.rstrip("/").removesuffix("/v1") for url in several}) < len(several):
            raise ValueError("an endpoint is twice in the list")
        return endpoint

    @field_validator("api_key_variable")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        """A key in its place would be shown where the variable is missing."""
        is_usual = re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", name or "")
        is_name = is_usual or (
            re.fullmatch(r"[A-Za-z_]\w{0,63}", name or "", re.ASCII) and not is_secret(name or "")
        )
        if name is not None and not is_name:
            raise ValueError(
                "this is the name of an environment variable that holds the key, not the key itself"
            )
        return name

    @model_validator(mode="after")
    def _consistent(self) -> ModelEntry:
        if self.checkpoints and self.engine not in ("openvino", "vllm"):
            raise ValueError(f"checkpoints are read by engine 'openvino' or 'vllm', not {self.engine!r}")
        if self.checkpoints and self.path:
            raise ValueError("an entry has a path or checkpoints, not both")
        if self.ray and self.engine not in ("openvino", "vllm"):
            raise ValueError(f"actors of Ray hold engine 'openvino' or 'vllm', not {self.engine!r}")
        if self.discover and self.engine != "openai":
            raise ValueError("discover asks an endpoint: it goes with engine 'openai'")
        if self.engine in ("openvino", "vllm") and not (self.path or self.checkpoints):
            raise ValueError(f"engine {self.engine!r} needs a path")
        if self.engine == "openai" and not self.endpoint:
            raise ValueError("engine 'openai' needs an endpoint")
        if self.template != "chat" and "{statement}" not in self.template:
            raise ValueError("a text template must contain {statement}")
        return self

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The base URLs of its servers."""
        return (self.endpoint,) if isinstance(self.endpoint, str) else self.endpoint or ()

    @property
    def gpus_per_actor(self) -> float:
        """GPUs that an actor of Ray gets: those that ``ray`` names, else as many as its engine spreads the model over."""
        if self.ray is not None and self.ray.gpus is not None:
            return self.ray.gpus
        spread = ("tensor_parallel_size", "pipeline_parallel_size") if self.engine == "vllm" else ()
        return math.prod(int(self.engine_args.get(name, 1)) for name in spread) if spread else 0

    @property
    def is_source(self) -> bool:
        """Whether it is not a model itself, but says where models are found."""
        return self.discover or self.checkpoints is not None

    @property
    def is_imported(self) -> bool:
        """Whether the rollouts were published by others and can never be sampled."""
        return self.engine == "imported"

    @property
    def local_path(self) -> Path | None:
        """The folder that ``path`` names, where it names one on this machine."""
        if self.path is None:
            return None
        if self.path.startswith(PACKAGE):
            return Path(__file__).parents[1] / self.path.removeprefix(PACKAGE)
        path = expanded(self.path)
        return path if path.is_absolute() and path.exists() else None


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL that a server can be asked at, None where it is none."""
    try:
        parts = urlsplit(url)
        is_host = bool((parts.hostname or "").encode("idna").decode("idna"))
        is_asked = is_host and parts.port != 0 and parts.scheme in ("http", "https")
    except ValueError:  # of a port, an address in brackets, a name with an empty part
        return None
    return parts if is_asked and url.isprintable() and " " not in url else None
