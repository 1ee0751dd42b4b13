-- Counts of rollouts per prefix of one model on one problem set. A prefix without rollouts stays, with
-- n = 0. The potential and its interval are added by cot_assets.statistics.estimates.add_potential.
-- Parameters: $problem_set, $model.
WITH counts AS (
    SELECT
        prefix_id,
        count(*) FILTER (WHERE verdict IN ('correct', 'incorrect', 'no_answer', 'truncated')) AS n,
        count(*) FILTER (WHERE verdict = 'correct') AS n_correct,
        count(*) FILTER (WHERE verdict = 'truncated') AS n_truncated,
        count(*) FILTER (WHERE verdict = 'no_answer') AS n_no_answer,
        count(*) FILTER (WHERE verdict = 'unscored') AS n_unscored
    FROM rollouts
    WHERE problem_set = $problem_set AND model = $model
    GROUP BY prefix_id
)
SELECT
    prefixes.problem_set,
    prefixes.model,
    prefixes.problem_id,
    prefixes.prefix_id,
    coalesce(counts.n, 0)::INTEGER AS n,
    coalesce(counts.n_correct, 0)::INTEGER AS n_correct,
    coalesce(counts.n_truncated, 0)::INTEGER AS n_truncated,
    coalesce(counts.n_no_answer, 0)::INTEGER AS n_no_answer,
    coalesce(counts.n_unscored, 0)::INTEGER AS n_unscored,
    false AS is_n_approximate,
    prefixes.protocol,
    prefixes.protocol_hash
FROM prefixes
LEFT JOIN counts USING (prefix_id)
WHERE prefixes.problem_set = $problem_set AND prefixes.model = $model
ORDER BY prefixes.problem_id, prefixes.n_tokens, prefixes.prefix_id;
