CREATE TABLE IF NOT EXISTS rollouts (
    problem_set    VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,
    problem_id     VARCHAR NOT NULL,
    prefix_id      VARCHAR NOT NULL,
    sample_index   INTEGER NOT NULL,
    origin         VARCHAR NOT NULL,
    block_key      VARCHAR NOT NULL,
    answer         VARCHAR,
    answer_rule    VARCHAR,
    verdict        VARCHAR NOT NULL,
    finish_reason  VARCHAR NOT NULL,
    n_tokens       INTEGER NOT NULL,
    shard          VARCHAR NOT NULL,
    grader_version VARCHAR NOT NULL,
    protocol       VARCHAR NOT NULL,
    sampling_hash  VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, prefix_id, sample_index)
);
COMMENT ON TABLE rollouts IS 'One row per rollout: a model''s continuation of a prefix, of its own trace or given by another model. Texts: view rollout_texts.';
COMMENT ON COLUMN rollouts.model IS 'Reader: the model that continued the prefix';
COMMENT ON COLUMN rollouts.prefix_id IS 'The prefix that was continued';
COMMENT ON COLUMN rollouts.sample_index IS '0 ... n-1 among the rollouts of the prefix';
COMMENT ON COLUMN rollouts.block_key IS 'Identity of the block of 16 that it was sampled in';
COMMENT ON COLUMN rollouts.answer IS 'Extracted final answer of prefix and completion; NULL if there is none';
COMMENT ON COLUMN rollouts.verdict IS 'correct, incorrect, no_answer, truncated or unscored';
COMMENT ON COLUMN rollouts.finish_reason IS 'stop, length, content_filter, or unknown (imported, or a word of the server without a known meaning)';
COMMENT ON COLUMN rollouts.n_tokens IS 'Generated tokens';
COMMENT ON COLUMN rollouts.shard IS 'Parquet file that holds its text, relative to the shards folder';
