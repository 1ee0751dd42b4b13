"""One folder per question that the data answer: its pure rules, its assets, its part of the report.

Belongs here: everything that one question needs. Does not belong here: what several questions share
(:mod:`cot_assets.statistics`, :mod:`cot_assets.sampling`, :mod:`cot_assets.orchestration`). Rooms meet in tables: none
imports another's internals.
"""
