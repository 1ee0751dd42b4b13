-- How does the potential change over the steps of a training?
-- note: Mean chance at the start (V0) and accuracy of each checkpoint; every problem counts once. Checkpoints whose
-- note: name holds no step come last.
-- param series: NULL = all series of checkpoints
-- param problem_set: NULL = all problem sets
SELECT
    summaries.problem_set,
    checkpoints.series,
    checkpoints.step,
    summaries.model,
    summaries.measure,
    round(summaries.estimate, 3) AS estimate,
    round(summaries.ci_low, 3) AS ci_low,
    round(summaries.ci_high, 3) AS ci_high,
    summaries.n_problems
FROM summaries
JOIN (SELECT DISTINCT ON (model) model, series, step FROM models ORDER BY model, first_seen_at DESC) AS checkpoints
    USING (model)
WHERE (checkpoints.series IS NOT NULL OR checkpoints.step IS NOT NULL)
    AND summaries.figure = 'difficulty'
    AND summaries.split_by = 'none'
    AND coalesce(checkpoints.series, '') = coalesce($series, checkpoints.series, '')
    AND summaries.problem_set = coalesce($problem_set, summaries.problem_set)
ORDER BY summaries.problem_set, checkpoints.series, summaries.measure DESC, checkpoints.step NULLS LAST, summaries.model;
