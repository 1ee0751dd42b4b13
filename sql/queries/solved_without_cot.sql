-- How many problems are solved from the start, and what does dropping them leave?
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    cut_policy,
    measure,
    trace_filter,
    statistic,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_with,
    n,
    n_of,
    n_problems
FROM summaries
WHERE figure = 'solved_without_cot'
    AND problem_set = coalesce($problem_set, problem_set)
ORDER BY problem_set, cut_policy, model, measure DESC;
