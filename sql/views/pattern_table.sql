CREATE VIEW pattern_table AS
SELECT
    problem_set,
    model,
    cut_policy,
    rule,
    trace_filter,
    max(n_traces) AS n_traces,
    max(n_problems) AS n_problems,
    max(rate) FILTER (WHERE pattern = 'insight') AS insight,
    max(ci_low) FILTER (WHERE pattern = 'insight') AS insight_low,
    max(ci_high) FILTER (WHERE pattern = 'insight') AS insight_high,
    max(rate) FILTER (WHERE pattern = 'tangent') AS tangent,
    max(ci_low) FILTER (WHERE pattern = 'tangent') AS tangent_low,
    max(ci_high) FILTER (WHERE pattern = 'tangent') AS tangent_high,
    max(rate) FILTER (WHERE pattern = 'late_spike') AS late_spike,
    max(ci_low) FILTER (WHERE pattern = 'late_spike') AS late_spike_low,
    max(ci_high) FILTER (WHERE pattern = 'late_spike') AS late_spike_high,
    max(rate) FILTER (WHERE pattern = 'lucky_guess') AS lucky_guess,
    max(ci_low) FILTER (WHERE pattern = 'lucky_guess') AS lucky_guess_low,
    max(ci_high) FILTER (WHERE pattern = 'lucky_guess') AS lucky_guess_high,
    max(rate) FILTER (WHERE pattern = 'monotone') AS monotone,
    max(ci_low) FILTER (WHERE pattern = 'monotone') AS monotone_low,
    max(ci_high) FILTER (WHERE pattern = 'monotone') AS monotone_high,
    protocol,
    protocol_hash
FROM pattern_rates
GROUP BY ALL;
COMMENT ON VIEW pattern_table IS 'The paper''s pattern table: one row per model, problem set, cut policy, rule and trace filter, one column per pattern. The paper''s own setting: rule threshold, filter paper.';
COMMENT ON COLUMN pattern_table.rule IS 'fitted (expected under the law fitted to all changes), threshold (the paper''s) or confirmed (is_confirmed of the pattern)';
COMMENT ON COLUMN pattern_table.n_traces IS 'Traces in the filter; the largest number over the patterns, as not every one is decidable on every trace';
COMMENT ON COLUMN pattern_table.insight IS 'Share of traces with at least one insight; NULL without traces';
COMMENT ON COLUMN pattern_table.insight_low IS 'Lower end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.insight_high IS 'Upper end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.tangent IS 'Share of traces with at least one tangent; NULL without traces';
COMMENT ON COLUMN pattern_table.tangent_low IS 'Lower end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.tangent_high IS 'Upper end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.late_spike IS 'Share of traces with a late spike; NULL without traces';
COMMENT ON COLUMN pattern_table.late_spike_low IS 'Lower end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.late_spike_high IS 'Upper end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.lucky_guess IS 'Share of traces with a lucky guess; NULL without traces';
COMMENT ON COLUMN pattern_table.lucky_guess_low IS 'Lower end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.lucky_guess_high IS 'Upper end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.monotone IS 'Share of traces with a monotone curve; NULL without traces';
COMMENT ON COLUMN pattern_table.monotone_low IS 'Lower end of its 95% interval, clustered by problem';
COMMENT ON COLUMN pattern_table.monotone_high IS 'Upper end of its 95% interval, clustered by problem';
