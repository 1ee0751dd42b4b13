-- Are the rates an artifact of the threshold or of n? (Rates over both, and what noise alone would give.)
-- note: Rates at the thresholds in use, had every cut n rollouts. Flat and monotone noise: the rates of simulated
-- note: curves whose true potential is flat, or never falls; a rate near them says nothing.
-- param problem_set: NULL = all problem sets
-- param pattern: 'insight' = which pattern, NULL = all; or tangent, monotone, late_spike, lucky_guess
-- param in_use: NULL = all thresholds; or 'true', those in use
-- param trace_filter: 'paper' = correct traces of problems not solved from the start; or correct, incorrect, all
SELECT
    problem_set,
    model,
    cut_policy,
    pattern,
    'threshold' AS rule,
    trace_filter,
    n,
    threshold,
    is_in_use,
    n_traces,
    n_problems,
    round(rate, 3) AS rate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    round(noise_flat, 3) AS noise_flat,
    round(noise_monotone, 3) AS noise_monotone
FROM sensitivity
WHERE problem_set = coalesce($problem_set, problem_set)
    AND pattern = coalesce($pattern, pattern)
    AND is_in_use = coalesce($in_use::BOOLEAN, is_in_use)
    AND trace_filter = $trace_filter
ORDER BY problem_set, cut_policy, model, pattern, n, threshold;
