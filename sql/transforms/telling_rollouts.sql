-- Of each prefix the first rollouts whose answer is correct, and the first others, with all that is known of them.
-- Parameters: $problem_set, $each (of both).
SELECT * FROM provenance
WHERE problem_set = $problem_set AND (model, prefix_id, sample_index) IN (
    SELECT (model, prefix_id, unnest(min(sample_index, $each)))
    FROM rollouts SEMI JOIN trace_cuts USING (problem_set, model, prefix_id)
    WHERE problem_set = $problem_set
    GROUP BY model, prefix_id, verdict = 'correct'
)
ORDER BY model, prefix_id, sample_index;
