CREATE TABLE IF NOT EXISTS given (
    problem_set    VARCHAR NOT NULL,
    reader         VARCHAR NOT NULL,
    writer         VARCHAR NOT NULL,
    problem_id     VARCHAR NOT NULL,
    trace_id       VARCHAR NOT NULL,
    fraction       DOUBLE NOT NULL,
    control        VARCHAR NOT NULL,
    cut_index      INTEGER NOT NULL,
    share          DOUBLE NOT NULL,
    donor_trace_id VARCHAR NOT NULL,
    char_end       INTEGER NOT NULL,
    n_tokens       INTEGER NOT NULL,
    encoded_ids    INTEGER[],
    prefix_id      VARCHAR NOT NULL,
    leaks_answer   BOOLEAN NOT NULL,
    protocol       VARCHAR NOT NULL,
    sampling_hash  VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, reader, writer, trace_id, fraction, control)
);
COMMENT ON TABLE given IS 'One row per reader, writer, trace, fraction and control: which text the reader was given. Texts and tokens: views rollout_texts and transfer_cuts.';
COMMENT ON COLUMN given.fraction IS 'Share of the writer''s trace that was asked for, in the writer''s tokens; the measured cut nearest to it is taken';
COMMENT ON COLUMN given.cut_index IS 'That cut of the writer''s trace; for a control, the cut whose prefix has its length';
COMMENT ON COLUMN given.share IS 'Share of the writer''s trace before that cut';
COMMENT ON COLUMN given.char_end IS 'Characters of the donor''s text that were given';
COMMENT ON COLUMN given.n_tokens IS 'The reader''s tokens of the prefix';
COMMENT ON COLUMN given.encoded_ids IS 'Their ids, where the donor''s tokenizer is another one; else NULL: they are the donor''s first n_tokens';
COMMENT ON COLUMN given.prefix_id IS 'Hash of the reader''s prompt and prefix token ids';
COMMENT ON COLUMN given.leaks_answer IS 'The gold answer is in the given text';
