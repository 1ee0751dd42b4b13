"""Problem sets: from an entry of ``problem_sets.toml`` to the rows of the table ``problems``.

Belongs here: reading files and hub paths, the mapping of their columns, prompts, and the demo's
generator. Does not belong here: the entries themselves (:mod:`cot_assets.study`), comparing answers
(:mod:`cot_assets.grading`), and the text that the demo models are trained on
(:mod:`cot_assets.demo.corpus`).
"""

from cot_assets.problems.load import PROBLEMS_SCHEMA, load_problems
from cot_assets.problems.sources import ProblemSetError

__all__ = ["PROBLEMS_SCHEMA", "ProblemSetError", "load_problems"]
