-- Which insights show the least in their text: are they jumps? (Fewest signs first, then the largest rise.)
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
-- param limit: 20 = rows
SELECT
    spikes.problem_set,
    spikes.model,
    spikes.problem_id,
    spikes.cut_policy,
    spikes.trace_id,
    spikes.cut_index,
    round(potential_before, 3) AS before,
    round(potential_after, 3) AS after,
    n_before,
    n_after,
    round(delta_low, 2) AS rise_low,
    round(delta_high, 2) AS rise_high,
    is_confirmed,
    n_characters,
    n_tokens,
    is_calculation,
    is_self_check,
    has_gold_answer,
    has_first_answer,
    span
FROM spikes
JOIN jumps USING (trace_id, cut_policy, cut_index)
WHERE by_threshold
    AND spikes.problem_set = coalesce($problem_set, spikes.problem_set)
    AND spikes.model = coalesce($model, spikes.model)
ORDER BY is_calculation::INTEGER + is_self_check::INTEGER + has_gold_answer::INTEGER + has_first_answer::INTEGER,
    delta DESC, spikes.trace_id, spikes.cut_index
LIMIT $limit;
