CREATE TABLE IF NOT EXISTS spikes (
    problem_set      VARCHAR NOT NULL,
    model            VARCHAR NOT NULL,
    problem_id       VARCHAR NOT NULL,
    trace_id         VARCHAR NOT NULL,
    cut_policy       VARCHAR NOT NULL,
    cut_index        INTEGER NOT NULL,
    token_start      INTEGER NOT NULL,
    token_end        INTEGER NOT NULL,
    char_start       INTEGER NOT NULL,
    char_end         INTEGER NOT NULL,
    span             VARCHAR NOT NULL,
    n_before         INTEGER NOT NULL,
    n_after          INTEGER NOT NULL,
    potential_before DOUBLE NOT NULL,
    potential_after  DOUBLE NOT NULL,
    delta            DOUBLE NOT NULL,
    delta_low        DOUBLE NOT NULL,
    delta_high       DOUBLE NOT NULL,
    threshold        DOUBLE NOT NULL,
    by_threshold     BOOLEAN NOT NULL,
    probability      DOUBLE NOT NULL,
    is_confirmed     BOOLEAN NOT NULL,
    protocol         VARCHAR NOT NULL,
    protocol_hash    VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy, cut_index)
);
COMMENT ON TABLE spikes IS 'One row per rise between neighboring cuts that either rule calls an insight, or that has probability >= 0.5.';
COMMENT ON COLUMN spikes.cut_index IS 'The cut after which it happens; the pair is cut_index, cut_index + 1';
COMMENT ON COLUMN spikes.token_start IS 'First token of the span between the cuts';
COMMENT ON COLUMN spikes.token_end IS 'Token after the span';
COMMENT ON COLUMN spikes.char_start IS 'First character of the span';
COMMENT ON COLUMN spikes.char_end IS 'Character after the span';
COMMENT ON COLUMN spikes.span IS 'Text between the two cuts';
COMMENT ON COLUMN spikes.threshold IS 'Change asked for';
COMMENT ON COLUMN spikes.by_threshold IS 'The paper''s rule: the estimated change is beyond the threshold';
COMMENT ON COLUMN spikes.probability IS 'Posterior probability that the true change is beyond the threshold';
COMMENT ON COLUMN spikes.is_confirmed IS 'Among the events of the partition of which at most 5% are expected to be false, and at least 0.8 probable itself, under the prior fitted to all changes (table changes)';
