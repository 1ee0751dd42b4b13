-- Counts of a reader's rollouts per row of transfer_cuts on one problem set. Rows that were given the
-- same prefix (fraction 0 of every trace of a problem) share its rollouts; a row without rollouts stays,
-- with n = 0. The potential and its interval are added by
-- cot_assets.statistics.estimates.add_potential.
-- Parameters: $problem_set, $reader.
WITH counts AS (
    SELECT
        problem_id,
        prefix_id,
        count(*) FILTER (WHERE verdict IN ('correct', 'incorrect', 'no_answer', 'truncated')) AS n,
        count(*) FILTER (WHERE verdict = 'correct') AS n_correct,
        count(*) FILTER (WHERE verdict = 'truncated') AS n_truncated,
        count(*) FILTER (WHERE verdict = 'no_answer') AS n_no_answer,
        count(*) FILTER (WHERE verdict = 'unscored') AS n_unscored
    FROM transfer_rollouts
    WHERE problem_set = $problem_set AND reader = $reader
    GROUP BY problem_id, prefix_id
)
SELECT
    cuts.problem_set,
    cuts.reader,
    cuts.writer,
    cuts.problem_id,
    cuts.trace_id,
    cuts.fraction,
    cuts.control,
    cuts.cut_index,
    cuts.share,
    cuts.prefix_id,
    cuts.n_tokens,
    cuts.trace_verdict,
    cuts.leaks_answer,
    coalesce(counts.n, 0)::INTEGER AS n,
    coalesce(counts.n_correct, 0)::INTEGER AS n_correct,
    coalesce(counts.n_truncated, 0)::INTEGER AS n_truncated,
    coalesce(counts.n_no_answer, 0)::INTEGER AS n_no_answer,
    coalesce(counts.n_unscored, 0)::INTEGER AS n_unscored,
    false AS is_n_approximate,
    cuts.protocol,
    cuts.protocol_hash
FROM transfer_cuts AS cuts
LEFT JOIN counts USING (problem_id, prefix_id)
WHERE cuts.problem_set = $problem_set AND cuts.reader = $reader
ORDER BY cuts.problem_id, cuts.writer, cuts.trace_id, cuts.control, cuts.fraction;
