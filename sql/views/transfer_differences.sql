CREATE VIEW transfer_differences AS
SELECT
    problem_set,
    model AS reader,
    other AS writer,
    fraction,
    control,
    trace_filter,
    leaks,
    measure,
    max(n) FILTER (WHERE statistic = 'difference') AS n_traces,
    max(n_problems) FILTER (WHERE statistic = 'difference') AS n_problems,
    max(k) FILTER (WHERE statistic = 'missing') AS n_missing,
    max(k) FILTER (WHERE statistic = 'leak') AS n_leaks,
    max(k) FILTER (WHERE statistic = 'reference_leak') AS n_control_leaks,
    max(k) FILTER (WHERE statistic = 'unlocked') AS n_unlocked,
    max(k) FILTER (WHERE statistic = 'reference_unlocked') AS n_control_unlocked,
    max(estimate) FILTER (WHERE statistic = 'mean') AS value,
    max(ci_low) FILTER (WHERE statistic = 'mean') AS value_low,
    max(ci_high) FILTER (WHERE statistic = 'mean') AS value_high,
    max(estimate) FILTER (WHERE statistic = 'reference') AS control_value,
    max(ci_low) FILTER (WHERE statistic = 'reference') AS control_low,
    max(ci_high) FILTER (WHERE statistic = 'reference') AS control_high,
    max(estimate) FILTER (WHERE statistic = 'difference') AS difference,
    max(ci_low) FILTER (WHERE statistic = 'difference') AS ci_low,
    max(ci_high) FILTER (WHERE statistic = 'difference') AS ci_high,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'transfer_differences'
GROUP BY ALL;
COMMENT ON VIEW transfer_differences IS 'What the writer''s own text gives a reader beyond a control of equal length, trace by trace: one row per reader, writer, fraction, control, trace filter, leaks and measure.';
COMMENT ON COLUMN transfer_differences.fraction IS 'Share of the writer''s trace that was asked for';
COMMENT ON COLUMN transfer_differences.control IS 'What was given in place of the writer''s text: shuffled, wrong or own (table transfer_cuts)';
COMMENT ON COLUMN transfer_differences.trace_filter IS 'all measured traces of the writer, or correct ones only';
COMMENT ON COLUMN transfer_differences.leaks IS 'kept, or dropped: without pairs of which a text holds the gold answer';
COMMENT ON COLUMN transfer_differences.measure IS 'potential; or lifted: P(potential > 0.10), of problems that the reader does not solve alone, so that its mean is the expected share unlocked';
COMMENT ON COLUMN transfer_differences.n_traces IS 'Traces with both potentials known';
COMMENT ON COLUMN transfer_differences.n_missing IS 'Traces without this control, or with an unknown potential; they are left out';
COMMENT ON COLUMN transfer_differences.n_leaks IS 'Of n_traces: the gold answer is in the writer''s text';
COMMENT ON COLUMN transfer_differences.n_control_leaks IS 'Of n_traces: the gold answer is in the control; of shuffled text the rate of chance';
COMMENT ON COLUMN transfer_differences.n_unlocked IS 'Of n_traces: the writer''s text unlocks the problem';
COMMENT ON COLUMN transfer_differences.n_control_unlocked IS 'Of n_traces: the control unlocks the problem';
COMMENT ON COLUMN transfer_differences.value IS 'Mean of the measure with the writer''s text; NULL without pairs';
COMMENT ON COLUMN transfer_differences.value_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN transfer_differences.value_high IS 'Upper end of it';
COMMENT ON COLUMN transfer_differences.control_value IS 'Mean of the measure with the control';
COMMENT ON COLUMN transfer_differences.control_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN transfer_differences.control_high IS 'Upper end of it';
COMMENT ON COLUMN transfer_differences.difference IS 'Mean difference, paired by trace';
COMMENT ON COLUMN transfer_differences.ci_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN transfer_differences.ci_high IS 'Upper end of it';
