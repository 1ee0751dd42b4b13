"""Shared by all tests; ``pythonpath`` in pyproject.toml makes ``tests/support`` importable."""
