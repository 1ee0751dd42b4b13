CREATE TABLE IF NOT EXISTS monotonicity (
    problem_set           VARCHAR NOT NULL,
    model                 VARCHAR NOT NULL,
    problem_id            VARCHAR NOT NULL,
    trace_id              VARCHAR NOT NULL,
    cut_policy            VARCHAR NOT NULL,
    verdict               VARCHAR NOT NULL,
    n_cuts                INTEGER NOT NULL,
    n_pairs               INTEGER NOT NULL,
    v0                    DOUBLE,
    is_solved_without_cot BOOLEAN,
    max_drop              DOUBLE,
    max_rise              DOUBLE,
    tolerance             DOUBLE NOT NULL,
    by_threshold          BOOLEAN,
    probability           DOUBLE,
    is_confirmed          BOOLEAN,
    protocol              VARCHAR NOT NULL,
    protocol_hash         VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy)
);
COMMENT ON TABLE monotonicity IS 'One row per measured trace.';
COMMENT ON COLUMN monotonicity.verdict IS 'Verdict of the trace';
COMMENT ON COLUMN monotonicity.n_cuts IS 'Measured cuts, the end not counted';
COMMENT ON COLUMN monotonicity.n_pairs IS 'Neighboring pairs with both ends known';
COMMENT ON COLUMN monotonicity.is_solved_without_cot IS 'v0 at or above the protocol''s solved_threshold';
COMMENT ON COLUMN monotonicity.max_drop IS 'Largest fall between neighboring cuts, >= 0';
COMMENT ON COLUMN monotonicity.max_rise IS 'Largest rise between neighboring cuts, >= 0';
COMMENT ON COLUMN monotonicity.tolerance IS 'Drop that is tolerated';
COMMENT ON COLUMN monotonicity.by_threshold IS 'Monotone: no estimated drop beyond the tolerance; NULL without pairs';
COMMENT ON COLUMN monotonicity.probability IS 'Posterior probability that no true drop is beyond the tolerance (pairs taken as independent)';
COMMENT ON COLUMN monotonicity.is_confirmed IS 'probability >= 0.95';
