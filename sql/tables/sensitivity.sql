CREATE TABLE IF NOT EXISTS sensitivity (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    cut_policy    VARCHAR NOT NULL,
    pattern       VARCHAR NOT NULL,
    trace_filter  VARCHAR NOT NULL,
    threshold     DOUBLE NOT NULL,
    is_in_use     BOOLEAN NOT NULL,
    n             INTEGER NOT NULL,
    n_traces      INTEGER NOT NULL,
    n_problems    INTEGER NOT NULL,
    rate          DOUBLE,
    ci_low        DOUBLE,
    ci_high       DOUBLE,
    noise_flat    DOUBLE,
    noise_monotone DOUBLE,
    protocol      VARCHAR NOT NULL,
    protocol_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, cut_policy, pattern, trace_filter, threshold, n)
);
COMMENT ON TABLE sensitivity IS 'Rates by the threshold rule with other thresholds and fewer rollouts, and the rates that noise alone would give.';
COMMENT ON COLUMN sensitivity.pattern IS 'insight, tangent, monotone, late_spike or lucky_guess';
COMMENT ON COLUMN sensitivity.threshold IS 'Change asked for (insight, tangent), drop tolerated (monotone) or potential asked to lie below (late_spike, lucky_guess)';
COMMENT ON COLUMN sensitivity.is_in_use IS 'The threshold is that of the protocol';
COMMENT ON COLUMN sensitivity.n IS 'Rollouts per cut, drawn without replacement from those that exist; the largest n is what cuts have';
COMMENT ON COLUMN sensitivity.n_traces IS 'Traces in the filter for which the pattern is decidable';
COMMENT ON COLUMN sensitivity.rate IS 'Share of traces with the pattern by the threshold rule, mean over draws; NULL without traces';
COMMENT ON COLUMN sensitivity.ci_low IS 'Lower end of its 95% interval at the effective sample size for clustering by problem, for one experiment of that n';
COMMENT ON COLUMN sensitivity.ci_high IS 'Upper end of it';
COMMENT ON COLUMN sensitivity.noise_flat IS 'The rate if no potential ever changed: every trace replaced by flat curves at its own level, with as many cuts and rollouts; NULL for guesses, which such a curve holds too';
COMMENT ON COLUMN sensitivity.noise_monotone IS 'The rate if no potential ever fell: every trace replaced by curves drawn from its isotonic fit; for insights these hold the rises of the fit; NULL for guesses';
