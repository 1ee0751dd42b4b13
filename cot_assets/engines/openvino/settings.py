"""What OpenVINO is told by an entry: its scheduler's settings, the device, the number format.

Belongs here: reading them, and trying them without weights. Does not belong here: how much is taken on at a time
(:mod:`cot_assets.engines.openvino.sizing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino
import openvino_genai as genai
from openvino import opset13

from cot_assets.engines.base import EngineError
from cot_assets.study import ModelEntry


def scheduler_of(entry: ModelEntry, defaults: Mapping[str, Any]) -> genai.SchedulerConfig:
    """A scheduler's settings: the entry's ``engine_args`` over ``defaults``.

    Raises:
        EngineError: There is no such setting, or it takes no such value.
    """
    scheduler = genai.SchedulerConfig()
    for name, value in {**defaults, **entry.engine_args}.items():
        if name.startswith("_") or not hasattr(scheduler, name) or callable(getattr(scheduler, name)):
            raise EngineError(
                f"model {entry.name!r}: engine_args has {name!r}, no OpenVINO scheduler setting"
            )
        try:
            setattr(scheduler, name, value)
        except TypeError as error:
            raise EngineError(
                f"model {entry.name!r}: engine_args has {name} = {value!r}; "
                f"a value like {getattr(scheduler, name)!r} is needed"
            ) from error
    return scheduler


def properties(entry: ModelEntry) -> dict[str, str]:
    """The number format, of the KV cache as of the weights: 8-bit caching would change probabilities."""
    dtype = entry.dtype or "f32"
    return {"INFERENCE_PRECISION_HINT": dtype, "KV_CACHE_PRECISION": dtype}


def check_settings(entry: ModelEntry) -> None:
    """Return where OpenVINO takes the entry's settings, for a model of one number.

    Raises:
        EngineError: It has no such device, number format or setting here.
    """
    scheduler_of(entry, {})
    number = opset13.parameter([1], np.float32)
    model = openvino.Model([opset13.relu(number)], [number])  # pyright: ignore[reportGeneralTypeIssues]
    try:
        openvino.Core().compile_model(model, entry.device, properties(entry))
    except RuntimeError as error:
        raise EngineError(
            f"model {entry.name!r}: OpenVINO takes no device = {entry.device!r}, dtype = {entry.dtype or 'f32'!r}: "
            f"{last_line(error)}; change that in models.toml"
        ) from error


def last_line(error: Exception) -> str:
    """What OpenVINO says at the end of an error, after the places in its code."""
    return str(error).strip().splitlines()[-1].strip()
