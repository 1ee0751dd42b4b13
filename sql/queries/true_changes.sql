-- How large are the true changes between cuts, sampling noise removed, and how many of them are events?
-- param problem_set: NULL = all problem sets
WITH still AS (
    SELECT problem_set, model, cut_policy, mass AS share_without_change
    FROM change_priors
    WHERE change_low = 0 AND change_high = 0
)
SELECT
    changes.problem_set,
    changes.model,
    changes.cut_policy,
    count(*) AS n_pairs,
    count(DISTINCT changes.trace_id) AS n_traces,
    round(any_value(share_without_change), 3) AS share_without_change,
    count(*) FILTER (WHERE spikes.by_threshold) AS n_insights,
    round(sum(insight_fitted), 1) AS expected_true_insights,
    count(*) FILTER (WHERE is_insight_confirmed) AS n_confirmed_insights,
    count(*) FILTER (WHERE tangents.by_threshold) AS n_tangents,
    round(sum(tangent_fitted), 1) AS expected_true_tangents,
    count(*) FILTER (WHERE is_tangent_confirmed) AS n_confirmed_tangents,
    round(stddev_pop(changes.delta), 3) AS sd_of_estimates,
    round(stddev_pop(changes.delta_fitted), 3) AS sd_of_fitted
FROM changes
LEFT JOIN still USING (problem_set, model, cut_policy)
LEFT JOIN spikes USING (trace_id, cut_policy, cut_index)
LEFT JOIN tangents USING (trace_id, cut_policy, cut_index)
WHERE changes.problem_set = coalesce($problem_set, changes.problem_set)
GROUP BY ALL
ORDER BY changes.problem_set, changes.cut_policy, changes.model;
