"""From the text of a model to a verdict: find the final answer, compare it with the gold answer.

Belongs here: extraction (:mod:`.text.extract`), where a text states an answer (:mod:`.text.statements`), one
comparison (:mod:`.verify`), many comparisons in bounded processes (:mod:`.pool`), verdicts of frames
(:mod:`.judge`) and of files (:mod:`.files`). Does not belong here: what to do with verdicts, and DuckDB.

Texts and answers come from models and are hostile: they are never evaluated as code, lengths are capped,
and everything slower than a few string operations runs in a process with a time and a memory bound.
Nothing is imported here, so that a grader worker starts with no more than it needs.
"""
