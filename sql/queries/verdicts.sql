-- What became of each model's traces: correct, incorrect, unanswered, truncated, unscored; how many have a curve?
-- param problem_set: NULL = all problem sets
SELECT
    traces.problem_set,
    traces.model,
    string_agg(DISTINCT traces.model_revision, ', ' ORDER BY traces.model_revision) AS revision,
    count(DISTINCT traces.problem_id) AS n_problems,
    count(*) AS n_traces,
    count(*) FILTER (WHERE verdict = 'correct') AS n_correct,
    count(*) FILTER (WHERE verdict = 'incorrect') AS n_incorrect,
    count(*) FILTER (WHERE verdict = 'no_answer') AS n_no_answer,
    count(*) FILTER (WHERE verdict = 'truncated') AS n_truncated,
    count(*) FILTER (WHERE verdict = 'unscored') AS n_unscored,
    count(DISTINCT trace_cuts.trace_id) AS n_measured,
    round(median(n_tokens)) AS median_tokens
FROM traces
LEFT JOIN (SELECT DISTINCT trace_id FROM trace_cuts) AS trace_cuts USING (trace_id)
WHERE traces.problem_set = coalesce($problem_set, traces.problem_set)
GROUP BY traces.problem_set, traces.model
ORDER BY traces.problem_set, traces.model;
