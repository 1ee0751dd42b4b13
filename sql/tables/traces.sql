CREATE TABLE IF NOT EXISTS traces (
    problem_set      VARCHAR NOT NULL,
    model            VARCHAR NOT NULL,
    trace_id         VARCHAR NOT NULL,
    problem_id       VARCHAR NOT NULL,
    sample_index     INTEGER NOT NULL,
    prompt_token_ids INTEGER[] NOT NULL,
    token_ids        INTEGER[] NOT NULL,
    char_ends        INTEGER[],
    text             VARCHAR NOT NULL,
    answer           VARCHAR,
    answer_rule      VARCHAR,
    verdict          VARCHAR NOT NULL,
    finish_reason    VARCHAR NOT NULL,
    n_tokens         INTEGER NOT NULL,
    model_revision   VARCHAR NOT NULL,
    grader_version   VARCHAR NOT NULL,
    protocol         VARCHAR NOT NULL,
    sampling_hash    VARCHAR NOT NULL,
    PRIMARY KEY (trace_id)
);
COMMENT ON TABLE traces IS 'One row per trace: a sampled chain of thought with its final answer and verdict.';
COMMENT ON COLUMN traces.sample_index IS '0, 1, ...: which of the problem''s traces';
COMMENT ON COLUMN traces.prompt_token_ids IS 'Token ids of the rendered prompt';
COMMENT ON COLUMN traces.token_ids IS 'Token ids of the trace, without EOS';
COMMENT ON COLUMN traces.char_ends IS 'Characters of the text that are complete after each token; NULL where tokens are unknown';
COMMENT ON COLUMN traces.text IS 'The trace as text';
COMMENT ON COLUMN traces.answer IS 'Extracted final answer; NULL if there is none';
COMMENT ON COLUMN traces.verdict IS 'correct, incorrect, no_answer, truncated or unscored';
COMMENT ON COLUMN traces.finish_reason IS 'stop, length, content_filter, or unknown (imported, or a word of the server without a known meaning)';
COMMENT ON COLUMN traces.n_tokens IS 'Tokens in the trace, EOS not counted';
COMMENT ON COLUMN traces.model_revision IS 'Revision of the model that wrote it';
