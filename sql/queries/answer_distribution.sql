-- Which answers does a model reach from each point of a trace?
-- param trace_id: NULL = the trace with the largest single change
-- param cut_index: NULL = every cut
-- param limit: 5 = answers per cut, the most frequent first
SELECT
    curve.trace_id,
    curve.cut_index,
    curve.chunk,
    answers.answer,
    answers.is_correct,
    answers.n_rollouts,
    answers.n,
    round(answers.share, 3) AS share
FROM trace_curves AS curve
JOIN answer_distribution AS answers USING (problem_set, model, prefix_id)
WHERE curve.trace_id = coalesce($trace_id, (SELECT max_by(trace_id, abs(delta)) FROM trace_curves))
    AND curve.cut_index = coalesce($cut_index::INTEGER, curve.cut_index)
QUALIFY row_number() OVER (
    PARTITION BY curve.cut_policy, curve.cut_index ORDER BY answers.n_rollouts DESC, answers.answer
) <= $limit
ORDER BY curve.cut_policy, curve.cut_index, answers.n_rollouts DESC, answers.answer;
