-- Could the true potential never fall? (A test that noise does not fool, next to the rule by tolerance.)
-- note: Share of traces for which a potential that never falls is not ruled out: likelihood ratio of the isotonic
-- note: fit, p ≥ 0.05 (test), or at a false discovery rate of 5% (test fdr). By tolerance: the rule of the pattern table
-- note: on the same traces, which noise alone often breaks. Max misfit: the largest distance of an estimate from that
-- note: fit, median over traces.
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
