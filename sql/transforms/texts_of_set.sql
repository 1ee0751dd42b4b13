-- Texts of the traces of all models on one problem set.
-- Parameters: $problem_set.
SELECT trace_id, text
FROM traces
WHERE problem_set = $problem_set;
