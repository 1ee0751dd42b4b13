CREATE TABLE IF NOT EXISTS step_correlations (
    problem_set        VARCHAR NOT NULL,
    reader             VARCHAR NOT NULL,
    writer             VARCHAR NOT NULL,
    kind               VARCHAR NOT NULL,
    leaks              VARCHAR NOT NULL,
    n_steps            INTEGER NOT NULL,
    n_traces           INTEGER NOT NULL,
    n_problems         INTEGER NOT NULL,
    writer_change      DOUBLE,
    writer_change_low  DOUBLE,
    writer_change_high DOUBLE,
    reader_change      DOUBLE,
    reader_change_low  DOUBLE,
    reader_change_high DOUBLE,
    correlation        DOUBLE,
    correlation_low    DOUBLE,
    correlation_high   DOUBLE,
    corrected          DOUBLE,
    corrected_low      DOUBLE,
    corrected_high     DOUBLE,
    protocol           VARCHAR NOT NULL,
    protocol_hash      VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, reader, writer, kind, leaks)
);
COMMENT ON TABLE step_correlations IS 'Does the step that lifts the writer lift the reader? One row per reader, writer, kind of step and leaks, from the table transfer_steps.';
COMMENT ON COLUMN step_correlations.kind IS 'all, insight, tangent or other, by the writer''s change';
COMMENT ON COLUMN step_correlations.leaks IS 'kept, or dropped: without steps at whose end the gold answer stands in the text';
COMMENT ON COLUMN step_correlations.n_steps IS 'Steps';
COMMENT ON COLUMN step_correlations.n_traces IS 'Traces that they belong to';
COMMENT ON COLUMN step_correlations.writer_change IS 'Mean change of the writer''s potential; beyond a threshold it is exaggerated, since it was chosen for its size';
COMMENT ON COLUMN step_correlations.writer_change_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN step_correlations.writer_change_high IS 'Upper end of it';
COMMENT ON COLUMN step_correlations.reader_change IS 'Mean change of the reader''s potential; NULL without steps';
COMMENT ON COLUMN step_correlations.reader_change_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN step_correlations.reader_change_high IS 'Upper end of it';
COMMENT ON COLUMN step_correlations.correlation IS 'Correlation of the two changes over the steps, weakened by the noise of both; NULL with fewer than 3 problems or where either does not vary';
COMMENT ON COLUMN step_correlations.correlation_low IS 'Lower end of its 95% interval, cluster bootstrap by problem; NULL with fewer than 6';
COMMENT ON COLUMN step_correlations.correlation_high IS 'Upper end of it';
COMMENT ON COLUMN step_correlations.corrected IS 'Correlation of the true changes: the binomial noise taken off both variances; NULL also where a change does not vary beyond its noise, and for a single kind, in whose choice the noise took part';
COMMENT ON COLUMN step_correlations.corrected_low IS 'Lower end of its 95% interval; NULL where it does not exist in half of the resamples';
COMMENT ON COLUMN step_correlations.corrected_high IS 'Upper end of it';
