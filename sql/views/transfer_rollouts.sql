CREATE VIEW transfer_rollouts AS
SELECT
    rollouts.problem_set,
    rollouts.model AS reader,
    rollouts.problem_id,
    rollouts.prefix_id,
    rollouts.sample_index,
    rollouts.block_key,
    rollouts.answer,
    rollouts.answer_rule,
    rollouts.verdict,
    rollouts.finish_reason,
    rollouts.n_tokens,
    rollouts.shard,
    rollouts.grader_version,
    rollouts.protocol,
    rollouts.sampling_hash AS protocol_hash
FROM rollouts
SEMI JOIN given
    ON given.problem_set = rollouts.problem_set
    AND given.reader = rollouts.model
    AND given.prefix_id = rollouts.prefix_id;
COMMENT ON VIEW transfer_rollouts IS 'One row per rollout of a reader on a prefix that it was given.';
COMMENT ON COLUMN transfer_rollouts.prefix_id IS 'The prefix that was continued';
COMMENT ON COLUMN transfer_rollouts.sample_index IS '0 ... n-1 among the rollouts of the prefix';
COMMENT ON COLUMN transfer_rollouts.block_key IS 'Identity of the block of 16 that it was sampled in';
COMMENT ON COLUMN transfer_rollouts.answer IS 'Extracted final answer of prefix and completion; NULL if there is none';
COMMENT ON COLUMN transfer_rollouts.verdict IS 'correct, incorrect, no_answer, truncated or unscored';
COMMENT ON COLUMN transfer_rollouts.finish_reason IS 'stop, length, content_filter or unknown (a word of the server without a known meaning)';
COMMENT ON COLUMN transfer_rollouts.n_tokens IS 'Generated tokens';
COMMENT ON COLUMN transfer_rollouts.shard IS 'Parquet file that holds its text, relative to the shards folder';
