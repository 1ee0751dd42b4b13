-- Where the text of every prefix is that a model was asked to continue: the first characters of a trace, its
-- own or one that it was given.
-- Parameters: $problem_set, $model.
SELECT DISTINCT ON (prefix_id) problem_id, prefix_id, trace_id, char_end
FROM (
    SELECT problem_id, prefix_id, trace_id, char_end
    FROM trace_cuts
    WHERE problem_set = $problem_set AND model = $model AND prefix_id IS NOT NULL
    UNION ALL
    SELECT problem_id, prefix_id, donor_trace_id, char_end
    FROM given
    WHERE problem_set = $problem_set AND reader = $model
)
ORDER BY prefix_id, trace_id;
