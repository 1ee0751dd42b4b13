CREATE VIEW transfer_cuts AS
WITH prompts AS (
    SELECT problem_set, model, problem_id, any_value(prompt_token_ids) AS token_ids
    FROM traces
    GROUP BY ALL
)
SELECT
    given.problem_set,
    given.reader,
    given.writer,
    given.problem_id,
    given.trace_id,
    given.fraction,
    given.control,
    given.cut_index,
    given.share,
    given.donor_trace_id,
    given.prefix_id,
    prompts.token_ids || coalesce(given.encoded_ids, donors.token_ids[:given.n_tokens]) AS token_ids,
    given.n_tokens,
    given.char_end,
    traces.verdict AS trace_verdict,
    given.leaks_answer,
    given.protocol,
    given.sampling_hash AS protocol_hash
FROM given
LEFT JOIN traces ON traces.trace_id = given.trace_id
LEFT JOIN traces AS donors ON donors.trace_id = given.donor_trace_id
LEFT JOIN prompts
    ON prompts.problem_set = given.problem_set
    AND prompts.model = given.reader
    AND prompts.problem_id = given.problem_id;
COMMENT ON VIEW transfer_cuts IS 'One row per reader, writer, trace, fraction and control: which text the reader was given.';
COMMENT ON COLUMN transfer_cuts.fraction IS 'Share of the writer''s trace that was asked for, in the writer''s tokens; the measured cut nearest to it is taken';
COMMENT ON COLUMN transfer_cuts.cut_index IS 'That cut of the writer''s trace; for a control, the cut whose prefix has its length';
COMMENT ON COLUMN transfer_cuts.share IS 'Share of the writer''s trace before that cut';
COMMENT ON COLUMN transfer_cuts.prefix_id IS 'Hash of the reader''s prompt and prefix token ids';
COMMENT ON COLUMN transfer_cuts.token_ids IS 'The reader''s token ids of prompt and prefix together';
COMMENT ON COLUMN transfer_cuts.n_tokens IS 'The reader''s tokens of the prefix';
COMMENT ON COLUMN transfer_cuts.char_end IS 'Characters of the donor''s text that were given';
COMMENT ON COLUMN transfer_cuts.leaks_answer IS 'The gold answer is in the given text';
