-- Which traces lose or gain most over several cuts, not only in one step?
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
-- param kind: 'drawdown' = falls; or 'run_up', rises
-- param limit: 20 = rows
SELECT
    problem_set,
    model,
    cut_policy,
    problem_id,
    trace_id,
    verdict,
    n_known_cuts,
    cut_from,
    cut_to,
    token_end - token_start AS n_tokens,
    round(potential_from, 3) AS potential_from,
    round(potential_to, 3) AS potential_to,
    round(change, 3) AS change,
    round(change_split, 3) AS change_split,
    round(change_low, 3) AS change_low,
    by_threshold,
    is_confirmed
FROM drawdowns
WHERE kind = $kind
    AND problem_set = coalesce($problem_set, problem_set)
    AND model = coalesce($model, model)
ORDER BY change_split DESC NULLS LAST, trace_id, cut_policy
LIMIT $limit;
