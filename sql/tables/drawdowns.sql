CREATE TABLE IF NOT EXISTS drawdowns (
    problem_set    VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,
    problem_id     VARCHAR NOT NULL,
    trace_id       VARCHAR NOT NULL,
    cut_policy     VARCHAR NOT NULL,
    kind           VARCHAR NOT NULL,
    verdict        VARCHAR NOT NULL,
    n_known_cuts   INTEGER NOT NULL,
    cut_from       INTEGER NOT NULL,
    cut_to         INTEGER NOT NULL,
    token_start    INTEGER NOT NULL,
    token_end      INTEGER NOT NULL,
    char_start     INTEGER NOT NULL,
    char_end       INTEGER NOT NULL,
    potential_from DOUBLE NOT NULL,
    potential_to   DOUBLE NOT NULL,
    change         DOUBLE NOT NULL,
    change_low     DOUBLE NOT NULL,
    change_split   DOUBLE,
    threshold      DOUBLE NOT NULL,
    by_threshold   BOOLEAN NOT NULL,
    is_confirmed   BOOLEAN NOT NULL,
    protocol       VARCHAR NOT NULL,
    protocol_hash  VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy, kind)
);
COMMENT ON TABLE drawdowns IS 'Two rows per measured trace with two known cuts or more: its largest fall and its largest rise between any two cuts.';
COMMENT ON COLUMN drawdowns.kind IS 'drawdown (largest fall) or run_up (largest rise)';
COMMENT ON COLUMN drawdowns.verdict IS 'Verdict of the trace';
COMMENT ON COLUMN drawdowns.n_known_cuts IS 'Measured cuts with rollouts, the end not counted';
COMMENT ON COLUMN drawdowns.cut_from IS 'Cut at which it begins';
COMMENT ON COLUMN drawdowns.cut_to IS 'Cut at which it ends';
COMMENT ON COLUMN drawdowns.token_start IS 'First token of the span between them';
COMMENT ON COLUMN drawdowns.token_end IS 'Token after the span';
COMMENT ON COLUMN drawdowns.char_start IS 'First character of the span';
COMMENT ON COLUMN drawdowns.char_end IS 'Character after the span';
COMMENT ON COLUMN drawdowns.potential_from IS 'Potential at cut_from';
COMMENT ON COLUMN drawdowns.potential_to IS 'Potential at cut_to';
COMMENT ON COLUMN drawdowns.change IS 'Size of the estimated change, >= 0; too large on average, being the largest of many';
COMMENT ON COLUMN drawdowns.change_low IS 'Lower bound of the true largest change, from a 95% band for all cuts together; >= 0';
COMMENT ON COLUMN drawdowns.change_split IS 'Change between cuts chosen by one half of the rollouts and measured by the other; not too large on average; NULL where a cut has fewer than 2 rollouts';
COMMENT ON COLUMN drawdowns.threshold IS 'Change asked for';
COMMENT ON COLUMN drawdowns.by_threshold IS 'The estimated change is beyond the threshold';
COMMENT ON COLUMN drawdowns.is_confirmed IS 'change_low is beyond the threshold';
