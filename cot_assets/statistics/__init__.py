"""Numbers from arrays: intervals, clustered estimates, special functions.

Belongs here: pure functions of numpy arrays. Does not belong here: tables and their columns
(:mod:`cot_assets.measures`), reading or writing, sampling, Dagster. ``docs/methods.md`` gives every definition with its
formula, source and simulation.
"""
