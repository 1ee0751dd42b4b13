CREATE TABLE IF NOT EXISTS checkpoints (
    model  VARCHAR NOT NULL,
    series VARCHAR,
    step   BIGINT,
    PRIMARY KEY (model)
);
COMMENT ON TABLE checkpoints IS 'Where a model stands in its training, for those of which that is known.';
COMMENT ON COLUMN checkpoints.model IS 'Name in the registry';
COMMENT ON COLUMN checkpoints.series IS 'Entry whose folder or endpoint it was found at, or the name that its entry gives the training';
COMMENT ON COLUMN checkpoints.step IS 'Step of training after which it was written; NULL where its name does not say';
