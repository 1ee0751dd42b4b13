-- How often does a trace lose or gain much over several cuts, and how much? (A bound for all cuts at once, next to the plain rule.)
-- note: The largest drop (drawdown) and rise (run-up) of a trace between any two cuts. Confirmed: a lower bound that
-- note: holds for all cuts at once lies beyond the threshold. Size, split: one half of the rollouts chose the cuts,
-- note: the other measured the change; plain is the largest difference itself, which noise inflates.
-- param problem_set: NULL = all problem sets
-- param trace_filter: 'paper' = correct traces of problems not solved from the start; or correct, incorrect, all
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
