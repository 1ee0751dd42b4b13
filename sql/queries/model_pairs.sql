-- How do two models compare on the same problems, and on problems of like difficulty? (Paired; and matched on V0.)
-- note: Each problem that both have counts once. Matched on V0: rates with equal weights over the bins that both
-- note: fill.
-- param problem_set: NULL = all problem sets
-- param rule: 'threshold' = the paper's rule for patterns; or 'confirmed'
-- param trace_filter: 'all' = all measured traces, and accuracy and V0; or paper, correct, incorrect: patterns of these
SELECT
    problem_set,
    model_a,
    model_b,
    measure,
    rule,
    trace_filter,
    cut_policy,
    n_problems,
    round(value_a, 3) AS value_a,
    round(value_a_low, 3) AS value_a_low,
    round(value_a_high, 3) AS value_a_high,
    round(value_b, 3) AS value_b,
    round(value_b_low, 3) AS value_b_low,
    round(value_b_high, 3) AS value_b_high,
    round(difference, 3) AS difference,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_bins,
    matched_n_a,
    matched_n_b,
    round(matched_difference, 3) AS matched_difference,
    round(matched_low, 3) AS matched_low,
    round(matched_high, 3) AS matched_high
FROM model_differences
WHERE problem_set = coalesce($problem_set, problem_set)
    AND rule IN ('none', $rule)
    AND trace_filter = $trace_filter
ORDER BY problem_set, model_a, model_b, cut_policy,
    list_position(['accuracy', 'v0', 'insight', 'tangent', 'late_spike', 'lucky_guess', 'monotone'], measure);
