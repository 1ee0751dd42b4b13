CREATE TABLE IF NOT EXISTS transfer_cuts (
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
    prefix_id      VARCHAR NOT NULL,
    token_ids      INTEGER[] NOT NULL,
    n_tokens       INTEGER NOT NULL,
    char_end       INTEGER NOT NULL,
    trace_verdict  VARCHAR NOT NULL,
    leaks_answer   BOOLEAN NOT NULL,
    protocol       VARCHAR NOT NULL,
    protocol_hash  VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, reader, writer, trace_id, fraction, control)
);
COMMENT ON TABLE transfer_cuts IS 'One row per reader, writer, trace, fraction and control: which text the reader was given.';
COMMENT ON COLUMN transfer_cuts.fraction IS 'Share of the writer''s trace that was asked for, in the writer''s tokens; the measured cut nearest to it is taken';
COMMENT ON COLUMN transfer_cuts.cut_index IS 'That cut of the writer''s trace; for a control, the cut whose prefix has its length';
COMMENT ON COLUMN transfer_cuts.share IS 'Share of the writer''s trace before that cut';
COMMENT ON COLUMN transfer_cuts.donor_trace_id IS 'Trace whose text is given; equals trace_id where control is none';
COMMENT ON COLUMN transfer_cuts.prefix_id IS 'Hash of the reader''s prompt and prefix token ids';
COMMENT ON COLUMN transfer_cuts.token_ids IS 'The reader''s token ids of prompt and prefix together';
COMMENT ON COLUMN transfer_cuts.n_tokens IS 'The reader''s tokens of the prefix';
COMMENT ON COLUMN transfer_cuts.char_end IS 'Characters of the donor''s text that were given';
COMMENT ON COLUMN transfer_cuts.leaks_answer IS 'The gold answer stands in the given text';
