"""The shell of the report: sections of all rooms to pages, the trace page, what pictures have in common.

Belongs here: how a named query is shown, pages, theme. Does not belong here: which queries a room shows and its own
pictures (``measures/*/report.py``), estimates of any kind (:mod:`cot_assets.measures`), and opening a database: the
caller hands in a function that runs SQL.
"""
