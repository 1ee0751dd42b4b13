-- How large are the true changes between cuts, sampling noise removed, and how many of them are events?
-- note: The law of true changes, fitted to all pairs of neighboring cuts with sampling noise removed: how many
-- note: events it expects (fitted), found by the threshold rule, and confirmed at a false discovery rate of 5%. The
-- note: fit errs toward no change at all.
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    cut_policy,
    measure,
    part AS pattern,
    rule,
    statistic,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    CASE WHEN measure = 'event' THEN round(n * estimate, 1) END AS n_events,
    n_with,
    n AS n_steps,
    n_problems
FROM summaries
WHERE figure = 'true_changes'
    AND problem_set = coalesce($problem_set, problem_set)
ORDER BY problem_set, cut_policy, model, measure, pattern,
    list_position(['threshold', 'estimate', 'fitted', 'confirmed'], rule);
