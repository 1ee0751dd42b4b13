-- Could the true potential never fall? (A test that noise does not fool, beside the rule by tolerance.)
-- param problem_set: NULL = all problem sets
SELECT
    tests.problem_set,
    tests.model,
    tests.cut_policy,
    CASE tests.verdict WHEN 'correct' THEN 'correct' WHEN 'unscored' THEN 'unscored' ELSE 'incorrect' END AS traces,
    count(p_value) AS n_tested,
    count(DISTINCT tests.problem_id) AS n_problems,
    count(*) FILTER (WHERE p_value < 0.05) AS n_not_monotone_p,
    count(*) FILTER (WHERE q_value < 0.05) AS n_not_monotone_q,
    round(n_not_monotone_q / nullif(n_tested, 0), 3) AS share_not_monotone_q,
    count(*) FILTER (WHERE NOT by_threshold) AS n_not_monotone_tolerance,
    round(median(max_misfit), 3) AS median_misfit
FROM monotone_tests AS tests
LEFT JOIN monotonicity USING (trace_id, cut_policy)
WHERE tests.problem_set = coalesce($problem_set, tests.problem_set)
GROUP BY ALL
ORDER BY tests.problem_set, tests.cut_policy, tests.model, traces;
