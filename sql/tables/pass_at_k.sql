CREATE TABLE IF NOT EXISTS pass_at_k (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    cut_policy    VARCHAR NOT NULL,
    k             INTEGER NOT NULL,
    guesses       VARCHAR NOT NULL,
    n_problems    INTEGER NOT NULL,
    n_traces      INTEGER NOT NULL,
    n_guesses     INTEGER NOT NULL,
    pass_at_k     DOUBLE,
    ci_low        DOUBLE,
    ci_high       DOUBLE,
    protocol      VARCHAR NOT NULL,
    protocol_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, cut_policy, k, guesses)
);
COMMENT ON TABLE pass_at_k IS 'pass@k of the measured traces, unbiased, with guesses and without. Empty where traces were picked by their verdict, or may have been.';
COMMENT ON COLUMN pass_at_k.cut_policy IS 'Where traces are cut: tokens, lines or sentences; grid21 for the 21-point grid of an imported fine curve';
COMMENT ON COLUMN pass_at_k.k IS 'Traces drawn';
COMMENT ON COLUMN pass_at_k.guesses IS 'kept: every right trace counts; late_spike or lucky_guess: those that the rule calls a guess (by threshold) count as wrong';
COMMENT ON COLUMN pass_at_k.n_problems IS 'Problems with at least k scored measured traces';
COMMENT ON COLUMN pass_at_k.n_traces IS 'Their scored measured traces';
COMMENT ON COLUMN pass_at_k.n_guesses IS 'Right traces among them that count as wrong';
COMMENT ON COLUMN pass_at_k.pass_at_k IS 'Mean over problems of 1 - C(n - c, k) / C(n, k); NULL without problems';
COMMENT ON COLUMN pass_at_k.ci_low IS 'Lower end of its 95% interval, bootstrap by problem';
COMMENT ON COLUMN pass_at_k.ci_high IS 'Upper end of it';
