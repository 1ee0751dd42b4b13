CREATE TABLE IF NOT EXISTS shortest_unlocks (
    problem_set       VARCHAR NOT NULL,
    reader            VARCHAR NOT NULL,
    writer            VARCHAR NOT NULL,
    problem_id        VARCHAR NOT NULL,
    n_traces          INTEGER NOT NULL,
    n_prefixes        INTEGER NOT NULL,
    n_undecided       INTEGER NOT NULL,
    n0                INTEGER,
    v0                DOUBLE,
    v0_low            DOUBLE,
    v0_high           DOUBLE,
    trace_id          VARCHAR,
    fraction          DOUBLE,
    share             DOUBLE,
    n_tokens          INTEGER,
    n                 INTEGER,
    potential         DOUBLE,
    ci_low            DOUBLE,
    ci_high           DOUBLE,
    leaks_answer      BOOLEAN,
    n_longer          INTEGER,
    n_longer_unlocked INTEGER,
    protocol          VARCHAR NOT NULL,
    protocol_hash     VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, reader, writer, problem_id)
);
COMMENT ON TABLE shortest_unlocks IS 'One row per reader, writer and problem that the reader does not solve alone: the shortest prefix of the writer that unlocks it, if any.';
COMMENT ON COLUMN shortest_unlocks.n_traces IS 'Traces of the writer that the reader was given';
COMMENT ON COLUMN shortest_unlocks.n_prefixes IS 'Their prefixes that were judged, each cut once';
COMMENT ON COLUMN shortest_unlocks.n_undecided IS 'Of these, with too few rollouts to decide';
COMMENT ON COLUMN shortest_unlocks.n0 IS 'Rollouts of the reader at fraction 0';
COMMENT ON COLUMN shortest_unlocks.v0 IS 'Reader''s potential at fraction 0';
COMMENT ON COLUMN shortest_unlocks.v0_low IS 'Lower end of its 95% Jeffreys interval';
COMMENT ON COLUMN shortest_unlocks.v0_high IS 'Upper end of it';
COMMENT ON COLUMN shortest_unlocks.trace_id IS 'Trace whose prefix it is; NULL where none unlocks';
COMMENT ON COLUMN shortest_unlocks.fraction IS 'Smallest fraction that stands for it';
COMMENT ON COLUMN shortest_unlocks.share IS 'Share of the trace before the cut';
COMMENT ON COLUMN shortest_unlocks.n_tokens IS 'Its length in the reader''s tokens';
COMMENT ON COLUMN shortest_unlocks.n IS 'Rollouts of the reader on it';
COMMENT ON COLUMN shortest_unlocks.potential IS 'Reader''s potential on it; chosen for being large, so too large on average';
COMMENT ON COLUMN shortest_unlocks.ci_low IS 'Lower end of its 95% Jeffreys interval';
COMMENT ON COLUMN shortest_unlocks.ci_high IS 'Upper end of it';
COMMENT ON COLUMN shortest_unlocks.leaks_answer IS 'The gold answer stands in it';
COMMENT ON COLUMN shortest_unlocks.n_longer IS 'Longer prefixes of the same trace';
COMMENT ON COLUMN shortest_unlocks.n_longer_unlocked IS 'Of these, that unlock the problem too: few of them make the shortest one doubtful';
