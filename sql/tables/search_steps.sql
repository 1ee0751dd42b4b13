CREATE TABLE IF NOT EXISTS search_steps (
    problem_set         VARCHAR NOT NULL,
    model               VARCHAR NOT NULL,
    problem_id          VARCHAR NOT NULL,
    arm                 VARCHAR NOT NULL,
    trace_id            VARCHAR NOT NULL,
    cut_index           INTEGER NOT NULL,
    prefix_id           VARCHAR,
    token_start         INTEGER NOT NULL,
    token_end           INTEGER NOT NULL,
    char_start          INTEGER NOT NULL,
    char_end            INTEGER NOT NULL,
    is_end              BOOLEAN NOT NULL,
    n_candidates        INTEGER,
    n_ended             INTEGER,
    candidates_mean     DOUBLE,
    selection_n         INTEGER,
    selection_n_correct INTEGER,
    selection_potential DOUBLE,
    selection_low       DOUBLE,
    selection_high      DOUBLE,
    n                   INTEGER,
    n_correct           INTEGER,
    n_unscored          INTEGER,
    potential           DOUBLE,
    ci_low              DOUBLE,
    ci_high             DOUBLE,
    tokens_spent        BIGINT NOT NULL,
    protocol            VARCHAR NOT NULL,
    protocol_hash       VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, problem_id, arm, cut_index)
);
COMMENT ON TABLE search_steps IS 'One row per cut of the traces in search_traces: the chunk before it, the estimate by which it was chosen, and the estimate from fresh rollouts that took no part in the choice. The first is too large on average, since it is the largest of several.';
COMMENT ON COLUMN search_steps.arm IS 'searched: found by search; sampled: the problem''s first trace in table traces, nothing chosen';
COMMENT ON COLUMN search_steps.trace_id IS 'Trace, as in search_traces';
COMMENT ON COLUMN search_steps.cut_index IS '0 = empty CoT; k = after the k-th chunk';
COMMENT ON COLUMN search_steps.prefix_id IS 'Hash of prompt and prefix token ids; NULL at the end of the trace';
COMMENT ON COLUMN search_steps.token_start IS 'Tokens of the trace before the chunk';
COMMENT ON COLUMN search_steps.token_end IS 'Tokens of the trace up to the cut';
COMMENT ON COLUMN search_steps.char_start IS 'Characters of the trace before the chunk';
COMMENT ON COLUMN search_steps.char_end IS 'Characters of the trace that are complete at the cut';
COMMENT ON COLUMN search_steps.is_end IS 'The trace ends here: it has a verdict, and no potential is estimated';
COMMENT ON COLUMN search_steps.n_candidates IS 'Candidate chunks among which this one was chosen; NULL for the empty CoT and sampled traces';
COMMENT ON COLUMN search_steps.n_ended IS 'Candidates with which the trace ended, judged by their verdict';
COMMENT ON COLUMN search_steps.candidates_mean IS 'Mean over all candidates of their estimate, or verdict at the end: what a chunk that nobody chose is worth, without bias';
COMMENT ON COLUMN search_steps.selection_n IS 'Scored rollouts by which the chunk was chosen; NULL at the end and where nothing was chosen';
COMMENT ON COLUMN search_steps.selection_n_correct IS 'Of them correct';
COMMENT ON COLUMN search_steps.selection_potential IS 'selection_n_correct / selection_n: the estimate that won, too large on average';
COMMENT ON COLUMN search_steps.selection_low IS 'Lower end of its 95% interval, as if nothing had been chosen';
COMMENT ON COLUMN search_steps.selection_high IS 'Upper end of its 95% interval, as if nothing had been chosen';
COMMENT ON COLUMN search_steps.n IS 'Scored fresh rollouts of the prefix; NULL at the end';
COMMENT ON COLUMN search_steps.n_correct IS 'Of them correct';
COMMENT ON COLUMN search_steps.n_unscored IS 'Fresh rollouts that the grader failed on; they leave n';
COMMENT ON COLUMN search_steps.potential IS 'n_correct / n; NULL exactly where n is 0 or NULL';
COMMENT ON COLUMN search_steps.ci_low IS 'Lower end of the 95% Jeffreys interval';
COMMENT ON COLUMN search_steps.ci_high IS 'Upper end of the 95% Jeffreys interval';
COMMENT ON COLUMN search_steps.tokens_spent IS 'Tokens generated to find the chunk: candidates and their rollouts; for a sampled trace the chunk''s own; fresh rollouts are not counted';
