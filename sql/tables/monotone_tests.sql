CREATE TABLE IF NOT EXISTS monotone_tests (
    problem_set     VARCHAR NOT NULL,
    model           VARCHAR NOT NULL,
    problem_id      VARCHAR NOT NULL,
    trace_id        VARCHAR NOT NULL,
    cut_policy      VARCHAR NOT NULL,
    verdict         VARCHAR NOT NULL,
    n_known_cuts    INTEGER NOT NULL,
    statistic       DOUBLE,
    max_misfit      DOUBLE,
    p_value         DOUBLE,
    q_value         DOUBLE,
    is_monotone     BOOLEAN,
    protocol        VARCHAR NOT NULL,
    protocol_hash   VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy)
);
COMMENT ON TABLE monotone_tests IS 'One row per measured trace: could its true potential never fall? Likelihood ratio of the isotonic against the free fit.';
COMMENT ON COLUMN monotone_tests.verdict IS 'Verdict of the trace';
COMMENT ON COLUMN monotone_tests.n_known_cuts IS 'Measured cuts with rollouts, the end not counted';
COMMENT ON COLUMN monotone_tests.statistic IS 'Twice the log-likelihood that the isotonic fit loses; 0 if the estimates never fall; NULL with fewer than two known cuts';
COMMENT ON COLUMN monotone_tests.max_misfit IS 'Largest distance between an estimate and the isotonic fit';
COMMENT ON COLUMN monotone_tests.p_value IS 'Largest P(statistic at least as large) over flat curves at a grid of levels; 1 if the estimates never fall';
COMMENT ON COLUMN monotone_tests.q_value IS 'p_value after Benjamini and Hochberg within problem set, model and cut policy';
COMMENT ON COLUMN monotone_tests.is_monotone IS 'Monotone by test: p_value >= 0.05';
