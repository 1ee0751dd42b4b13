-- The pattern is filled in when the results are published: shards/ in the working directory, since a home may be moved.
CREATE VIEW rollout_texts AS
WITH sampled AS (
    SELECT
        false AS is_transfer, problem_set, model, problem_id, prefix_id, sample_index, answer, verdict,
        finish_reason, n_tokens, block_key, shard
    FROM rollouts
    WHERE origin = 'own'
    UNION ALL
    SELECT
        true AS is_transfer, problem_set, reader AS model, problem_id, prefix_id, sample_index, answer, verdict,
        finish_reason, n_tokens, block_key, shard
    FROM transfer_rollouts
)
SELECT
    sampled.problem_set,
    sampled.model,
    sampled.is_transfer,
    sampled.problem_id,
    sampled.prefix_id,
    sampled.sample_index,
    sampled.answer,
    sampled.verdict,
    sampled.finish_reason,
    sampled.n_tokens,
    texts.text,
    texts.token_ids,
    sampled.block_key,
    sampled.shard
FROM sampled
LEFT JOIN read_parquet($shards_glob, filename = true, union_by_name = true) AS texts
    -- A block can be in two files, if it was sampled again after a crash: the shard decides.
    ON array_to_string(string_split(texts.filename, '/')[-3:], '/') = sampled.shard
    AND texts.block_key = sampled.block_key
    AND texts.sample_index = sampled.sample_index
    AND texts.prefix_id = sampled.prefix_id;
COMMENT ON VIEW rollout_texts IS 'One row per rollout with its text, read from the Parquet shards in ./shards/: open this file in its data home, or `SET file_search_path` to it.';
COMMENT ON COLUMN rollout_texts.problem_set IS 'Name of the problem set';
COMMENT ON COLUMN rollout_texts.model IS 'Model that was sampled (the reader)';
COMMENT ON COLUMN rollout_texts.is_transfer IS 'The prefix was written by another model';
COMMENT ON COLUMN rollout_texts.problem_id IS 'Problem, unique in its problem set';
COMMENT ON COLUMN rollout_texts.prefix_id IS 'The prefix that was continued; joins prefixes or transfer_cuts';
COMMENT ON COLUMN rollout_texts.sample_index IS '0 ... n-1 among the rollouts of the prefix';
COMMENT ON COLUMN rollout_texts.answer IS 'Extracted final answer of prefix and completion; NULL if there is none';
COMMENT ON COLUMN rollout_texts.verdict IS 'correct, incorrect, no_answer, truncated or unscored';
COMMENT ON COLUMN rollout_texts.finish_reason IS 'stop, length, or unknown (imported)';
COMMENT ON COLUMN rollout_texts.n_tokens IS 'Generated tokens';
COMMENT ON COLUMN rollout_texts.text IS 'The completion, without its prefix; NULL if its shard is gone';
COMMENT ON COLUMN rollout_texts.token_ids IS 'Token ids of the completion';
COMMENT ON COLUMN rollout_texts.block_key IS 'Identity of the block that it was sampled in';
COMMENT ON COLUMN rollout_texts.shard IS 'Parquet file that holds the text, relative to the shards folder';
