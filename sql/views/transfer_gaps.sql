CREATE VIEW transfer_gaps AS
SELECT
    problem_set,
    model AS reader,
    other AS writer,
    trace_filter,
    leaks,
    fraction,
    max(n) FILTER (WHERE statistic = 'difference') AS n_traces,
    max(n_problems) FILTER (WHERE statistic = 'difference') AS n_problems,
    max(estimate) FILTER (WHERE statistic = 'mean') AS potential,
    max(ci_low) FILTER (WHERE statistic = 'mean') AS potential_low,
    max(ci_high) FILTER (WHERE statistic = 'mean') AS potential_high,
    max(estimate) FILTER (WHERE statistic = 'reference') AS writer_potential,
    max(ci_low) FILTER (WHERE statistic = 'reference') AS writer_low,
    max(ci_high) FILTER (WHERE statistic = 'reference') AS writer_high,
    max(estimate) FILTER (WHERE statistic = 'difference') AS difference,
    max(ci_low) FILTER (WHERE statistic = 'difference') AS ci_low,
    max(ci_high) FILTER (WHERE statistic = 'difference') AS ci_high,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'transfer_gaps'
GROUP BY ALL;
COMMENT ON VIEW transfer_gaps IS 'Reader and writer on the same text: one row per reader, writer, trace filter, leaks and fraction of the writer''s trace.';
COMMENT ON COLUMN transfer_gaps.writer IS 'Model that wrote the traces';
COMMENT ON COLUMN transfer_gaps.trace_filter IS 'all measured traces of the writer, or correct ones only';
COMMENT ON COLUMN transfer_gaps.leaks IS 'kept, or dropped: without rows whose given text states the gold answer';
COMMENT ON COLUMN transfer_gaps.fraction IS 'Share of the writer''s trace, in the writer''s tokens; both models continue the text up to the same cut';
COMMENT ON COLUMN transfer_gaps.n_traces IS 'Traces at which both potentials are known';
COMMENT ON COLUMN transfer_gaps.potential IS 'Mean potential of the reader over these traces; NULL without one';
COMMENT ON COLUMN transfer_gaps.potential_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN transfer_gaps.potential_high IS 'Upper end of it';
COMMENT ON COLUMN transfer_gaps.writer_potential IS 'Mean potential of the writer over the same traces, at the same cuts';
COMMENT ON COLUMN transfer_gaps.writer_low IS 'Lower end of its 95% interval';
COMMENT ON COLUMN transfer_gaps.writer_high IS 'Upper end of it';
COMMENT ON COLUMN transfer_gaps.difference IS 'Mean of reader - writer, trace by trace';
COMMENT ON COLUMN transfer_gaps.ci_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN transfer_gaps.ci_high IS 'Upper end of it';
