-- The measured traces of a model with the places where they are cut, of a prefix that several share only one.
-- Parameters: $problem_set, $model.
WITH places AS (
    SELECT DISTINCT ON (prefix_id) trace_id, token_end
    FROM trace_cuts
    WHERE problem_set = $problem_set AND model = $model AND prefix_id IS NOT NULL
    ORDER BY trace_id, cut_policy
),

cut AS (
    SELECT trace_id, list(token_end ORDER BY token_end) AS ends FROM places GROUP BY trace_id
)

SELECT traces.problem_id, traces.prompt_token_ids, traces.token_ids, cut.ends
FROM cut
JOIN traces USING (trace_id)
ORDER BY traces.trace_id;
