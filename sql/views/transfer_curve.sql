CREATE VIEW transfer_curve AS
SELECT
    problem_set,
    model AS reader,
    other AS writer,
    control,
    trace_filter,
    leaks,
    fraction,
    max(n) FILTER (WHERE measure = 'potential') AS n_traces,
    max(n_problems) FILTER (WHERE measure = 'potential') AS n_problems,
    max(estimate) FILTER (WHERE measure = 'potential') AS potential,
    max(ci_low) FILTER (WHERE measure = 'potential') AS ci_low,
    max(ci_high) FILTER (WHERE measure = 'potential') AS ci_high,
    max(n) FILTER (WHERE measure = 'lift') AS n_paired,
    max(estimate) FILTER (WHERE measure = 'lift') AS lift,
    max(ci_low) FILTER (WHERE measure = 'lift') AS lift_low,
    max(ci_high) FILTER (WHERE measure = 'lift') AS lift_high,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'transfer_curve'
GROUP BY ALL;
COMMENT ON VIEW transfer_curve IS 'The reader''s mean potential against the share of the writer''s trace that it was given: one row per reader, writer, control, trace filter, leaks and fraction.';
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
