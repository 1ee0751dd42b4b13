"""Entries of ``protocols.toml``: the numbers of an experiment, in two parts.

``sampling`` decides which completions are sampled, and how; ``analysis`` decides what is concluded from them.
Each part has a hash of its own: a change of the second samples nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cot_assets.study.entries import Entry, as_tuple

BLOCK_SIZE = 16  #: rollouts per block, the unit of sampling (all n are multiples of it)
_MOST = 1_000_000  #: more of anything is a slip of the pen: it would not end
CutPolicy = Literal["tokens", "lines", "sentences"]
#: What a reader is given in place of the writer's text, at equal length: the text of another problem, the
#: writer's wrong trace of the same problem, the reader's own trace of it.
Control = Literal["shuffled", "wrong", "own"]
CONTROLS: tuple[Control, ...] = get_args(Control)
ADAPTIVE = "adaptive"  #: the cut policy of what exploration found, together with the protocol's own cuts

Fraction = Annotated[float, Field(ge=0, lt=1)]
Fractions = Annotated[tuple[Fraction, ...], BeforeValidator(as_tuple)]
Controls = Annotated[tuple[Control, ...], BeforeValidator(as_tuple)]


class Adaptive(Entry):
    """How ``strategy = "adaptive"`` looks for events; see :mod:`cot_assets.measures.exploration.adaptive`."""

    resolution: CutPolicy = "sentences"
    """the finest places that a trace may be cut at"""
    first: int = Field(16, ge=BLOCK_SIZE, le=_MOST)
    """exploration rollouts at a new place"""
    most: int = Field(64, ge=BLOCK_SIZE, le=_MOST)
    """most exploration rollouts at a place"""
    plausible: float = Field(0.15, gt=0, lt=1)
    """an event less probable than this is ruled out"""
    likely: float = Field(0.6, gt=0, lt=1)
    """from here on an interval is split without another look"""
    slack: float = Field(0.05, ge=0, lt=1)
    """taken off thresholds for intervals that can be split"""

    @model_validator(mode="after")
    def _consistent(self) -> Adaptive:
        for name, value in (("first", self.first), ("most", self.most)):
            if value % BLOCK_SIZE:
                raise ValueError(f"{name} = {value} is not a multiple of {BLOCK_SIZE}")
        if self.first > self.most or self.plausible > self.likely:
            raise ValueError("first must not exceed most, nor plausible likely")
        return self


class SamplingRules(Entry):
    """What decides which completions are sampled, and how."""

    n: int = Field(128, le=_MOST)
    """rollouts per prefix; a multiple of 16, or 1 where all are the same"""
    bare_n: int = Field(0, ge=0, le=_MOST)
    """rollouts of the bare problem, for V0; a multiple of 16, 0 = n"""
    max_tokens: int = Field(32768, ge=1, le=10_000_000)
    """token budget of a whole CoT; a rollout gets the rest"""
    temperature: float = Field(0.6, ge=0, le=100)
    """0 = greedy; above 100 all tokens are equally likely"""
    top_p: float = Field(0.95, gt=0, le=1)
    """only the likeliest tokens of this share together; 1 = all"""
    top_k: int = Field(0, ge=0, le=_MOST)
    """only this many of the likeliest tokens; 0 = off"""
    min_p: float = Field(0.0, ge=0, lt=1)
    """no token with less than this share of the likeliest one's; 0 = off"""
    cut_policy: CutPolicy = "tokens"
    """where traces are cut"""
    max_cuts: int = Field(20, ge=1, le=_MOST)
    """most measured cuts per trace, cut 0 included"""
    traces_per_problem: int = Field(4, ge=1, le=_MOST)
    """traces sampled per problem"""
    measured: Literal["first", "correct", "all"] = "first"
    """which traces get a curve"""
    measured_per_problem: int = Field(1, ge=1, le=_MOST)
    """how many of them per problem"""
    transfer_fractions: Fractions = Field((0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), min_length=1)
    """shares of a writer's trace that readers are given, each in [0, 1)"""
    control_fractions: Fractions = (0.2,)
    """fractions at which the controls are sampled, each in [0, 1)"""
    controls: Controls = CONTROLS
    """what is given in place of the writer's text there"""
    search_problems: int = Field(0, ge=0, le=_MOST)
    """problems searched for a better trace; 0 = none"""
    search_candidates: int = Field(8, ge=1, le=_MOST)
    """candidate chunks per step of the search"""
    search_chunk: int = Field(512, ge=1, le=_MOST)
    """tokens of a candidate chunk"""
    search_n: int = Field(32, ge=BLOCK_SIZE, le=_MOST)
    """rollouts per candidate; a multiple of 16"""
    search_fresh_n: int = Field(64, ge=BLOCK_SIZE, le=_MOST)
    """rollouts that estimate a chosen chunk again; a multiple of 16"""
    search_budget: int = Field(20_000_000, ge=1, le=10**12)
    """generated tokens per problem from which no further chunk is sought"""
    strategy: Literal["fixed", "adaptive"] = "fixed"
    """adaptive: rollouts also where exploration finds that the potential changes"""
    #: Settings of the search; without meaning, and not in the hash, where the strategy is fixed.
    adaptive: Adaptive = Adaptive.model_validate({})
    """numbers of the adaptive strategy: `[NAME.sampling.adaptive]`"""
    #: Not in the hash: it does not change what is sampled.
    audit_share: float = Field(0.02, ge=0, le=1)
    """share of the blocks whose texts are scored again; at least 32 blocks"""
    seed: int = Field(0, ge=0, lt=2**63)
    """of every draw: samples, shuffles and bootstraps"""

    @field_validator("n")
    @classmethod
    def _is_a_block(cls, n: int) -> int:
        if n != 1 and n < BLOCK_SIZE:
            raise ValueError(f"at least {BLOCK_SIZE}, or 1 where temperature = 0 makes all rollouts the same")
        return n

    @field_validator("transfer_fractions", "control_fractions", "controls")
    @classmethod
    def _each_once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) < len(values):
            raise ValueError("something is named twice; name each once")
        return values

    @model_validator(mode="after")
    def _consistent(self) -> SamplingRules:
        if self.is_greedy:
            self._check_greedy()
        for field in ("n", "bare_n", "search_n", "search_fresh_n"):
            if (value := getattr(self, field)) % BLOCK_SIZE and not (field == "n" and self.is_greedy):
                raise ValueError(f"{field} = {value} is not a multiple of {BLOCK_SIZE}")
        if self.measured_per_problem > self.traces_per_problem:
            raise ValueError(
                f"measured_per_problem = {self.measured_per_problem} exceeds "
                f"traces_per_problem = {self.traces_per_problem}"
            )
        is_asked = "transfer_fractions" in self.model_fields_set
        if is_asked and self.max_cuts == 1 and max(self.transfer_fractions):
            raise ValueError(
                f"transfer_fractions = {list(self.transfer_fractions)} stand for measured cuts, and max_cuts = 1 leaves the bare "
                "problem alone; set more cuts, or transfer_fractions = [0.0]"
            )
        return self

    def _check_greedy(self) -> None:
        """Copies of one completion are not evidence: a greedy protocol asks for one of each."""
        once = {"n": 1, "bare_n": 0, "traces_per_problem": 1, "search_problems": 0, "strategy": "fixed"}
        wrong = [f"{name} = {value!r}" for name, value in once.items() if getattr(self, name) != value]
        if wrong:
            raise ValueError(
                f"temperature = {self.temperature:g} with top_k = {self.top_k} writes the same completion every time; "
                f"set {', '.join(wrong)}, or a temperature above 0 (and top_k other than 1)"
            )

    @property
    def n_bare(self) -> int:
        """Rollouts of the bare problem, the prefix that every fraction and control is compared with."""
        return self.bare_n or self.n

    @property
    def is_greedy(self) -> bool:
        """Whether all completions of a prefix are the same."""
        return self.temperature == 0 or self.top_k == 1

    @property
    def is_adaptive(self) -> bool:
        """Whether exploration decides where further rollouts are sampled."""
        return self.strategy == "adaptive"


class AnalysisRules(Entry):
    """What decides which conclusions are drawn from what was sampled; a change of it takes seconds."""

    insight_threshold: float = Field(0.40, gt=0, lt=1)
    """a larger rise is an insight"""
    tangent_threshold: float = Field(0.30, gt=0, lt=1)
    """a larger drop is a tangent"""
    late_spike_threshold: float = Field(0.05, gt=0, lt=1)
    """a correct trace below it at its last cut ends in a late spike"""
    guess_threshold: float = Field(0.05, gt=0, lt=1)
    """a correct trace below it before its answer is a lucky guess"""
    monotone_tolerance: float = Field(0.10, ge=0, lt=1)
    """smaller drops leave a trace monotone"""
    solved_threshold: float = Field(0.95, gt=0, le=1)
    """V0 from which a problem needs no CoT"""
    headline_fraction: float = Field(0.2, ge=0, lt=1)
    """the fraction whose transfer is shown first"""


class Protocol(Entry):
    """The numbers of an experiment. ``sampling_hash`` of it is stored with everything that was sampled."""

    name: str
    sampling: SamplingRules = SamplingRules.model_validate({})
    analysis: AnalysisRules = AnalysisRules.model_validate({})

    @model_validator(mode="before")
    @classmethod
    def _nest(cls, given: Any) -> Any:
        """Names at the top, as files had them before there were two parts, go where they belong."""
        return nested(cast("dict[str, Any]", given))[0] if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        slack, rules = self.sampling.adaptive.slack, self.analysis
        if slack >= min(rules.insight_threshold, rules.tangent_threshold):
            raise ValueError(f"adaptive.slack = {slack} reaches a threshold of events")
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Protocol:
        """A copy with fields of either part replaced, by their names; not validated, as pydantic's copies are."""
        changes, _ = nested(dict(update or {}))
        parts = {
            part: getattr(self, part).model_copy(update=changes[part]) for part in PARTS if part in changes
        }
        return super().model_copy(update={**changes, **parts}, deep=deep)

    @property
    def protocol_hash(self) -> str:
        """First 12 hex digits of a SHA-256 over both parts."""
        return digest([self.sampling_hash, self.analysis_hash])

    @property
    def sampling_hash(self) -> str:
        """First 12 hex digits of a SHA-256 over what decides which completions are sampled, and how."""
        rules = self.sampling
        unused = {name for name in ("bare_n", "top_k", "min_p") if not getattr(rules, name)}
        values = rules.model_dump(mode="json", exclude=unused | {"strategy", "adaptive", "audit_share"})
        if rules.is_adaptive:  # what exploration looks for are the events of the analysis
            values |= self.analysis.model_dump(
                mode="json", include={"insight_threshold", "tangent_threshold"}
            )
            values |= {"sampling": rules.strategy, "adaptive": rules.adaptive.model_dump(mode="json")}
        return digest(values)

    @property
    def analysis_hash(self) -> str:
        """First 12 hex digits of a SHA-256 over what decides which conclusions are drawn from them."""
        return digest(self.analysis.model_dump(mode="json"))


PARTS: dict[str, type[Entry]] = {"sampling": SamplingRules, "analysis": AnalysisRules}
#: Names of older files. ``sampling`` was a word before it was a part.
_RENAMED = {"sampling": "strategy"} | {
    f"optimise_{name}": f"search_{name}"
    for name in ("problems", "candidates", "chunk", "n", "fresh_n", "budget")
}


def _place(name: str, value: object) -> str:
    """Where a name at the top of an entry belongs, as ``part.name``; empty where it may stay."""
    if name in PARTS and not isinstance(value, str):
        return ""
    new = _RENAMED.get(name, name)
    return next((f"{part}.{new}" for part, kind in PARTS.items() if new in kind.model_fields), "")


def nested(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """An entry of any age in two parts, and the names that moved, as ``part.name`` by old name.

    Raises:
        ValueError: A name is given both at the top and in its part.
    """
    moved = {name: place for name, value in entry.items() if (place := _place(name, value))}
    result = {name: value for name, value in entry.items() if name not in moved}
    for old, place in moved.items():
        part, _, new = place.partition(".")
        inside = result.get(part, {})
        if not isinstance(inside, dict):
            continue  # validation says what is wrong with it
        if new in inside:
            raise ValueError(f"{new} is given twice, as {old} and in {part}; keep the one in {part}")
        result[part] = {**inside, new: entry[old]}
    return result, moved


def digest(value: object) -> str:
    """First 12 hex digits of a SHA-256 over a value as canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]
