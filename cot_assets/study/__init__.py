"""What a user declares: models, problem sets, protocols, and where everything is kept.

Belongs here: typed settings and their TOML files, read and validated. Does not belong here: reading
problems (:mod:`cot_assets.problems`), loading engines (:mod:`cot_assets.engines`), and anything that
imports Dagster. This is the bottom layer: it imports nothing of the package.
"""

from cot_assets.study.home import DataHome
from cot_assets.study.settings import (
    Config,
    ConfigError,
    ModelEntry,
    ProblemSetEntry,
    Protocol,
    load_config,
)

__all__ = ["Config", "ConfigError", "DataHome", "ModelEntry", "ProblemSetEntry", "Protocol", "load_config"]
