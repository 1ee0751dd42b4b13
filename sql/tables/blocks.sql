CREATE TABLE IF NOT EXISTS blocks (
    problem_set    VARCHAR NOT NULL,
    model          VARCHAR NOT NULL,
    asset          VARCHAR NOT NULL,
    problem_id     VARCHAR NOT NULL,
    prefix_id      VARCHAR NOT NULL,
    block_index    INTEGER NOT NULL,
    block_key      VARCHAR NOT NULL,
    n              INTEGER NOT NULL,
    seed           VARCHAR NOT NULL,
    model_revision VARCHAR NOT NULL,
    sampled_with   VARCHAR NOT NULL,
    prompt         VARCHAR NOT NULL,
    protocol       VARCHAR NOT NULL,
    sampling_hash  VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, asset, prefix_id, block_index)
);
COMMENT ON TABLE blocks IS 'One row per block that a sampling asset asked for: which rollouts in the shards belong to a prefix under the protocol in force.';
COMMENT ON COLUMN blocks.model IS 'Model that was sampled';
COMMENT ON COLUMN blocks.asset IS 'traces, completions, transfer_completions or explorations; search_traces for its rollouts, search_chunks for its candidate chunks';
COMMENT ON COLUMN blocks.prefix_id IS 'The prefix that is continued';
COMMENT ON COLUMN blocks.block_index IS '0, 1, ...: which block of the prefix';
COMMENT ON COLUMN blocks.block_key IS 'Identity of the block; the shards hold its rollouts under this key';
COMMENT ON COLUMN blocks.n IS 'Rollouts in the block';
COMMENT ON COLUMN blocks.seed IS 'Seed of the block, 64 bits: a hash of its key';
COMMENT ON COLUMN blocks.model_revision IS 'Revision of the model: declared, or the hash of its files';
COMMENT ON COLUMN blocks.sampled_with IS 'JSON of all that can change a probability: engine and version, number format, hash of tokenizer and template, settings of engine and sampling';
COMMENT ON COLUMN blocks.prompt IS 'The prompt as text, decoded from the tokens that the model read, special ones too';
