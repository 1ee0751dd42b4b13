-- What are insights made of, and is it anything that other steps are not? (Counts of steps by what their text holds.)
-- param problem_set: NULL = all problem sets
-- param rule: 'threshold' = insights by the paper's rule; 'confirmed' counts only what is_confirmed
SELECT
    jumps.problem_set,
    jumps.model,
    jumps.cut_policy,
    CASE
        WHEN CASE $rule WHEN 'confirmed' THEN spikes.is_confirmed ELSE spikes.by_threshold END THEN 'insight'
        ELSE 'other step'
    END AS step,
    count(*) AS n_steps,
    count(DISTINCT jumps.trace_id) AS n_traces,
    count(DISTINCT jumps.problem_id) AS n_problems,
    count(*) FILTER (WHERE is_calculation) AS n_calculation,
    count(*) FILTER (WHERE is_self_check) AS n_self_check,
    count(*) FILTER (WHERE has_gold_answer) AS n_gold_answer,
    count(*) FILTER (WHERE has_first_answer) AS n_first_answer,
    count(*) FILTER (WHERE NOT (is_calculation OR is_self_check OR has_gold_answer OR has_first_answer)) AS n_none,
    median(n_characters) AS median_characters,
    median(n_tokens) AS median_tokens
FROM jumps
LEFT JOIN spikes USING (trace_id, cut_policy, cut_index)
WHERE jumps.problem_set = coalesce($problem_set, jumps.problem_set)
GROUP BY ALL
ORDER BY jumps.problem_set, jumps.cut_policy, jumps.model, step;
