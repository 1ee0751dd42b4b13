-- After a tangent, how often and after how many tokens does the trace get back, and is it correct in the end?
-- note: Tangents after which a later cut is back within the tolerance, the tokens that this took, and how many of
-- note: the traces with a tangent end correct. Traces end, so slow recoveries are missed; part of a recovery is
-- note: chance.
-- param problem_set: NULL = all problem sets
-- param rule: 'threshold' = tangents by the paper's rule; 'confirmed' counts only what is_confirmed
SELECT
    problem_set,
    model,
    cut_policy,
    rule,
    measure,
    statistic,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_with,
    n,
    n_of,
    n_problems
FROM summaries
WHERE figure = 'recovery'
    AND problem_set = coalesce($problem_set, problem_set)
    AND rule = $rule
ORDER BY problem_set, cut_policy, model,
    list_position(['recovered', 'recovery_tokens_25', 'recovery_tokens_50', 'recovery_tokens_75', 'ends_correct'], measure)
    NULLS LAST, measure DESC;
