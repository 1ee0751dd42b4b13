-- How often does each pattern occur at like difficulty? (Rates by V0, and their mean with equal weights.)
-- note: Rates in bins of V0, and their mean with equal weights: comparable between models where the same bins are
-- note: empty.
-- param problem_set: NULL = all problem sets
-- param pattern: NULL = all patterns; or insight, tangent, late_spike, lucky_guess, monotone
-- param rule: 'threshold' = the paper's rule on estimates; 'confirmed' counts only what is_confirmed
-- param trace_filter: 'paper' = correct traces of problems not solved from the start; or correct, incorrect, all
SELECT
    problem_set,
    model,
    cut_policy,
    pattern,
    rule,
    trace_filter,
    v0_bin,
    n_with,
    n_traces,
    n_problems,
    round(rate, 3) AS rate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_empty_bins
FROM matched_rates
WHERE problem_set = coalesce($problem_set, problem_set)
    AND pattern = coalesce($pattern, pattern)
    AND rule = $rule
    AND trace_filter = $trace_filter
ORDER BY problem_set, cut_policy, pattern, v0_bin, model;
