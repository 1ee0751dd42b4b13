CREATE TABLE IF NOT EXISTS lucky_guesses (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    problem_id    VARCHAR NOT NULL,
    trace_id      VARCHAR NOT NULL,
    cut_policy    VARCHAR NOT NULL,
    rule          VARCHAR NOT NULL,
    cut_index     INTEGER,
    n             INTEGER,
    potential     DOUBLE,
    ci_low        DOUBLE,
    ci_high       DOUBLE,
    threshold     DOUBLE NOT NULL,
    by_threshold  BOOLEAN,
    probability   DOUBLE,
    is_confirmed  BOOLEAN,
    v0            DOUBLE,
    v0_bin        VARCHAR,
    guess_bound   DOUBLE,
    protocol      VARCHAR NOT NULL,
    protocol_hash VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy, rule)
);
COMMENT ON TABLE lucky_guesses IS 'One row per correct trace and rule: late_spike (penultimate cut) and lucky_guess (last cut before the trace states its answer).';
COMMENT ON COLUMN lucky_guesses.rule IS 'late_spike or lucky_guess';
COMMENT ON COLUMN lucky_guesses.cut_index IS 'The cut that is judged; NULL if there is none or it has no rollouts';
COMMENT ON COLUMN lucky_guesses.n IS 'Rollouts there';
COMMENT ON COLUMN lucky_guesses.potential IS 'Potential there';
COMMENT ON COLUMN lucky_guesses.ci_low IS 'Lower end of its interval';
COMMENT ON COLUMN lucky_guesses.ci_high IS 'Upper end of its interval';
COMMENT ON COLUMN lucky_guesses.threshold IS 'Potential asked to lie below';
COMMENT ON COLUMN lucky_guesses.by_threshold IS 'Potential below the threshold; NULL if unknown';
COMMENT ON COLUMN lucky_guesses.probability IS 'Posterior probability that the true potential is below the threshold';
COMMENT ON COLUMN lucky_guesses.is_confirmed IS 'probability >= 0.95';
COMMENT ON COLUMN lucky_guesses.v0_bin IS 'Fixed bin of v0';
COMMENT ON COLUMN lucky_guesses.guess_bound IS 'Upper bound on P(true potential ever <= threshold | correct) at this v0: odds ratio, at most 1';
