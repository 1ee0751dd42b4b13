CREATE TABLE IF NOT EXISTS change_priors (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    cut_policy    VARCHAR NOT NULL,
    n_pairs       INTEGER NOT NULL,
    change_low    DOUBLE NOT NULL,
    change_high   DOUBLE NOT NULL,
    mass          DOUBLE NOT NULL,
    protocol      VARCHAR NOT NULL,
    sampling_hash VARCHAR NOT NULL,
    analysis_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, cut_policy, change_low, change_high)
);
COMMENT ON TABLE change_priors IS 'The law of true changes between neighboring cuts, sampling noise removed: one row per cell of the grid, and one for no change.';
COMMENT ON COLUMN change_priors.n_pairs IS 'Neighboring pairs that it was fitted to';
COMMENT ON COLUMN change_priors.change_low IS 'Lower end of the cell; 0 with change_high = 0: no change at all';
COMMENT ON COLUMN change_priors.change_high IS 'Upper end of the cell';
COMMENT ON COLUMN change_priors.mass IS 'Probability that a change lies in the cell; sums to 1';
