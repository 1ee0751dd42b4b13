-- Which steps raise a model's chance most, and what do they say?
-- note: Rises between neighboring cuts, largest first, with the text between them.
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
-- param limit: 20 = rows
SELECT
    problem_set, model, cut_policy, problem_id, trace_id, cut_index,
    round(potential_before, 3) AS before,
    round(potential_after, 3) AS after,
    n_before,
    n_after,
    round(delta, 2) AS rise,
    round(delta_low, 2) AS rise_low,
    round(delta_high, 2) AS rise_high,
    by_threshold,
    is_confirmed,
    span
FROM spikes
WHERE problem_set = coalesce($problem_set, problem_set)
    AND model = coalesce($model, model)
ORDER BY delta DESC, trace_id, cut_index, cut_policy = 'grid21'
LIMIT $limit;
