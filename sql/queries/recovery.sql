-- After a tangent, how often and after how many tokens does the trace get back, and is it right in the end?
-- param problem_set: NULL = all problem sets
SELECT
    tangents.problem_set,
    tangents.model,
    tangents.cut_policy,
    count(*) AS n_tangents,
    count(DISTINCT trace_id) AS n_traces,
    count(*) FILTER (WHERE is_recovered) AS n_recovered,
    round(n_recovered / n_tangents, 3) AS recovered_share,
    quantile_cont(recovery_tokens, 0.25) AS tokens_25,
    median(recovery_tokens) AS tokens_50,
    quantile_cont(recovery_tokens, 0.75) AS tokens_75,
    count(DISTINCT trace_id) FILTER (WHERE traces.verdict = 'correct') AS n_traces_correct,
    round(n_traces_correct / n_traces, 3) AS correct_share,
    round(avg(potential_before), 3) AS mean_before,
    round(avg(potential_after), 3) AS mean_after
FROM tangents
JOIN traces USING (trace_id)
WHERE by_threshold AND tangents.problem_set = coalesce($problem_set, tangents.problem_set)
GROUP BY ALL
ORDER BY tangents.problem_set, tangents.cut_policy, tangents.model;
