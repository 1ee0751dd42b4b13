-- How much of the answer is still open along a trace, and is the model sure of an incorrect one?
-- param trace_id: NULL = the trace with the largest single change
SELECT
    curve.trace_id,
    curve.cut_policy,
    curve.cut_index,
    curve.chunk,
    open.n,
    round(open.entropy, 2) AS entropy_bits,
    round(open.ci_low, 2) AS entropy_low,
    round(open.ci_high, 2) AS entropy_high,
    open.n_answers,
    open.top_answer,
    round(open.top_rollouts / open.n, 3) AS top_share,
    open.is_top_correct,
    round(curve.potential, 3) AS potential,
    round(curve.ci_low, 3) AS ci_low,
    round(curve.ci_high, 3) AS ci_high
FROM trace_curves AS curve
JOIN answer_entropy AS open USING (problem_set, model, prefix_id)
WHERE curve.trace_id = coalesce($trace_id, (SELECT max_by(trace_id, abs(delta)) FROM trace_curves))
ORDER BY curve.cut_policy, curve.cut_index;
