CREATE VIEW matched_rates AS
SELECT
    problem_set,
    model,
    measure AS pattern,
    rule,
    cut_policy,
    trace_filter,
    part AS v0_bin,
    n AS n_traces,
    k AS n_with,
    n_problems,
    (count(*) FILTER (WHERE n = 0 AND part <> 'equal weights') OVER subset)::INTEGER AS n_empty_bins,
    estimate AS rate,
    ci_low,
    ci_high,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'matched_rates'
WINDOW subset AS (PARTITION BY problem_set, model, measure, rule, cut_policy, trace_filter);
COMMENT ON VIEW matched_rates IS 'Pattern rates within five fixed bins of V0, and their mean with equal weights: one row per model, problem set, pattern, rule, cut policy, trace filter and bin.';
COMMENT ON COLUMN matched_rates.pattern IS 'insight, tangent, late_spike, lucky_guess or monotone';
COMMENT ON COLUMN matched_rates.rule IS 'threshold (the paper''s) or confirmed (is_confirmed of the pattern)';
COMMENT ON COLUMN matched_rates.v0_bin IS 'Bin of the potential at cut 0; or equal weights: the mean over the bins that have traces';
COMMENT ON COLUMN matched_rates.n_traces IS 'Traces in it for which the pattern is decidable and V0 is known';
COMMENT ON COLUMN matched_rates.n_with IS 'Traces with at least one event';
COMMENT ON COLUMN matched_rates.n_empty_bins IS 'Of the five bins, those without traces: two models are comparable where the same bins are filled';
COMMENT ON COLUMN matched_rates.rate IS 'Of a bin n_with / n_traces; with equal weights the mean of the bins'' rates; NULL without traces';
COMMENT ON COLUMN matched_rates.ci_low IS 'Lower end of its 95% interval: of a bin Jeffreys at the effective sample size, with equal weights from the intervals of the bins (MOVER)';
COMMENT ON COLUMN matched_rates.ci_high IS 'Upper end of it';
