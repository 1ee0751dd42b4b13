-- How often does each pattern occur, with the counts behind each rate? (Long form of the pattern table.)
-- note: Share of the paper's traces (correct ones, problems solved from the start left out) with at least one event.
-- note: Fitted: the share of traces expected to have it, sampling noise removed. The threshold rule is the paper's;
-- note: the confirmed rule keeps what chance is unlikely to have made.
-- param problem_set: NULL = all problem sets
-- param rule: NULL = all rules; 'fitted', 'threshold' = the paper's on estimates, or 'confirmed'
-- param trace_filter: 'paper' = correct traces of problems not solved from the start; or correct, incorrect, all
SELECT
    problem_set,
    model,
    cut_policy,
    pattern,
    rule,
    trace_filter,
    n_with,
    n_traces,
    n_problems,
    round(rate, 3) AS rate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high
FROM pattern_rates
WHERE problem_set = coalesce($problem_set, problem_set)
    AND rule = coalesce($rule, rule)
    AND trace_filter = $trace_filter
ORDER BY problem_set, cut_policy,
    list_position(['insight', 'tangent', 'late_spike', 'lucky_guess', 'monotone'], pattern), model,
    list_position(['fitted', 'threshold', 'confirmed'], rule);
