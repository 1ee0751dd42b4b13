-- By which rule were the final answers of rollouts found, and how many had none?
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    CASE
        WHEN answer IS NULL THEN 'none'
        ELSE coalesce(answer_rule, 'imported')
    END AS answer_rule,
    count(*) AS n_rollouts,
    round(count(*) / sum(count(*)) OVER (PARTITION BY problem_set, model, sampling_hash), 4) AS share,
    round(count(*) FILTER (WHERE verdict = 'correct') / count(*), 4) AS correct_share,
    protocol,
    sampling_hash AS protocol_hash
FROM rollouts
WHERE origin = 'own' AND problem_set = coalesce($problem_set, problem_set)
GROUP BY problem_set, model, 3, protocol, sampling_hash
ORDER BY problem_set, model, n_rollouts DESC;
