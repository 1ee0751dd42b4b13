-- Does the potential only rise because the answer has been written down already?
-- note: Mean potential over cuts: before any answer, with the gold answer in the text (outside the problem), and
-- note: after the trace has stated its own answer. Fraction: where these cuts lie in the trace.
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    cut_policy,
    trace_filter,
    part AS stage,
    measure,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n AS n_cuts,
    n_problems
FROM summaries
WHERE figure = 'answer_leaks'
    AND problem_set = coalesce($problem_set, problem_set)
ORDER BY problem_set, cut_policy, model, trace_filter, measure DESC, stage;
