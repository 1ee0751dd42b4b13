CREATE TABLE IF NOT EXISTS transfer_curve (
    problem_set           VARCHAR NOT NULL,
    reader                VARCHAR NOT NULL,
    writer                VARCHAR NOT NULL,
    control               VARCHAR NOT NULL,
    trace_filter          VARCHAR NOT NULL,
    leaks                 VARCHAR NOT NULL,
    fraction              DOUBLE NOT NULL,
    n_traces              INTEGER NOT NULL,
    n_problems            INTEGER NOT NULL,
    potential             DOUBLE,
    ci_low                DOUBLE,
    ci_high               DOUBLE,
    n_paired              INTEGER NOT NULL,
    lift                  DOUBLE,
    lift_low              DOUBLE,
    lift_high             DOUBLE,
    protocol              VARCHAR NOT NULL,
    protocol_hash         VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, reader, writer, control, trace_filter, leaks, fraction)
);
COMMENT ON TABLE transfer_curve IS 'The reader''s mean potential against the share of the writer''s trace that it was given: one row per reader, writer, control, trace filter, leaks and fraction.';
COMMENT ON COLUMN transfer_curve.writer IS 'Model that wrote the traces';
COMMENT ON COLUMN transfer_curve.control IS 'none: the writer''s own text; or shuffled, wrong, own: another text of equal length (table transfer_cuts)';
COMMENT ON COLUMN transfer_curve.trace_filter IS 'all measured traces of the writer, or correct ones only';
COMMENT ON COLUMN transfer_curve.leaks IS 'kept, or dropped: without rows whose given text states the gold answer';
COMMENT ON COLUMN transfer_curve.fraction IS 'Share of the writer''s trace, in the writer''s tokens';
COMMENT ON COLUMN transfer_curve.n_traces IS 'Traces with a known potential';
COMMENT ON COLUMN transfer_curve.potential IS 'Mean potential of the reader over these traces; NULL without one';
COMMENT ON COLUMN transfer_curve.ci_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN transfer_curve.ci_high IS 'Upper end of it';
COMMENT ON COLUMN transfer_curve.n_paired IS 'Of n_traces: the reader''s potential without any text is known too; 0 at fraction 0, which is that potential';
COMMENT ON COLUMN transfer_curve.lift IS 'Mean difference to that potential, trace by trace; NULL where n_paired is 0';
COMMENT ON COLUMN transfer_curve.lift_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN transfer_curve.lift_high IS 'Upper end of it';
