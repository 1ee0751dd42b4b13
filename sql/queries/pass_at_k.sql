-- How much of pass@k is luck? (Unbiased; over all traces, and over measured ones with guesses counted as incorrect.)
-- note: Unbiased. Cut policy any: from all sampled traces. Else from the measured ones, for which it is known which are
-- note: guesses; without guesses these count as incorrect.
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
    coalesce(without.guesses, 'none') AS rule,
    without.n_guesses,
    round(without.pass_at_k, 4) AS pass_at_k_without_guesses,
    round(without.ci_low, 4) AS without_low,
    round(without.ci_high, 4) AS without_high
FROM pass_at_k AS kept
LEFT JOIN pass_at_k AS without
    ON kept.problem_set = without.problem_set AND kept.model = without.model
        AND kept.cut_policy = without.cut_policy AND kept.k = without.k AND without.guesses = $rule
WHERE kept.guesses = 'kept'
    AND kept.problem_set = coalesce($problem_set, kept.problem_set)
ORDER BY kept.problem_set, kept.cut_policy, kept.model, kept.k;
