CREATE TABLE IF NOT EXISTS trace_cuts (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    problem_id    VARCHAR NOT NULL,
    trace_id      VARCHAR NOT NULL,
    cut_policy    VARCHAR NOT NULL,
    cut_index     INTEGER NOT NULL,
    prefix_id     VARCHAR,
    token_end     INTEGER NOT NULL,
    char_end      INTEGER NOT NULL,
    fraction      DOUBLE NOT NULL,
    is_end        BOOLEAN NOT NULL,
    states_answer BOOLEAN NOT NULL,
    leaks_answer  BOOLEAN NOT NULL,
    protocol      VARCHAR NOT NULL,
    sampling_hash VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy, cut_index)
);
COMMENT ON TABLE trace_cuts IS 'One row per measured trace and cut; the last row of a trace is its end, which carries the trace''s own verdict and is not sampled.';
COMMENT ON COLUMN trace_cuts.model IS 'Writer of the trace';
COMMENT ON COLUMN trace_cuts.cut_index IS '0 = empty CoT, then 1, 2, ...';
COMMENT ON COLUMN trace_cuts.prefix_id IS 'The prefix at the cut; NULL at the end of the trace';
COMMENT ON COLUMN trace_cuts.token_end IS 'Tokens of the trace before the cut';
COMMENT ON COLUMN trace_cuts.char_end IS 'Characters of the trace before the cut';
COMMENT ON COLUMN trace_cuts.fraction IS 'token_end over the tokens of the trace; not known before the trace has ended, so no stopping time';
COMMENT ON COLUMN trace_cuts.is_end IS 'Whether this is the end of the trace';
COMMENT ON COLUMN trace_cuts.leaks_answer IS 'The gold answer is in the prefix: boxed, right of an equals sign, or as a whole expression of 3 or more digits or a non-integer';
