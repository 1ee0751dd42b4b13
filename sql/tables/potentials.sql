CREATE TABLE IF NOT EXISTS potentials (
    problem_set      VARCHAR NOT NULL,
    model            VARCHAR NOT NULL,
    problem_id       VARCHAR NOT NULL,
    prefix_id        VARCHAR NOT NULL,
    origin           VARCHAR NOT NULL,
    n                INTEGER,
    n_correct        INTEGER,
    n_truncated      INTEGER,
    n_no_answer      INTEGER,
    n_unscored       INTEGER,
    n_effective      DOUBLE,
    potential        DOUBLE,
    ci_low           DOUBLE,
    ci_high          DOUBLE,
    is_n_approximate BOOLEAN NOT NULL,
    protocol         VARCHAR NOT NULL,
    sampling_hash    VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, prefix_id)
);
COMMENT ON TABLE potentials IS 'One row per reader and prefix: the potential with its interval, of prefixes of the reader''s own traces and of those that it was given.';
COMMENT ON COLUMN potentials.model IS 'Reader: the model that continued the prefix';
COMMENT ON COLUMN potentials.prefix_id IS 'The prefix';
COMMENT ON COLUMN potentials.n IS 'Scored rollouts: correct, incorrect, no_answer and truncated. 0 or NULL: nothing known';
COMMENT ON COLUMN potentials.n_truncated IS 'Rollouts cut off by the token budget before an answer';
COMMENT ON COLUMN potentials.n_unscored IS 'Rollouts that the grader failed on; not in n';
COMMENT ON COLUMN potentials.potential IS 'n_correct / n, or the weighted share where n_effective is given: an estimate of P(correct | prefix); NULL exactly where n is 0 or unknown';
COMMENT ON COLUMN potentials.ci_low IS 'Lower end of the 95% Jeffreys interval, with n_effective in place of n where that is given; 0 at potential 0';
COMMENT ON COLUMN potentials.ci_high IS 'Upper end of the 95% Jeffreys interval; 1 at potential 1';
