CREATE TABLE IF NOT EXISTS changes (
    problem_set          VARCHAR NOT NULL,
    model                VARCHAR NOT NULL,
    problem_id           VARCHAR NOT NULL,
    trace_id             VARCHAR NOT NULL,
    cut_policy           VARCHAR NOT NULL,
    cut_index            INTEGER NOT NULL,
    n_before             INTEGER NOT NULL,
    n_after              INTEGER NOT NULL,
    potential_before     DOUBLE NOT NULL,
    potential_after      DOUBLE NOT NULL,
    delta                DOUBLE NOT NULL,
    delta_fitted         DOUBLE NOT NULL,
    insight_probability  DOUBLE NOT NULL,
    insight_fitted       DOUBLE NOT NULL,
    is_insight_confirmed BOOLEAN NOT NULL,
    tangent_probability  DOUBLE NOT NULL,
    tangent_fitted       DOUBLE NOT NULL,
    is_tangent_confirmed BOOLEAN NOT NULL,
    protocol             VARCHAR NOT NULL,
    protocol_hash        VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy, cut_index)
);
COMMENT ON TABLE changes IS 'One row per pair of neighboring measured cuts whose potentials are both known, event or not.';
COMMENT ON COLUMN changes.cut_index IS 'The first cut of the pair; the second is cut_index + 1';
COMMENT ON COLUMN changes.delta_fitted IS 'Posterior mean of the true change under the prior fitted to all pairs of the partition';
COMMENT ON COLUMN changes.insight_probability IS 'Posterior probability of a rise beyond the insight threshold, each pair by itself (flat prior)';
COMMENT ON COLUMN changes.insight_fitted IS 'The same under the prior fitted to all pairs of the partition; its sum estimates the number of true insights';
COMMENT ON COLUMN changes.is_insight_confirmed IS 'Among the rises of which at most 5% are expected to be false, and insight_fitted >= 0.8';
COMMENT ON COLUMN changes.tangent_probability IS 'Posterior probability of a drop beyond the tangent threshold, each pair by itself (flat prior)';
COMMENT ON COLUMN changes.tangent_fitted IS 'The same under the prior fitted to all pairs of the partition; its sum estimates the number of true tangents';
COMMENT ON COLUMN changes.is_tangent_confirmed IS 'Among the drops of which at most 5% are expected to be false, and tangent_fitted >= 0.8';
