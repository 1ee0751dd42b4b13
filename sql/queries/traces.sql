-- Which traces were measured, and where do they turn? (Largest rise and drop between cuts; how far the end is from the last potential.)
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
WITH curves AS (
    SELECT
        problem_set,
        model,
        problem_id,
        trace_id,
        cut_policy,
        any_value(sample_index) AS sample_index,
        any_value(verdict) AS verdict,
        max(token_end) AS n_tokens,
        count(*) FILTER (WHERE NOT is_end) AS n_cuts,
        any_value(potential) FILTER (WHERE cut_index = 0) AS v0,
        any_value(ci_low) FILTER (WHERE cut_index = 0) AS v0_low,
        any_value(ci_high) FILTER (WHERE cut_index = 0) AS v0_high,
        max(delta) AS largest_rise,
        min(delta) AS largest_drop,
        abs(any_value(value) FILTER (WHERE is_end) - arg_max(potential, cut_index)) AS surprise
    FROM trace_curves
    WHERE problem_set = coalesce($problem_set, problem_set)
        AND model = coalesce($model, model)
    GROUP BY ALL
),
found AS (
    SELECT
        trace_id,
        cut_policy,
        count(*) FILTER (WHERE pattern = 'insight') AS n_insights,
        count(*) FILTER (WHERE pattern = 'tangent') AS n_tangents,
        count(*) FILTER (WHERE is_confirmed AND pattern IN ('insight', 'tangent')) AS n_confirmed,
        bool_or(pattern = 'late_spike') AS is_late_spike,
        bool_or(pattern = 'lucky_guess') AS is_lucky_guess
    FROM events
    WHERE by_threshold
    GROUP BY ALL
)
SELECT
    curves.problem_set,
    curves.model,
    curves.problem_id,
    problems.level,
    problems.subject,
    curves.cut_policy,
    curves.trace_id,
    curves.sample_index,
    curves.verdict,
    curves.n_tokens,
    curves.n_cuts,
    round(curves.v0, 3) AS v0,
    round(curves.v0_low, 3) AS v0_low,
    round(curves.v0_high, 3) AS v0_high,
    round(curves.largest_rise, 3) AS largest_rise,
    round(curves.largest_drop, 3) AS largest_drop,
    round(curves.surprise, 3) AS surprise,
    coalesce(found.n_insights, 0) AS n_insights,
    coalesce(found.n_tangents, 0) AS n_tangents,
    coalesce(found.n_confirmed, 0) AS n_confirmed,
    coalesce(found.is_late_spike, false) AS is_late_spike,
    coalesce(found.is_lucky_guess, false) AS is_lucky_guess,
    monotonicity.by_threshold AS is_monotone
FROM curves
LEFT JOIN found USING (trace_id, cut_policy)
LEFT JOIN monotonicity USING (trace_id, cut_policy)
LEFT JOIN problems ON problems.problem_set = curves.problem_set AND problems.problem_id = curves.problem_id
ORDER BY curves.problem_set, curves.model, curves.problem_id, curves.sample_index, curves.trace_id, curves.cut_policy;
