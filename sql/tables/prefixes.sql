CREATE TABLE IF NOT EXISTS prefixes (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    problem_id    VARCHAR NOT NULL,
    prefix_id     VARCHAR NOT NULL,
    token_ids     INTEGER[] NOT NULL,
    n_tokens      INTEGER NOT NULL,
    text          VARCHAR NOT NULL,
    protocol      VARCHAR NOT NULL,
    protocol_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, prefix_id)
);
COMMENT ON TABLE prefixes IS 'One row per distinct prefix of the measured traces.';
COMMENT ON COLUMN prefixes.model IS 'Writer of the trace';
COMMENT ON COLUMN prefixes.prefix_id IS 'Hash of prompt and prefix token ids';
COMMENT ON COLUMN prefixes.token_ids IS 'Token ids of prompt and prefix together';
COMMENT ON COLUMN prefixes.n_tokens IS 'Tokens of the prefix, prompt not counted';
COMMENT ON COLUMN prefixes.text IS 'The prefix as text, without the prompt';
