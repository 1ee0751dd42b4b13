-- Which steps throw a model off, and does the trace recover from them?
-- note: Drops between neighboring cuts, largest first. Recovered: a later cut is back within the tolerance.
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
-- param limit: 20 = rows
SELECT
    tangents.problem_set, tangents.model, tangents.cut_policy, tangents.problem_id, tangents.trace_id, tangents.cut_index,
    round(potential_before, 3) AS before,
    round(potential_after, 3) AS after,
    n_before,
    n_after,
    round(delta, 2) AS change,
    round(delta_low, 2) AS change_low,
    round(delta_high, 2) AS change_high,
    by_threshold,
    is_confirmed,
    is_recovered,
    traces.verdict,
    span
FROM tangents
JOIN traces USING (trace_id)
WHERE tangents.problem_set = coalesce($problem_set, tangents.problem_set)
    AND tangents.model = coalesce($model, tangents.model)
ORDER BY delta, tangents.trace_id, tangents.cut_index, tangents.cut_policy = 'grid21'
LIMIT $limit;
