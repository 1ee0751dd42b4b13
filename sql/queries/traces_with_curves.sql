-- What did each trace write, and what was its potential at every cut? One row per trace, its curve as a list.
-- note: curve has one entry per measured cut: what was counted in the completions of the first char_end characters.
-- note: A trace that was not measured has none.
-- param model: NULL = all models
-- param problem_set: NULL = all problem sets
WITH curves AS (
    SELECT
        trace_id,
        list(
            {
                'cut_policy': cut_policy, 'cut_index': cut_index, 'char_end': char_end, 'potential': potential,
                'ci_low': ci_low, 'ci_high': ci_high, 'n': n
            }
            ORDER BY cut_policy, cut_index
        ) AS curve
    FROM trace_curves
    WHERE NOT is_end
        AND model = coalesce($model, model)
        AND problem_set = coalesce($problem_set, problem_set)
    GROUP BY trace_id
)
SELECT
    traces.problem_set,
    traces.model,
    traces.problem_id,
    traces.trace_id,
    traces.sample_index,
    problems.level,
    problems.subject,
    problems.prompt,
    problems.gold_answer,
    traces.text,
    traces.answer,
    traces.verdict,
    traces.finish_reason,
    traces.n_tokens,
    traces.model_revision,
    coalesce(curves.curve, []) AS curve
FROM traces
JOIN problems ON problems.problem_set = traces.problem_set AND problems.problem_id = traces.problem_id
LEFT JOIN curves USING (trace_id)
WHERE traces.model = coalesce($model, traces.model)
    AND traces.problem_set = coalesce($problem_set, traces.problem_set)
ORDER BY traces.problem_set, traces.model, traces.problem_id, traces.sample_index;
