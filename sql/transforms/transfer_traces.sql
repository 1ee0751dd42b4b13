-- What a reader may be given on a problem set: measured traces of the other models, with the tokens before
-- each measured cut (cut_tokens, NULL where a trace is not measured), and with them what the controls
-- need: incorrect traces, measured or not, and the reader's own.
-- Parameters: $problem_set, $reader.
WITH measured AS (
    SELECT trace_id, list(token_end ORDER BY cut_index) AS cut_tokens
    FROM trace_cuts
    WHERE problem_set = $problem_set AND NOT is_end AND cut_policy <> 'adaptive'  -- the cuts of the protocol itself
    GROUP BY trace_id
)
SELECT traces.*, measured.cut_tokens
FROM traces
LEFT JOIN measured USING (trace_id)
WHERE traces.problem_set = $problem_set
    AND traces.char_ends IS NOT NULL
    AND (cut_tokens IS NOT NULL OR traces.verdict = 'incorrect' OR traces.model = $reader)
ORDER BY traces.model, traces.problem_id, traces.sample_index;
