"""What a test needs and the plain set-up does not bring; in CI, which brings all of it, its absence is a failure."""

import importlib
import os
from pathlib import Path
from typing import NoReturn

import pytest

_DATA = Path(__file__).parents[3] / "shared" / "data"


def missing(message: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message, allow_module_level=True)


def needs(package: str, extra: str) -> None:
    """The module of tests needs a package of an extra."""
    try:
        importlib.import_module(package)
    except ImportError:
        missing(f"{package} is not installed: uv sync --extra {extra}")


def shared_data(*parts: str) -> Path:
    """A file or folder of real problems, responses or rollouts, which lie beside the repository in ``shared/data``."""
    path = _DATA.joinpath(*parts)
    if not path.exists():
        missing(f"{path} is absent: the folder shared/data is not beside the repository")
    return path
