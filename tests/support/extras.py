"""Packages that a test needs and the plain set-up does not bring."""

import importlib
import os

import pytest


def needs(package: str, extra: str) -> None:
    """Skip the module where a package is not installed; in CI, which installs the extra, that is an error."""
    if os.environ.get("CI"):
        importlib.import_module(package)
    else:
        pytest.importorskip(package, reason=f"uv sync --extra {extra}")
