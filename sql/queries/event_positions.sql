-- Where in a trace do insights and tangents fall? (Tenths of the final length; a drift over them is partly selection on it.)
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
SELECT
    problem_set,
    model,
    cut_policy,
    part AS from_fraction,
    measure,
    rule,
    statistic,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_with,
    n,
    n_of,
    n_problems
FROM summaries
WHERE figure = 'event_positions'
    AND problem_set = coalesce($problem_set, problem_set)
    AND model = coalesce($model, model)
ORDER BY problem_set, cut_policy, model, measure, from_fraction;
