CREATE TABLE IF NOT EXISTS explorations (
    problem_set    VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,
    problem_id     VARCHAR NOT NULL,
    trace_id       VARCHAR NOT NULL,
    round          INTEGER NOT NULL,
    step           VARCHAR NOT NULL,
    token_end      INTEGER NOT NULL,
    prefix_id      VARCHAR NOT NULL,
    n_asked        INTEGER NOT NULL,
    n              INTEGER NOT NULL,
    n_correct      INTEGER NOT NULL,
    grader_version VARCHAR NOT NULL,
    protocol       VARCHAR NOT NULL,
    sampling_hash  VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, trace_id, round, prefix_id)
);
COMMENT ON TABLE explorations IS 'One row per round, trace and cut that adaptive sampling looked at, and in the last round per cut that it chose to confirm. These rollouts decide where to look and enter no potential.';
COMMENT ON COLUMN explorations.model IS 'Model that was sampled';
COMMENT ON COLUMN explorations.round IS '1, 2, ...: which round of the search';
COMMENT ON COLUMN explorations.step IS 'explore: rollouts were drawn here in this round; confirm: chosen for fresh rollouts';
COMMENT ON COLUMN explorations.token_end IS 'Tokens of the trace before the cut';
COMMENT ON COLUMN explorations.prefix_id IS 'The prefix at the cut';
COMMENT ON COLUMN explorations.n_asked IS 'Exploration rollouts drawn from the prefix up to this round; 0: chosen unexplored';
COMMENT ON COLUMN explorations.n IS 'Of those, scored';
COMMENT ON COLUMN explorations.n_correct IS 'Of those, with a correct final answer; chosen for being large or small, so n_correct / n is not an estimate of a potential';
COMMENT ON COLUMN explorations.grader_version IS 'Version of the grader that judged them';
