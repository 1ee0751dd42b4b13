-- Are the rates an artefact of the threshold or of n? (Rates over both, beside what noise alone would give.)
-- param problem_set: NULL = all problem sets
-- param pattern: 'insight' = which pattern; or tangent, monotone, late_spike
-- param trace_filter: 'paper' = right traces of problems not solved without CoT; or correct, incorrect, all
SELECT
    problem_set,
    model,
    cut_policy,
    n,
    threshold,
    n_traces,
    round(rate, 3) AS rate,
    round(rate_sd, 3) AS rate_sd,
    round(noise_floor, 3) AS noise_floor
FROM sensitivity
WHERE problem_set = coalesce($problem_set, problem_set)
    AND pattern = $pattern
    AND trace_filter = $trace_filter
ORDER BY problem_set, cut_policy, model, n, threshold;
