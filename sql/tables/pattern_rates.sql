CREATE TABLE IF NOT EXISTS pattern_rates (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    pattern       VARCHAR NOT NULL,
    rule          VARCHAR NOT NULL,
    cut_policy    VARCHAR NOT NULL,
    trace_filter  VARCHAR NOT NULL,
    n_traces      INTEGER NOT NULL,
    n_with        INTEGER NOT NULL,
    n_problems    INTEGER NOT NULL,
    rate          DOUBLE,
    ci_low        DOUBLE,
    ci_high       DOUBLE,
    n_eff         DOUBLE,
    protocol      VARCHAR NOT NULL,
    protocol_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, pattern, rule, cut_policy, trace_filter)
);
COMMENT ON TABLE pattern_rates IS 'One row per model, problem set, pattern, rule, cut policy and trace filter.';
COMMENT ON COLUMN pattern_rates.pattern IS 'insight, tangent, late_spike, lucky_guess or monotone';
COMMENT ON COLUMN pattern_rates.rule IS 'threshold (the paper''s) or confirmed (is_confirmed of the pattern)';
COMMENT ON COLUMN pattern_rates.n_traces IS 'Traces in the filter for which the pattern is decidable';
COMMENT ON COLUMN pattern_rates.n_with IS 'Traces with at least one event';
COMMENT ON COLUMN pattern_rates.rate IS 'n_with / n_traces; NULL without traces';
COMMENT ON COLUMN pattern_rates.ci_low IS 'Lower end of the 95% Jeffreys interval at the effective sample size';
COMMENT ON COLUMN pattern_rates.ci_high IS 'Upper end of it';
COMMENT ON COLUMN pattern_rates.n_eff IS 'Effective sample size for clustering by problem';
