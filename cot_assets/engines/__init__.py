"""Engines: token ids in, sampled token ids out.

Belongs here: the protocol every engine follows (``base``) and one package per engine. Does not belong
here: what to sample and how it is kept (:mod:`cot_assets.sampling`), prompts, grading, Dagster.
"""
