-- What does each step of a trace do to the potential? One row per measured trace: its steps and their labels, as lists.
-- note: A step is the text between two measured cuts. soft_labels is the potential after it, labels whether that is above
-- note: 0; n and the interval go with it. The last step ends the trace, which is not sampled: its label is the verdict.
-- param model: NULL = all models
-- param problem_set: NULL = all problem sets
SELECT
    curves.problem_set,
    curves.model,
    curves.problem_id,
    curves.trace_id,
    curves.cut_policy,
    curves.verdict,
    any_value(problems.prompt) AS prompt,
    list(curves.chunk ORDER BY curves.cut_index) AS completions,
    list(curves.value > 0 ORDER BY curves.cut_index) AS labels,
    list(curves.value ORDER BY curves.cut_index) AS soft_labels,
    list(curves.n ORDER BY curves.cut_index) AS n,
    list(curves.ci_low ORDER BY curves.cut_index) AS ci_low,
    list(curves.ci_high ORDER BY curves.cut_index) AS ci_high
FROM trace_curves AS curves
JOIN problems USING (problem_set, problem_id)
WHERE curves.cut_index > 0
    AND curves.model = coalesce($model, curves.model)
    AND curves.problem_set = coalesce($problem_set, curves.problem_set)
GROUP BY ALL
ORDER BY ALL;
