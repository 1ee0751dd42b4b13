-- Counts of a model's rollouts per prefix that an asset asked for: completions, of its own traces, or
-- transfer_completions, given by others. A prefix without rollouts stays, with n = 0. The potential and its
-- interval are added by cot_assets.statistics.estimates.add_potential.
-- Parameters: $problem_set, $model, $origin, $asset.
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
),
wanted AS (
    SELECT DISTINCT problem_set, model, problem_id, prefix_id, protocol, sampling_hash
    FROM blocks
    WHERE problem_set = $problem_set AND model = $model AND asset = $asset
)
SELECT
    wanted.problem_set,
    wanted.model,
    wanted.problem_id,
    wanted.prefix_id,
    $origin AS origin,
    coalesce(counts.n, 0)::INTEGER AS n,
    coalesce(counts.n_correct, 0)::INTEGER AS n_correct,
    coalesce(counts.n_truncated, 0)::INTEGER AS n_truncated,
    coalesce(counts.n_no_answer, 0)::INTEGER AS n_no_answer,
    coalesce(counts.n_unscored, 0)::INTEGER AS n_unscored,
    NULL::DOUBLE AS n_effective,
    false AS is_n_approximate,
    wanted.protocol,
    wanted.sampling_hash
FROM wanted
LEFT JOIN counts USING (prefix_id)
ORDER BY wanted.problem_id, wanted.prefix_id;
