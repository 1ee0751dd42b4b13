CREATE TABLE IF NOT EXISTS audits (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    asset         VARCHAR NOT NULL,
    problem_id    VARCHAR NOT NULL,
    prefix_id     VARCHAR NOT NULL,
    block_key     VARCHAR NOT NULL,
    shard         VARCHAR NOT NULL,
    verdict       VARCHAR NOT NULL,
    n_tokens      BIGINT NOT NULL,
    n_judged      BIGINT NOT NULL,
    n_impossible  BIGINT NOT NULL,
    z             DOUBLE,
    log_e         DOUBLE,
    excess        DOUBLE NOT NULL,
    variance      DOUBLE NOT NULL,
    log_ratios    DOUBLE[] NOT NULL,
    audited_at    TIMESTAMP NOT NULL,
    protocol      VARCHAR NOT NULL,
    protocol_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, asset, block_key, shard)
);
COMMENT ON TABLE audits IS 'One row per block whose texts were scored again, by a pass of the model that shares nothing with sampling.';
COMMENT ON COLUMN audits.model IS 'Model that was sampled';
COMMENT ON COLUMN audits.asset IS 'Asset that asked for the block: traces, completions, transfer_completions, explorations or search_traces';
COMMENT ON COLUMN audits.prefix_id IS 'The prefix that is continued';
COMMENT ON COLUMN audits.block_key IS 'Identity of the block';
COMMENT ON COLUMN audits.shard IS 'Parquet file that the texts were read from, relative to the shards folder';
COMMENT ON COLUMN audits.verdict IS 'passed; set_aside: not what the model writes, kept in a file of its own and sampled again; failed: neither was that';
COMMENT ON COLUMN audits.n_tokens IS 'Tokens of its completions, with the one that ends each';
COMMENT ON COLUMN audits.n_judged IS 'Of those, tokens of whose law enough is known: a server tells a few likely ones, which may not do for this temperature and top-p';
COMMENT ON COLUMN audits.n_impossible IS 'Of those, tokens that temperature, top-p, top-k or min-p rule out';
COMMENT ON COLUMN audits.z IS 'excess / sqrt(variance): about N(0, 1) where many tokens were open; NULL where none was';
COMMENT ON COLUMN audits.log_e IS 'Natural logarithm of e, with P(e >= x) <= 1 / x if the model wrote the texts; NULL where a token is impossible';
COMMENT ON COLUMN audits.excess IS 'Sum over tokens of surprise - entropy, in nats';
COMMENT ON COLUMN audits.variance IS 'Sum of the variances of the surprises';
COMMENT ON COLUMN audits.log_ratios IS 'Logarithms of the ratios that e is the mean of, by temperature, for the first 32 tokens of each completion and for all; the last of either half: of copies';
COMMENT ON COLUMN audits.audited_at IS 'UTC';
