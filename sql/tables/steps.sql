CREATE TABLE IF NOT EXISTS steps (
    problem_set          VARCHAR NOT NULL,
    model                VARCHAR NOT NULL,
    problem_id           VARCHAR NOT NULL,
    trace_id             VARCHAR NOT NULL,
    cut_policy           VARCHAR NOT NULL,
    cut_index            INTEGER NOT NULL,
    token_start          INTEGER NOT NULL,
    token_end            INTEGER NOT NULL,
    char_start           INTEGER NOT NULL,
    char_end             INTEGER NOT NULL,
    n_before             INTEGER NOT NULL,
    k_before             DOUBLE NOT NULL,
    n_after              INTEGER NOT NULL,
    k_after              DOUBLE NOT NULL,
    delta                DOUBLE NOT NULL,
    delta_low            DOUBLE,
    delta_high           DOUBLE,
    delta_fitted         DOUBLE NOT NULL,
    insight_threshold    DOUBLE NOT NULL,
    is_insight           BOOLEAN NOT NULL,
    insight_probability  DOUBLE NOT NULL,
    insight_fitted       DOUBLE NOT NULL,
    is_insight_confirmed BOOLEAN NOT NULL,
    tangent_threshold    DOUBLE NOT NULL,
    is_tangent           BOOLEAN NOT NULL,
    tangent_probability  DOUBLE NOT NULL,
    tangent_fitted       DOUBLE NOT NULL,
    is_tangent_confirmed BOOLEAN NOT NULL,
    recovery_tokens      INTEGER,
    is_calculation       BOOLEAN NOT NULL,
    is_self_check        BOOLEAN NOT NULL,
    has_gold_answer      BOOLEAN NOT NULL,
    has_first_answer     BOOLEAN NOT NULL,
    protocol             VARCHAR NOT NULL,
    sampling_hash        VARCHAR NOT NULL,
    analysis_hash        VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy, cut_index)
);
COMMENT ON TABLE steps IS 'One row per pair of neighboring measured cuts whose potentials are both known: how the potential changed, how sure that is, and what the text between them shows. Views: changes (all pairs), spikes and tangents (events), jumps (the text).';
COMMENT ON COLUMN steps.cut_index IS 'The first cut of the pair; the second is cut_index + 1';
COMMENT ON COLUMN steps.token_start IS 'First token of the text between the cuts';
COMMENT ON COLUMN steps.token_end IS 'Token after it';
COMMENT ON COLUMN steps.char_start IS 'First character of the text between the cuts';
COMMENT ON COLUMN steps.char_end IS 'Character after it';
COMMENT ON COLUMN steps.k_before IS 'Of those at the first cut, correct; whole unless they have weights';
COMMENT ON COLUMN steps.k_after IS 'Of those at the second cut, correct; whole unless they have weights';
COMMENT ON COLUMN steps.delta IS 'k_after / n_after - k_before / n_before';
COMMENT ON COLUMN steps.delta_low IS 'Lower end of the 95% posterior interval of the change; only for events (rows of spikes or tangents)';
COMMENT ON COLUMN steps.delta_high IS 'Upper end of it';
COMMENT ON COLUMN steps.insight_threshold IS 'Rise asked for';
COMMENT ON COLUMN steps.is_insight IS 'The paper''s rule: delta is beyond insight_threshold';
COMMENT ON COLUMN steps.tangent_threshold IS 'Drop asked for';
COMMENT ON COLUMN steps.is_tangent IS 'The paper''s rule: -delta is beyond tangent_threshold';
COMMENT ON COLUMN steps.recovery_tokens IS 'For rows of tangents: tokens from the end of the drop to the first later cut that is back at the potential before it, less the tolerance; NULL if there is none';
COMMENT ON COLUMN steps.is_calculation IS 'An equality ends in the text that has digits on both sides and an operation on at least one';
COMMENT ON COLUMN steps.is_self_check IS 'A word ends in the text by which it doubts or checks itself: wait, check, verify, mistake and the like';
COMMENT ON COLUMN steps.has_gold_answer IS 'A statement of the gold answer ends in the text: boxed, right of an equals sign, after "answer is", or as a whole expression of 3 or more digits or a non-integer';
COMMENT ON COLUMN steps.has_first_answer IS 'The first statement of the trace''s own final answer ends in the text';
