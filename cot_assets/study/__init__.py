"""What a user declares: models, problem sets, protocols, and where everything is kept.

Belongs here: typed settings and their TOML files, read and validated. Does not belong here: reading
problems (:mod:`cot_assets.problems`), loading engines (:mod:`cot_assets.engines`), and anything that
imports Dagster. This is the bottom layer: it imports nothing of the package. Its modules are loaded when a name of
theirs is asked for: to find the data home takes no pydantic.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# The names that the rest of the package takes from here, for those who check types.
# ruff: noqa: F401
# pyright: reportUnusedImport=false
if TYPE_CHECKING:
    from cot_assets.study.entries import GIVEN, NAME, PUBLISHED, ConfigError
    from cot_assets.study.home import DataHome
    from cot_assets.study.models import ModelEntry
    from cot_assets.study.problem_sets import (
        ANSWER_KINDS,
        ANSWER_RULES,
        JUDGED_KINDS,
        AnswerKind,
        AnswerRule,
        ProblemSetEntry,
    )
    from cot_assets.study.protocols import (
        ADAPTIVE,
        BLOCK_SIZE,
        CONTROLS,
        Adaptive,
        AnalysisRules,
        Control,
        CutPolicy,
        Protocol,
        SamplingRules,
    )
    from cot_assets.study.reading import BrokenEntryWarning, Config, MovedNameWarning, load_config

_MODULES = ("home", "entries", "models", "problem_sets", "protocols", "reading")


def __getattr__(name: str) -> Any:
    """The object of a name, from the first module that has it."""
    if not name.startswith("_"):
        for module in (import_module(f"{__name__}.{each}") for each in _MODULES):
            if name in vars(module):
                globals()[name] = vars(module)[name]
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
