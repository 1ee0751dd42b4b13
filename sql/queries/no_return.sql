-- After which cut does the potential of a trace stay below a limit to its end?
-- note: The first measured cut from which on no later one reaches the limit; only traces that have one. Estimates are
-- note: compared, so with a small n a trace may return that seems not to: ci_high says how high the last cut may be.
-- param below: 0.05 = the limit
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
WITH cuts AS (
    SELECT *,
        max(potential) OVER (
            PARTITION BY trace_id, cut_policy ORDER BY cut_index ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS highest
    FROM trace_curves
    WHERE potential IS NOT NULL
        AND problem_set = coalesce($problem_set, problem_set)
        AND model = coalesce($model, model)
)

SELECT
    problem_set,
    model,
    problem_id,
    trace_id,
    cut_policy,
    any_value(verdict) AS verdict,
    min(cut_index) AS cut_index,
    round(min(fraction), 3) AS fraction,
    count(*) AS n_cuts,
    round(arg_max(v0, cut_index), 3) AS v0,
    round(arg_min(potential, cut_index), 3) AS potential,
    round(arg_max(ci_high, cut_index), 3) AS last_ci_high,
    arg_min(chunk, cut_index) AS chunk
FROM cuts
WHERE highest < $below
GROUP BY problem_set, model, problem_id, trace_id, cut_policy
ORDER BY problem_set, model, cut_policy, fraction, trace_id;
