CREATE TABLE IF NOT EXISTS sensitivity (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    cut_policy    VARCHAR NOT NULL,
    pattern       VARCHAR NOT NULL,
    trace_filter  VARCHAR NOT NULL,
    threshold     DOUBLE NOT NULL,
    n             INTEGER NOT NULL,
    n_traces      INTEGER NOT NULL,
    rate          DOUBLE,
    rate_sd       DOUBLE,
    noise_floor   DOUBLE,
    protocol      VARCHAR NOT NULL,
    protocol_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, cut_policy, pattern, trace_filter, threshold, n)
);
COMMENT ON TABLE sensitivity IS 'Rates by the threshold rule with other thresholds and fewer rollouts, and the rate that noise alone would give.';
COMMENT ON COLUMN sensitivity.problem_set IS 'Name of the problem set';
COMMENT ON COLUMN sensitivity.model IS 'Name of the model';
COMMENT ON COLUMN sensitivity.cut_policy IS 'Where traces are cut: tokens, lines or sentences; adaptive for these cuts and the places that exploration found; grid21 for the 21-point grid of an imported fine curve';
COMMENT ON COLUMN sensitivity.pattern IS 'insight, tangent, monotone or late_spike';
COMMENT ON COLUMN sensitivity.trace_filter IS 'paper (correct, not solved without CoT), correct, incorrect (scored and not correct) or all';
COMMENT ON COLUMN sensitivity.threshold IS 'Change asked for (insight, tangent), drop tolerated (monotone) or potential asked to lie below (late_spike)';
COMMENT ON COLUMN sensitivity.n IS 'Rollouts per cut, drawn without replacement from those that exist';
COMMENT ON COLUMN sensitivity.n_traces IS 'Traces in the filter for which the pattern is decidable';
COMMENT ON COLUMN sensitivity.rate IS 'Share of traces with the pattern, mean over draws; NULL without traces';
COMMENT ON COLUMN sensitivity.rate_sd IS 'Standard deviation of the rate between draws';
COMMENT ON COLUMN sensitivity.noise_floor IS 'The rate if no two neighbouring cuts differed: both resampled from their pooled share; NULL for late_spike';
COMMENT ON COLUMN sensitivity.protocol IS 'Name of the protocol';
COMMENT ON COLUMN sensitivity.protocol_hash IS 'Hash of every number in the protocol';
