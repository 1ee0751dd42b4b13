CREATE TABLE IF NOT EXISTS transfer_potentials (
    problem_set      VARCHAR NOT NULL,
    reader           VARCHAR NOT NULL,
    writer           VARCHAR NOT NULL,
    problem_id       VARCHAR NOT NULL,
    trace_id         VARCHAR NOT NULL,
    fraction         DOUBLE NOT NULL,
    control          VARCHAR NOT NULL,
    cut_index        INTEGER NOT NULL,
    share            DOUBLE NOT NULL,
    prefix_id        VARCHAR NOT NULL,
    n_tokens         INTEGER NOT NULL,
    trace_verdict    VARCHAR NOT NULL,
    leaks_answer     BOOLEAN NOT NULL,
    n                INTEGER,
    n_correct        INTEGER,
    n_truncated      INTEGER,
    n_no_answer      INTEGER,
    n_unscored       INTEGER,
    potential        DOUBLE,
    ci_low           DOUBLE,
    ci_high          DOUBLE,
    is_n_approximate BOOLEAN NOT NULL,
    protocol         VARCHAR NOT NULL,
    protocol_hash    VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, reader, writer, trace_id, fraction, control)
);
COMMENT ON TABLE transfer_potentials IS 'One row per reader, writer, trace, fraction and control.';
COMMENT ON COLUMN transfer_potentials.fraction IS 'Share of the writer''s trace that was asked for, in the writer''s tokens; the measured cut nearest to it is taken';
COMMENT ON COLUMN transfer_potentials.cut_index IS 'That cut of the writer''s trace; for a control, the cut whose prefix has its length';
COMMENT ON COLUMN transfer_potentials.share IS 'Share of the writer''s trace before that cut';
COMMENT ON COLUMN transfer_potentials.prefix_id IS 'The reader''s prefix';
COMMENT ON COLUMN transfer_potentials.n_tokens IS 'The reader''s tokens of the prefix';
COMMENT ON COLUMN transfer_potentials.leaks_answer IS 'The gold answer stands in the given text';
COMMENT ON COLUMN transfer_potentials.n IS 'Scored rollouts: correct, incorrect, no_answer and truncated. 0 or NULL: nothing known';
COMMENT ON COLUMN transfer_potentials.n_correct IS 'Rollouts whose final answer is right';
COMMENT ON COLUMN transfer_potentials.n_truncated IS 'Rollouts cut off by the token budget before an answer';
COMMENT ON COLUMN transfer_potentials.n_no_answer IS 'Finished rollouts without an answer';
COMMENT ON COLUMN transfer_potentials.n_unscored IS 'Rollouts that the grader failed on; not in n';
COMMENT ON COLUMN transfer_potentials.potential IS 'n_correct / n, an estimate of P(correct | prefix); NULL exactly where n is 0 or unknown';
COMMENT ON COLUMN transfer_potentials.ci_low IS 'Lower end of the 95% Jeffreys interval; 0 at n_correct = 0';
COMMENT ON COLUMN transfer_potentials.ci_high IS 'Upper end of the 95% Jeffreys interval; 1 at n_correct = n';
COMMENT ON COLUMN transfer_potentials.is_n_approximate IS 'n comes from a source that does not state it exactly';
