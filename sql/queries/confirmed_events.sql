-- How many insights, tangents and guesses found by a threshold may be sampling noise?
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    cut_policy,
    part AS pattern,
    measure,
    statistic,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_with,
    n AS n_events,
    rule AS events_by,
    n_problems
FROM summaries
WHERE figure = 'confirmed_events'
    AND problem_set = coalesce($problem_set, problem_set)
ORDER BY problem_set, cut_policy, model, pattern, measure;
