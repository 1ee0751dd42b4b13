"""Typed entries of ``models.toml``, ``problem_sets.toml`` and ``protocols.toml``.

Belongs here: the fields, their meaning, their validation, inheritance by ``extends``. Does not belong
here: anything that acts on an entry.

The three files of the package are read first; then those in the folder ``COT_ASSETS_CONFIG``, if set,
whose entries add to or replace those of the same name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

BLOCK_SIZE = 16  #: rollouts per block, the unit of sampling (all n are multiples of it)
RECORDED = "recorded:"  #: how the source of a problem set begins whose rollouts others published
CutPolicy = Literal["tokens", "lines", "sentences"]
#: What a reader is given in place of the writer's text, at equal length: the text of another problem, the
#: writer's wrong trace of the same problem, the reader's own trace of it.
Control = Literal["shuffled", "wrong", "own"]
CONTROLS: tuple[Control, ...] = get_args(Control)
ADAPTIVE = "adaptive"  #: the cut policy of what exploration found, together with the protocol's own cuts
#: Fields of a protocol that decide what is concluded, not what is sampled.
ANALYSIS = frozenset(
    {
        "insight_threshold",
        "tangent_threshold",
        "late_spike_threshold",
        "guess_threshold",
        "monotone_tolerance",
        "solved_threshold",
        "headline_fraction",
    }
)
#: Names become partition keys, folder names and SQL literals. No ``|`` (it joins partition dimensions).
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


T = TypeVar("T")
E = TypeVar("E", bound="_Entry")


class ConfigError(ValueError):
    """A configuration entry is missing or wrong; the message names file, entry, value and way out."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _tuple(value: object) -> object:
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


Fractions = Annotated[tuple[float, ...], BeforeValidator(_tuple)]
Controls = Annotated[tuple[Control, ...], BeforeValidator(_tuple)]


class Adaptive(_Entry):
    """How ``sampling = "adaptive"`` looks for events; see :mod:`cot_assets.measures.exploration.adaptive`."""

    resolution: CutPolicy = Field("sentences", description="the finest places that a trace may be cut at")
    first: int = Field(16, ge=BLOCK_SIZE, description="exploration rollouts at a new place")
    most: int = Field(64, ge=BLOCK_SIZE, description="most exploration rollouts at a place")
    plausible: float = Field(0.15, gt=0, lt=1, description="an event less probable than this is ruled out")
    likely: float = Field(
        0.6, gt=0, lt=1, description="from here on an interval is split without another look"
    )
    slack: float = Field(0.05, ge=0, lt=1, description="taken off thresholds for intervals that can be split")

    @model_validator(mode="after")
    def _consistent(self) -> Adaptive:
        for name, value in (("first", self.first), ("most", self.most)):
            if value % BLOCK_SIZE:
                raise ValueError(f"{name} = {value} is not a multiple of {BLOCK_SIZE}")
        if self.first > self.most or self.plausible > self.likely:
            raise ValueError("first must not exceed most, nor plausible likely")
        return self


class Protocol(_Entry):
    """The numbers of an experiment. ``protocol_hash`` of it stands beside everything that was sampled."""

    name: str
    n: int = Field(128, description="rollouts per prefix; a multiple of 16, or 1 where all are the same")
    max_tokens: int = Field(32768, ge=1, description="token budget of a whole CoT; a rollout gets the rest")
    temperature: float = Field(0.6, ge=0)
    top_p: float = Field(0.95, gt=0, le=1)
    top_k: int = Field(0, ge=0, le=1_000_000, description="only the so many likeliest tokens; 0 = off")
    min_p: float = Field(
        0.0, ge=0, lt=1, description="no token with less than this share of the likeliest one's; 0 = off"
    )
    cut_policy: CutPolicy = "tokens"
    max_cuts: int = Field(20, ge=1, description="most measured cuts per trace, cut 0 included")
    traces_per_problem: int = Field(4, ge=1)
    measured: Literal["first", "correct", "all"] = Field("first", description="which traces get a curve")
    measured_per_problem: int = Field(1, ge=1)
    insight_threshold: float = Field(0.40, gt=0, lt=1)
    tangent_threshold: float = Field(0.30, gt=0, lt=1)
    late_spike_threshold: float = Field(0.05, gt=0, lt=1)
    guess_threshold: float = Field(0.05, gt=0, lt=1)
    monotone_tolerance: float = Field(0.10, ge=0, lt=1)
    solved_threshold: float = Field(0.95, gt=0, le=1, description="V0 from which a problem needs no CoT")
    transfer_fractions: Fractions = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    control_fractions: Fractions = Field((0.2,), description="fractions at which the controls are sampled")
    controls: Controls = Field(CONTROLS, description="what is given in place of the writer's text there")
    headline_fraction: float = 0.2
    search_problems: int = Field(0, ge=0, description="problems searched for a better trace; 0 = none")
    search_candidates: int = Field(8, ge=1, description="candidate chunks per step of the search")
    search_chunk: int = Field(512, ge=1, description="tokens of a candidate chunk")
    search_n: int = Field(32, ge=BLOCK_SIZE, description="rollouts per candidate; a multiple of 16")
    search_fresh_n: int = Field(
        64, ge=BLOCK_SIZE, description="rollouts that estimate a chosen chunk again; a multiple of 16"
    )
    search_budget: int = Field(
        20_000_000, ge=1, description="generated tokens per problem from which no further chunk is sought"
    )
    sampling: Literal["fixed", "adaptive"] = Field(
        "fixed", description="adaptive: rollouts also where exploration finds that the potential changes"
    )
    #: Settings of the search; without meaning, and not in the hash, where sampling is fixed.
    adaptive: Adaptive = Adaptive.model_validate({})
    seed: int = 0

    @field_validator("n")
    @classmethod
    def _is_a_block(cls, n: int) -> int:
        if n != 1 and n < BLOCK_SIZE:
            raise ValueError(f"at least {BLOCK_SIZE}, or 1 where temperature = 0 makes all rollouts the same")
        return n

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        if self.is_greedy:
            self._check_greedy()
        for field in ("n", "search_n", "search_fresh_n"):
            if (value := getattr(self, field)) % BLOCK_SIZE and not (field == "n" and self.is_greedy):
                raise ValueError(f"{field} = {value} is not a multiple of {BLOCK_SIZE}")
        if any(not 0 <= f < 1 for f in (*self.transfer_fractions, *self.control_fractions)):
            raise ValueError("transfer fractions lie in [0, 1)")
        if self.adaptive.slack >= min(self.insight_threshold, self.tangent_threshold):
            raise ValueError(f"adaptive.slack = {self.adaptive.slack} reaches a threshold of events")
        if self.measured_per_problem > self.traces_per_problem:
            raise ValueError(
                f"measured_per_problem = {self.measured_per_problem} exceeds "
                f"traces_per_problem = {self.traces_per_problem}"
            )
        return self

    def _check_greedy(self) -> None:
        """Copies of one completion are no evidence: a greedy protocol asks for one of each."""
        once = {"n": 1, "traces_per_problem": 1, "search_problems": 0, "sampling": "fixed"}
        wrong = [f"{name} = {value!r}" for name, value in once.items() if getattr(self, name) != value]
        if wrong:
            raise ValueError(
                f"temperature = {self.temperature:g} with top_k = {self.top_k} writes the same completion every time; "
                f"set {', '.join(wrong)}, or a temperature above 0 (and top_k other than 1)"
            )

    @property
    def is_greedy(self) -> bool:
        """Whether all completions of a prefix are the same."""
        return self.temperature == 0 or self.top_k == 1

    @property
    def protocol_hash(self) -> str:
        """First 12 hex digits of a SHA-256 over every field but the name, and those not in use."""
        return _digest([self.sampling_hash, self.analysis_hash])

    @property
    def sampling_hash(self) -> str:
        """First 12 hex digits of a SHA-256 over what decides which completions are sampled, and how."""
        unused = {"sampling", "adaptive"} if self.sampling == "fixed" else set[str]()
        unused |= {name for name in ("top_k", "min_p") if not getattr(self, name)}
        # What exploration looks for are the events of the analysis.
        analysis = (
            ANALYSIS if self.sampling == "fixed" else ANALYSIS - {"insight_threshold", "tangent_threshold"}
        )
        return _digest(self.model_dump(mode="json", exclude={"name", *unused, *analysis}))

    @property
    def analysis_hash(self) -> str:
        """First 12 hex digits of a SHA-256 over what decides which conclusions are drawn from them."""
        return _digest(self.model_dump(mode="json", include=set(ANALYSIS)))


class ModelEntry(_Entry):
    """One model of the registry: what to load, how to prompt it, where to evaluate it."""

    name: str
    engine: Literal["openvino", "vllm", "openai", "recorded"]
    path: str | None = Field(
        None,
        description="folder, hub name, or package:<path inside cot_assets>; of a served model: its tokenizer",
    )
    endpoint: str | None = Field(None, description="base URL of an OpenAI-compatible server")
    served_name: str | None = Field(
        None, description="the model's id at the endpoint; needed where several are served"
    )
    revision: str | None = Field(None, description="declared revision; else found from the weights")
    template: str = Field(
        "chat", description="'chat' = the tokenizer's chat template, else text with {statement}"
    )
    template_args: Mapping[str, Any] = Field(
        default_factory=dict, description="passed to the chat template, e.g. enable_thinking"
    )
    add_bos: bool = Field(False, description="put the tokenizer's BOS before a text template")
    dtype: str | None = None
    quantization: str | None = None
    device: str = "CPU"
    problem_sets: tuple[str, ...] = Field((), description="sets that automation evaluates it on")
    api_key_variable: str | None = Field(None, description="environment variable that holds the API key")
    engine_args: Mapping[str, Any] = Field(default_factory=dict, description="passed to the engine")

    @field_validator("endpoint")
    @classmethod
    def _no_secret_in(cls, endpoint: str | None) -> str | None:
        """The endpoint is stored in the table ``models`` and shown."""
        parts = urlsplit(endpoint or "http://nowhere")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an endpoint is a URL such as http://localhost:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "an endpoint holds no user, password or query; put a key into the environment variable that "
                "api_key_variable names"
            )
        return endpoint

    @model_validator(mode="after")
    def _consistent(self) -> ModelEntry:
        if self.engine in ("openvino", "vllm") and not self.path:
            raise ValueError(f"engine {self.engine!r} needs a path")
        if self.engine == "openai" and not self.endpoint:
            raise ValueError("engine 'openai' needs an endpoint")
        if self.engine == "openai" and not self.path:
            raise ValueError("engine 'openai' needs a path: folder or hub name of the model's tokenizer")
        if self.template != "chat" and "{statement}" not in self.template:
            raise ValueError("a text template must contain {statement}")
        return self

    @property
    def is_recorded(self) -> bool:
        """Whether the rollouts were published by others and can never be sampled."""
        return self.engine == "recorded"

    @property
    def local_path(self) -> Path | None:
        """The folder that ``path`` names, where it names one on this machine."""
        if self.path is None:
            return None
        if self.path.startswith("package:"):
            return Path(__file__).parents[1] / self.path.removeprefix("package:")
        candidate = Path(self.path).expanduser()
        return candidate if candidate.exists() else None


class ProblemSetEntry(_Entry):
    """One problem set: where it comes from and the one protocol that it is measured with."""

    name: str
    source: str = Field(description="'generated:demo', a file path, or an hf:// path")
    protocol: str
    statement: str = Field("problem", description="column with the question")
    answer: str = Field("answer", description="column with the gold answer")
    id: str | None = Field(None, description="column with the problem's id; else the row number")
    level: str | None = None
    subject: str | None = None
    options: tuple[str, ...] = Field((), description="columns with the wrong options (multiple choice)")
    answer_kind: Literal["integer", "expression", "multiple_choice"] = "expression"
    prompt: str = Field("{statement}", description="text put in the place of the model template's statement")
    revision: str | None = Field(
        None, description="hub: the commit, tag or branch to read; a file: a label for its contents"
    )
    limit: int | None = Field(None, ge=1, description="use only the first so many problems")
    generator: Mapping[str, Any] = Field(default_factory=dict, description="arguments of a generated set")
    seed: int = 0

    @property
    def is_recorded(self) -> bool:
        """Whether the problems came with rollouts that others published; nothing is sampled on them."""
        return self.source.startswith(RECORDED)


class Config(BaseModel):
    """Everything declared, by name. Look-ups raise :class:`ConfigError` with the known names."""

    model_config = ConfigDict(frozen=True)
    models: Mapping[str, ModelEntry]
    problem_sets: Mapping[str, ProblemSetEntry]
    protocols: Mapping[str, Protocol]

    def model(self, name: str) -> ModelEntry:
        """The registry entry ``name``."""
        return _lookup("model", self.models, name)

    def problem_set(self, name: str) -> ProblemSetEntry:
        """The problem set ``name``."""
        return _lookup("problem set", self.problem_sets, name)

    def protocol_of(self, problem_set: str) -> Protocol:
        """The protocol that the problem set is bound to."""
        return _lookup("protocol", self.protocols, self.problem_set(problem_set).protocol)


def _lookup(kind: str, entries: Mapping[str, T], name: str) -> T:
    if name not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise ConfigError(f"no {kind} named {name!r} is configured; known: {known}")
    return entries[name]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for name, entry in content.items():
        if not isinstance(entry, dict):
            raise ConfigError(f"{path}: {name!r} stands outside a [section]; give it one")
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{path}: the name {name!r} may hold only letters, digits, '.', '_' and '-', at most 100"
            )
    return cast("dict[str, dict[str, Any]]", content)


def _resolve(path: str, entries: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Fill each entry from the one it ``extends``, which may extend another."""

    def fill(name: str, seen: tuple[str, ...]) -> dict[str, Any]:
        if name in seen:
            raise ConfigError(f"{path}: {' -> '.join((*seen, name))} extend one another")
        if name not in entries:
            raise ConfigError(f"{path}: {seen[-1]!r} extends {name!r}, which does not exist")
        entry = dict(entries[name])
        base = entry.pop("extends", None)
        return entry if base is None else {**fill(base, (*seen, name)), **entry}

    return {name: fill(name, ()) for name in entries}


def _problem(error: ErrorDetails) -> str:
    """One problem of an entry, with the value that was given; an endpoint's may hold a password."""
    place = ".".join(map(str, error["loc"])) or "entry"
    given = "" if place in ("endpoint", "entry") else f" (got {error['input']!r})"
    return f"{place}: {error['msg']}{given}"


def _validated(kind: type[E], path: str, entries: dict[str, dict[str, Any]]) -> dict[str, E]:
    result: dict[str, E] = {}
    for name, entry in _resolve(path, entries).items():
        try:
            result[name] = kind.model_validate({**entry, "name": name})
        except ValidationError as error:
            problems = "; ".join(map(_problem, error.errors()))
            raise ConfigError(f"{path}: [{name}] {problems}") from error
    return result


def load_config(folder: Path | None = None) -> Config:
    """Read the package's TOML files, then those in ``folder`` (default: ``COT_ASSETS_CONFIG``).

    Raises :class:`ConfigError` where a file, a name or a value is wrong.
    """
    if folder is None and (variable := os.environ.get("COT_ASSETS_CONFIG")):
        folder = Path(variable).expanduser()
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"COT_ASSETS_CONFIG = {str(folder)!r} is not a folder; create it or unset it")

    def gather(file: str) -> tuple[str, dict[str, dict[str, Any]]]:
        entries = _read(Path(__file__).parent / file)
        if folder is not None and (folder / file).exists():
            entries |= _read(folder / file)
            return str(folder / file), entries
        return file, entries

    config = Config(
        models=_validated(ModelEntry, *gather("models.toml")),
        problem_sets=_validated(ProblemSetEntry, *gather("problem_sets.toml")),
        protocols=_validated(Protocol, *gather("protocols.toml")),
    )
    for entry in config.problem_sets.values():
        config.protocol_of(entry.name)
    for model in config.models.values():
        for problem_set in model.problem_sets:
            config.problem_set(problem_set)
    return config
