CREATE TABLE IF NOT EXISTS models (
    model         VARCHAR NOT NULL,
    revision      VARCHAR NOT NULL,
    engine        VARCHAR NOT NULL,
    path          VARCHAR,
    endpoint      VARCHAR,
    template      VARCHAR NOT NULL,
    series        VARCHAR,
    step          BIGINT,
    first_seen_at TIMESTAMP NOT NULL,
    PRIMARY KEY (model, revision)
);
COMMENT ON TABLE models IS 'One row per model and revision, as first seen.';
COMMENT ON COLUMN models.model IS 'Name in the registry';
COMMENT ON COLUMN models.revision IS 'Declared revision, or a hash of weights and tokenizer';
COMMENT ON COLUMN models.engine IS 'openvino, vllm, openai or imported';
COMMENT ON COLUMN models.path IS 'Folder or hub name of the weights';
COMMENT ON COLUMN models.endpoint IS 'Base URL of a server, or of several';
COMMENT ON COLUMN models.template IS 'chat, or the text around the statement';
COMMENT ON COLUMN models.series IS 'Training that it is a checkpoint of: the entry whose folder or endpoint it was found at, or the name that its entry gives';
COMMENT ON COLUMN models.step IS 'Step of training after which it was written; NULL where its name does not say';
COMMENT ON COLUMN models.first_seen_at IS 'When the revision was first used, UTC';
