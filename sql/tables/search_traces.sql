CREATE TABLE IF NOT EXISTS search_traces (
    problem_set              VARCHAR NOT NULL,
    model                    VARCHAR NOT NULL,
    problem_id               VARCHAR NOT NULL,
    arm                      VARCHAR NOT NULL,
    trace_id                 VARCHAR NOT NULL,
    token_ids                INTEGER[] NOT NULL,
    text                     VARCHAR NOT NULL,
    is_complete              BOOLEAN NOT NULL,
    answer                   VARCHAR,
    verdict                  VARCHAR,
    n_tokens                 INTEGER NOT NULL,
    n_chunks                 INTEGER NOT NULL,
    tokens_spent             BIGINT NOT NULL,
    n_known_cuts             INTEGER NOT NULL,
    n0                       INTEGER,
    v0                       DOUBLE,
    v0_low                   DOUBLE,
    v0_high                  DOUBLE,
    mean_potential           DOUBLE,
    max_drop                 DOUBLE,
    tolerance                DOUBLE NOT NULL,
    is_monotone_by_tolerance BOOLEAN,
    p_value                  DOUBLE,
    is_monotone_by_test      BOOLEAN,
    model_revision           VARCHAR NOT NULL,
    grader_version           VARCHAR NOT NULL,
    protocol                 VARCHAR NOT NULL,
    protocol_hash            VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, problem_id, arm)
);
COMMENT ON TABLE search_traces IS 'One row per searched problem and arm: the trace that greedy search found, and with it the first sampled trace of the problem, both measured on the same grid with the same number of rollouts. The search is told the gold answer, so its verdicts are not the accuracy of the model.';
COMMENT ON COLUMN search_traces.arm IS 'searched: found by search; sampled: the problem''s first trace in table traces';
COMMENT ON COLUMN search_traces.trace_id IS 'Trace; that of a sampled one joins traces';
COMMENT ON COLUMN search_traces.token_ids IS 'Token ids of the trace, without its prompt and EOS';
COMMENT ON COLUMN search_traces.text IS 'The trace';
COMMENT ON COLUMN search_traces.is_complete IS 'The model ended the trace or it has max_tokens tokens; false: the budget of the search ended before';
COMMENT ON COLUMN search_traces.answer IS 'Extracted final answer; NULL if there is none or the trace is not complete';
COMMENT ON COLUMN search_traces.verdict IS 'correct, incorrect, no_answer, truncated or unscored; NULL if the trace is not complete';
COMMENT ON COLUMN search_traces.n_tokens IS 'Tokens of the trace';
COMMENT ON COLUMN search_traces.n_chunks IS 'Chunks of the trace, the last perhaps shorter';
COMMENT ON COLUMN search_traces.tokens_spent IS 'Tokens generated to find the trace: candidates and the rollouts that chose among them; for a sampled trace its length';
COMMENT ON COLUMN search_traces.n_known_cuts IS 'Cuts with fresh rollouts, the empty CoT among them, the end not';
COMMENT ON COLUMN search_traces.n0 IS 'Scored rollouts of the empty CoT, the same for both arms';
COMMENT ON COLUMN search_traces.v0 IS 'Potential of the empty CoT';
COMMENT ON COLUMN search_traces.v0_low IS 'Lower end of the 95% interval of v0';
COMMENT ON COLUMN search_traces.v0_high IS 'Upper end of the 95% interval of v0';
COMMENT ON COLUMN search_traces.mean_potential IS 'Mean fresh potential over the cuts after the empty CoT and before the end; NULL without any';
COMMENT ON COLUMN search_traces.max_drop IS 'Largest fall of the fresh potential between neighboring known cuts';
COMMENT ON COLUMN search_traces.tolerance IS 'Largest fall of a trace that counts as monotone by tolerance';
COMMENT ON COLUMN search_traces.is_monotone_by_tolerance IS 'max_drop is at most the tolerance; NULL without two neighboring known cuts';
COMMENT ON COLUMN search_traces.p_value IS 'Of the test that the true potential never falls, see monotone_tests';
COMMENT ON COLUMN search_traces.is_monotone_by_test IS 'p_value >= 0.05';
COMMENT ON COLUMN search_traces.model_revision IS 'Revision of the model that was sampled';
COMMENT ON COLUMN search_traces.grader_version IS 'Version of the grader that chose and judged';
