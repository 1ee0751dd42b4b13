-- Where does a rollout come from? What the model read and wrote, what it was sampled with, how the verdict was reached.
-- param trace_id: NULL = the trace with the largest single change, or any where a block is named
-- param cut_index: NULL = the cut after that change, or the last measured one of a named trace
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
    ORDER BY CASE WHEN $trace_id IS NULL THEN abs(delta) END DESC NULLS LAST, cut_index DESC
    LIMIT 1
),
-- One block may serve two assets, and one prefix may be given to a reader by several writers.
asked AS (
    SELECT problem_set, model, block_key, any_value(seed) AS seed, any_value(sampled_with) AS sampled_with,
        any_value(prompt) AS prompt
    FROM blocks
    GROUP BY ALL
),
given AS (
    SELECT cuts.problem_set, cuts.reader AS model, cuts.prefix_id,
        min(substr(donor.text, 1, cuts.char_end)) AS text
    FROM transfer_cuts AS cuts
    JOIN traces AS donor ON donor.problem_set = cuts.problem_set AND donor.trace_id = cuts.donor_trace_id
    GROUP BY ALL
),
audited AS (
    SELECT problem_set, model, block_key, shard, any_value(verdict) AS verdict, any_value(z) AS z
    FROM audits
    GROUP BY ALL
)
SELECT
    rollouts.problem_set,
    rollouts.model,
    rollouts.problem_id,
    rollouts.sample_index,
    coalesce(asked.prompt, problems.prompt) || coalesce(prefixes.text, given.text, '') AS read,
    rollouts.text AS wrote,
    rollouts.finish_reason,
    rollouts.verdict,
    rollouts.answer,
    problems.gold_answer,
    CASE rollouts.verdict
        WHEN 'no_answer' THEN 'no final answer found'
        WHEN 'truncated' THEN 'out of tokens without a final answer'
        ELSE (
            SELECT max_by(grades.reason, grades.grader_version)
            FROM grades
            WHERE grades.answer = rollouts.answer
                AND grades.gold_answer = coalesce(problems.judged_by, problems.gold_answer)
                AND grades.answer_kind = problems.answer_kind
        )
    END AS decided_by,
    rollouts.block_key,
    asked.seed,
    asked.sampled_with,
    coalesce(audited.verdict, 'not audited') AS audit,
    round(audited.z, 1) AS audit_z,
    rollouts.shard
FROM rollout_texts AS rollouts
JOIN problems USING (problem_set, problem_id)
LEFT JOIN asked USING (problem_set, model, block_key)
LEFT JOIN prefixes USING (problem_set, model, prefix_id)
LEFT JOIN given USING (problem_set, model, prefix_id)
LEFT JOIN audited USING (problem_set, model, block_key, shard)
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
