CREATE VIEW pattern_rates AS
SELECT
    problem_set,
    model,
    measure AS pattern,
    rule,
    cut_policy,
    trace_filter,
    n AS n_traces,
    k AS n_with,
    n_problems,
    estimate AS rate,
    ci_low,
    ci_high,
    n_eff,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'pattern_rates';
COMMENT ON VIEW pattern_rates IS 'One row per model, problem set, pattern, rule, cut policy and trace filter.';
COMMENT ON COLUMN pattern_rates.pattern IS 'insight, tangent, late_spike, lucky_guess or monotone';
COMMENT ON COLUMN pattern_rates.rule IS 'fitted (expected under the law fitted to all changes), threshold (the paper''s) or confirmed (is_confirmed of the pattern)';
COMMENT ON COLUMN pattern_rates.n_traces IS 'Traces in the filter for which the pattern is decidable';
COMMENT ON COLUMN pattern_rates.n_with IS 'Traces with at least one event; NULL by the rule fitted';
COMMENT ON COLUMN pattern_rates.rate IS 'n_with / n_traces; by the rule fitted the mean chance of a trace to have it; NULL without traces';
COMMENT ON COLUMN pattern_rates.ci_low IS 'Lower end of the 95% interval at the effective sample size (Jeffreys; of the rule fitted by the jackknife)';
COMMENT ON COLUMN pattern_rates.ci_high IS 'Upper end of it';
COMMENT ON COLUMN pattern_rates.n_eff IS 'Effective sample size for clustering by problem';
