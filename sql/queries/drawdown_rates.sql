-- How often does a trace lose or gain much over several cuts, and how much? (A bound for all cuts at once, beside the plain rule.)
-- param problem_set: NULL = all problem sets
-- param trace_filter: 'paper' = right traces of problems not solved without CoT; or correct, incorrect, all
SELECT
    problem_set,
    model,
    cut_policy,
    trace_filter,
    part AS kind,
    measure,
    rule,
    statistic,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_with,
    n AS n_traces,
    n_problems
FROM summaries
WHERE figure = 'drawdown_rates'
    AND problem_set = coalesce($problem_set, problem_set)
    AND trace_filter = $trace_filter
ORDER BY problem_set, cut_policy, model, kind, measure, rule DESC;
