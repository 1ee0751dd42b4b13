-- Where does a rollout come from? What the model read and wrote, what it was sampled with, how the verdict was reached.
-- param trace_id: NULL = the trace with the largest single change, or any where a block is named
-- param cut_index: NULL = the cut after that change, or the last measured one of a named trace
-- param cut_policy: NULL = any; or that of the cut
-- param sample_index: NULL = any of the rollouts from there
-- param block: NULL = any block; or a block's key
-- param limit: 1 = rows
WITH point AS (
    SELECT problem_set, model, prefix_id
    FROM trace_curves
    WHERE NOT is_end
        AND trace_id = coalesce(
            $trace_id,
            (SELECT max_by(trace_id, abs(delta)) FROM trace_curves),
            (SELECT min(trace_id) FROM trace_curves)
        )
        AND cut_index = coalesce($cut_index::INTEGER, cut_index)
        AND cut_policy = coalesce($cut_policy, cut_policy)
    ORDER BY CASE WHEN $trace_id IS NULL THEN abs(delta) END DESC NULLS LAST, cut_index DESC
    LIMIT 1
),
-- One prefix may be given to a reader by several writers.
given AS (
    SELECT cuts.problem_set, cuts.reader AS model, cuts.prefix_id,
        min(substr(donor.text, 1, cuts.char_end)) AS text
    FROM transfer_cuts AS cuts
    JOIN traces AS donor ON donor.problem_set = cuts.problem_set AND donor.trace_id = cuts.donor_trace_id
    GROUP BY ALL
)
SELECT
    rollouts.problem_set,
    rollouts.model,
    rollouts.problem_id,
    rollouts.sample_index,
    origin.prompt || coalesce(prefixes.text, given.text, '') AS read,
    rollouts.text AS wrote,
    origin.finish_reason,
    origin.verdict,
    origin.answer,
    origin.answer_rule,
    origin.gold_answer,
    origin.decided_by,
    origin.block_key,
    origin.seed,
    origin.sampled_with,
    origin.audit,
    origin.audit_z,
    origin.shard
FROM rollout_texts AS rollouts
JOIN provenance AS origin USING (problem_set, model, prefix_id, sample_index)
LEFT JOIN prefixes USING (problem_set, model, prefix_id)
LEFT JOIN given USING (problem_set, model, prefix_id)
WHERE rollouts.sample_index = coalesce($sample_index::INTEGER, rollouts.sample_index)
    AND CASE
        WHEN $block IS NOT NULL THEN rollouts.block_key = $block
        ELSE NOT rollouts.is_transfer
            AND (rollouts.problem_set, rollouts.model, rollouts.prefix_id) IN (
                SELECT (problem_set, model, prefix_id) FROM point
            )
    END
ORDER BY rollouts.is_transfer, rollouts.sample_index
LIMIT $limit;
