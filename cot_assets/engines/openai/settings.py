"""``engine_args`` of a served model.

Belongs here: what may be set, and what a wrong value is told. Does not belong here: what is done with it.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cot_assets.engines.base import EngineError
from cot_assets.study import ModelEntry
from cot_assets.study.entries import given


class Settings(BaseModel):
    """``engine_args`` of a served model."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    concurrency: int = Field(32, ge=1, le=4096, description="blocks that a server works on at once")
    timeout: float = Field(900.0, gt=0, description="seconds that one answer may take")
    wait: float = Field(3600.0, ge=0, description="seconds that a run waits for a server that is away")
    wait_at_start: float = Field(30.0, ge=0, description="the same, before anything was sampled")
    attempts: int = Field(6, ge=1, description="times that one request may fail at the server")
    prompts: str = Field("auto", pattern="^(auto|token_ids|text)$", description="how prefixes travel")
    seeds: bool = Field(True, description="send a seed with each request; vLLM on a CPU needs false")


def settings_of(entry: ModelEntry) -> Settings:
    """The entry's ``engine_args``; raises :class:`EngineError` that names a wrong one and those there are."""
    try:
        return Settings.model_validate(dict(entry.engine_args))
    except ValidationError as error:
        problems = "; ".join(
            f"{(place := '.'.join(map(str, e['loc'])))}: {e['msg']}{given(place, e['input'])}"
            for e in error.errors()
        )
        raise EngineError(
            f"model {entry.name!r}: engine_args: {problems}; there are {', '.join(Settings.model_fields)}"
        ) from error
