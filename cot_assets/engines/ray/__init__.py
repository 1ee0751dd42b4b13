"""A model in actors of a Ray cluster, each of which holds one engine."""

import os

# Read when Ray is imported, which modules of this package do. Below `uv run` Ray would pack the working directory and have
# every actor install the project anew; actors run what is installed on their machines.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")  # the driver's part of it writes to the terminal
