CREATE TABLE IF NOT EXISTS unlocks (
    problem_set          VARCHAR NOT NULL,
    reader               VARCHAR NOT NULL,
    writer               VARCHAR NOT NULL,
    problem_id           VARCHAR NOT NULL,
    trace_id             VARCHAR NOT NULL,
    fraction             DOUBLE NOT NULL,
    control              VARCHAR NOT NULL,
    share                DOUBLE NOT NULL,
    n_tokens             INTEGER NOT NULL,
    trace_verdict        VARCHAR NOT NULL,
    leaks_answer         BOOLEAN NOT NULL,
    n0                   INTEGER,
    v0                   DOUBLE,
    n                    INTEGER,
    potential            DOUBLE,
    probability_unsolved DOUBLE,
    probability_lifted   DOUBLE,
    is_unsolved          BOOLEAN,
    is_solved            BOOLEAN,
    status               VARCHAR NOT NULL,
    protocol             VARCHAR NOT NULL,
    protocol_hash        VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, reader, writer, trace_id, fraction, control)
);
COMMENT ON TABLE unlocks IS 'One row per reader, writer, problem, trace, fraction and control: does the prefix unlock the problem?';
COMMENT ON COLUMN unlocks.fraction IS 'Share of the writer''s trace that was asked for, in the writer''s tokens; the measured cut nearest to it is taken';
COMMENT ON COLUMN unlocks.share IS 'Share of the writer''s trace before that cut';
COMMENT ON COLUMN unlocks.n_tokens IS 'The reader''s tokens of the prefix';
COMMENT ON COLUMN unlocks.leaks_answer IS 'The gold answer is in the given text';
COMMENT ON COLUMN unlocks.n0 IS 'Rollouts at fraction 0';
COMMENT ON COLUMN unlocks.v0 IS 'Reader''s potential at fraction 0';
COMMENT ON COLUMN unlocks.n IS 'Rollouts at the fraction';
COMMENT ON COLUMN unlocks.potential IS 'Reader''s potential at the fraction';
COMMENT ON COLUMN unlocks.probability_unsolved IS 'Posterior P(V0 < 0.05)';
COMMENT ON COLUMN unlocks.probability_lifted IS 'Posterior P(V_f > 0.10)';
COMMENT ON COLUMN unlocks.is_unsolved IS 'probability_unsolved >= 0.95';
COMMENT ON COLUMN unlocks.is_solved IS 'potential >= 0.5';
COMMENT ON COLUMN unlocks.status IS 'unlocked, not_unlocked, undecided, or solved_before (V0 is not near 0)';
