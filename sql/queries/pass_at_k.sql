-- How much of pass@k is luck? (Unbiased, over measured traces, with guesses taken as wrong beside it.)
-- note: Unbiased, from the measured traces. Without guesses: correct traces that are lucky guesses count as
-- note: incorrect.
-- param problem_set: NULL = all problem sets
-- param rule: 'lucky_guess' = which guesses are taken out; or 'late_spike'
SELECT
    kept.problem_set,
    kept.model,
    kept.cut_policy,
    kept.k,
    kept.n_problems,
    kept.n_traces,
    round(kept.pass_at_k, 4) AS pass_at_k,
    round(kept.ci_low, 4) AS ci_low,
    round(kept.ci_high, 4) AS ci_high,
    without.guesses AS rule,
    without.n_guesses,
    round(without.pass_at_k, 4) AS pass_at_k_without_guesses,
    round(without.ci_low, 4) AS without_low,
    round(without.ci_high, 4) AS without_high
FROM pass_at_k AS kept
JOIN pass_at_k AS without USING (problem_set, model, cut_policy, k)
WHERE kept.guesses = 'kept'
    AND without.guesses = $rule
    AND kept.problem_set = coalesce($problem_set, kept.problem_set)
ORDER BY kept.problem_set, kept.cut_policy, kept.model, kept.k;
