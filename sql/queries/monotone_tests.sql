-- Could the true potential never fall? (A test that noise does not fool, beside the rule by tolerance.)
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    cut_policy,
    trace_filter,
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
WHERE figure = 'monotone_tests'
    AND problem_set = coalesce($problem_set, problem_set)
ORDER BY problem_set, cut_policy, model,
    list_position(['paper', 'correct', 'incorrect', 'all'], trace_filter), measure DESC, rule DESC;
