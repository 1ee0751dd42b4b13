-- What was found on the imported curves of one model on one problem set: a row per cut policy, with events
-- by the threshold rule and, for insights and tangents, how many of all are confirmed; guesses and monotone
-- curves count traces.
-- Parameters: $problem_set, $model.
WITH cuts AS (
    SELECT
        trace_cuts.cut_policy,
        count(*) AS n_cuts,
        count(*) FILTER (WHERE potentials.potential IS NULL) AS n_unknown
    FROM trace_cuts
    LEFT JOIN potentials USING (problem_set, model, prefix_id)
    WHERE trace_cuts.problem_set = $problem_set AND trace_cuts.model = $model AND NOT trace_cuts.is_end
    GROUP BY trace_cuts.cut_policy
),
changes AS (
    SELECT
        cut_policy,
        count(*) FILTER (WHERE kind = 'insight' AND by_threshold) AS insight,
        count(*) FILTER (WHERE kind = 'insight' AND is_confirmed) AS insight_confirmed,
        count(*) FILTER (WHERE kind = 'tangent' AND by_threshold) AS tangent,
        count(*) FILTER (WHERE kind = 'tangent' AND is_confirmed) AS tangent_confirmed
    FROM (
        SELECT problem_set, model, cut_policy, 'insight' AS kind, by_threshold, is_confirmed FROM spikes
        UNION ALL
        SELECT problem_set, model, cut_policy, 'tangent' AS kind, by_threshold, is_confirmed FROM tangents
    )
    WHERE problem_set = $problem_set AND model = $model
    GROUP BY cut_policy
),
guesses AS (
    SELECT
        cut_policy,
        count(*) FILTER (WHERE rule = 'late_spike' AND by_threshold) AS late_spike,
        count(*) FILTER (WHERE rule = 'lucky_guess' AND by_threshold) AS lucky_guess
    FROM lucky_guesses
    WHERE problem_set = $problem_set AND model = $model
    GROUP BY cut_policy
),
monotone AS (
    SELECT cut_policy, count(*) FILTER (WHERE by_threshold) AS monotone
    FROM monotonicity
    WHERE problem_set = $problem_set AND model = $model
    GROUP BY cut_policy
)
SELECT
    cut_policy,
    n_cuts,
    n_unknown,
    coalesce(insight, 0) AS insight,
    coalesce(insight_confirmed, 0) AS insight_confirmed,
    coalesce(tangent, 0) AS tangent,
    coalesce(tangent_confirmed, 0) AS tangent_confirmed,
    coalesce(late_spike, 0) AS late_spike,
    coalesce(lucky_guess, 0) AS lucky_guess,
    coalesce(monotone, 0) AS monotone
FROM cuts
LEFT JOIN changes USING (cut_policy)
LEFT JOIN guesses USING (cut_policy)
LEFT JOIN monotone USING (cut_policy)
ORDER BY n_cuts DESC, cut_policy;
