-- What do the rollouts from one point of a trace say? (Texts come from the shards.)
-- param trace_id: NULL = the trace with the largest single change
-- param cut_index: NULL = the cut after that change, or the last measured one of a named trace
-- param verdict: NULL = any verdict; or correct, incorrect, no_answer, truncated, unscored
-- param limit: 10 = rows
WITH chosen AS (
    SELECT problem_set, model, trace_id, cut_index, prefix_id, n, potential, ci_low, ci_high
    FROM trace_curves
    WHERE NOT is_end
        AND trace_id = coalesce(
            $trace_id,
            (SELECT max_by(trace_id, abs(delta)) FROM trace_curves),
            (SELECT min(trace_id) FROM trace_curves)
        )
        AND cut_index = coalesce($cut_index::INTEGER, cut_index)
    ORDER BY CASE WHEN $trace_id IS NULL THEN abs(delta) END DESC NULLS LAST, cut_index DESC
    LIMIT 1
)
SELECT
    chosen.trace_id,
    chosen.cut_index,
    chosen.n,
    round(chosen.potential, 3) AS potential,
    round(chosen.ci_low, 3) AS ci_low,
    round(chosen.ci_high, 3) AS ci_high,
    rollouts.sample_index,
    rollouts.verdict,
    rollouts.answer,
    rollouts.n_tokens,
    rollouts.text
FROM chosen
JOIN rollout_texts AS rollouts USING (problem_set, model, prefix_id)
WHERE NOT rollouts.is_transfer AND rollouts.verdict = coalesce($verdict, rollouts.verdict)
ORDER BY rollouts.sample_index
LIMIT $limit;
