CREATE VIEW prefixes AS
WITH places AS (
    -- A prefix that several traces share is the same slice of each.
    SELECT DISTINCT ON (problem_set, model, prefix_id)
        problem_set, model, problem_id, prefix_id, trace_id, token_end, char_end, protocol, sampling_hash
    FROM trace_cuts
    WHERE prefix_id IS NOT NULL
    ORDER BY trace_id, cut_policy
)
SELECT
    places.problem_set,
    places.model,
    places.problem_id,
    places.prefix_id,
    list_concat(traces.prompt_token_ids, traces.token_ids[:places.token_end]) AS token_ids,
    places.token_end AS n_tokens,
    substr(traces.text, 1, places.char_end) AS text,
    places.protocol,
    places.sampling_hash AS protocol_hash
FROM places
JOIN traces USING (trace_id);
COMMENT ON VIEW prefixes IS 'One row per distinct prefix of the measured traces: a slice of its trace.';
COMMENT ON COLUMN prefixes.model IS 'Writer of the trace';
COMMENT ON COLUMN prefixes.prefix_id IS 'Hash of prompt and prefix token ids';
COMMENT ON COLUMN prefixes.token_ids IS 'Token ids of prompt and prefix together; empty where the source has only text';
COMMENT ON COLUMN prefixes.n_tokens IS 'Tokens of the prefix, prompt not counted';
COMMENT ON COLUMN prefixes.text IS 'The prefix as text, without the prompt';
