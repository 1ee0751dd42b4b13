CREATE VIEW step_correlations AS
SELECT
    problem_set,
    model AS reader,
    other AS writer,
    part AS kind,
    leaks,
    max(n) FILTER (WHERE measure = 'reader_change') AS n_steps,
    max(n) FILTER (WHERE measure = 'traces') AS n_traces,
    max(n_problems) FILTER (WHERE measure = 'reader_change') AS n_problems,
    max(estimate) FILTER (WHERE measure = 'writer_change') AS writer_change,
    max(ci_low) FILTER (WHERE measure = 'writer_change') AS writer_change_low,
    max(ci_high) FILTER (WHERE measure = 'writer_change') AS writer_change_high,
    max(estimate) FILTER (WHERE measure = 'reader_change') AS reader_change,
    max(ci_low) FILTER (WHERE measure = 'reader_change') AS reader_change_low,
    max(ci_high) FILTER (WHERE measure = 'reader_change') AS reader_change_high,
    max(estimate) FILTER (WHERE statistic = 'correlation') AS correlation,
    max(ci_low) FILTER (WHERE statistic = 'correlation') AS correlation_low,
    max(ci_high) FILTER (WHERE statistic = 'correlation') AS correlation_high,
    max(estimate) FILTER (WHERE statistic = 'corrected') AS corrected,
    max(ci_low) FILTER (WHERE statistic = 'corrected') AS corrected_low,
    max(ci_high) FILTER (WHERE statistic = 'corrected') AS corrected_high,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'step_correlations'
GROUP BY ALL;
COMMENT ON VIEW step_correlations IS 'Does the step that lifts the writer lift the reader? One row per reader, writer, kind of step and leaks, from the table transfer_steps.';
COMMENT ON COLUMN step_correlations.kind IS 'all, insight, tangent or other, by the writer''s change';
COMMENT ON COLUMN step_correlations.leaks IS 'kept, or dropped: without steps at whose end the text holds the gold answer';
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
