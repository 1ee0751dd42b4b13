CREATE TABLE IF NOT EXISTS transfer_steps (
    problem_set   VARCHAR NOT NULL,
    reader        VARCHAR NOT NULL,
    writer        VARCHAR NOT NULL,
    problem_id    VARCHAR NOT NULL,
    trace_id      VARCHAR NOT NULL,
    cut_from      INTEGER NOT NULL,
    cut_to        INTEGER NOT NULL,
    kind          VARCHAR NOT NULL,
    leaks_answer  BOOLEAN NOT NULL,
    writer_n_from INTEGER NOT NULL,
    writer_n_to   INTEGER NOT NULL,
    writer_from   DOUBLE NOT NULL,
    writer_to     DOUBLE NOT NULL,
    writer_change DOUBLE NOT NULL,
    reader_n_from INTEGER NOT NULL,
    reader_n_to   INTEGER NOT NULL,
    reader_from   DOUBLE NOT NULL,
    reader_to     DOUBLE NOT NULL,
    reader_change DOUBLE NOT NULL,
    protocol      VARCHAR NOT NULL,
    protocol_hash VARCHAR NOT NULL,
    PRIMARY KEY (reader, trace_id, cut_from)
);
COMMENT ON TABLE transfer_steps IS 'One row per reader and step of a writer''s trace between two successive cuts at which both potentials are measured.';
COMMENT ON COLUMN transfer_steps.cut_from IS 'Cut of the writer''s trace before the step';
COMMENT ON COLUMN transfer_steps.cut_to IS 'Next cut that the reader was given';
COMMENT ON COLUMN transfer_steps.kind IS 'insight or tangent if the writer''s change is beyond the threshold, else other';
COMMENT ON COLUMN transfer_steps.leaks_answer IS 'The gold answer is in the text at cut_to';
COMMENT ON COLUMN transfer_steps.writer_n_from IS 'Writer''s rollouts at cut_from';
COMMENT ON COLUMN transfer_steps.writer_n_to IS 'Writer''s rollouts at cut_to';
COMMENT ON COLUMN transfer_steps.writer_from IS 'Writer''s potential at cut_from';
COMMENT ON COLUMN transfer_steps.writer_to IS 'Writer''s potential at cut_to';
COMMENT ON COLUMN transfer_steps.writer_change IS 'writer_to - writer_from';
COMMENT ON COLUMN transfer_steps.reader_n_from IS 'Reader''s rollouts at cut_from';
COMMENT ON COLUMN transfer_steps.reader_n_to IS 'Reader''s rollouts at cut_to';
COMMENT ON COLUMN transfer_steps.reader_from IS 'Reader''s potential at cut_from';
COMMENT ON COLUMN transfer_steps.reader_to IS 'Reader''s potential at cut_to';
COMMENT ON COLUMN transfer_steps.reader_change IS 'reader_to - reader_from';
