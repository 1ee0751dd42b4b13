CREATE TABLE IF NOT EXISTS sampling_runs (
    sampling_run_id   VARCHAR NOT NULL,
    asset             VARCHAR NOT NULL,
    problem_set       VARCHAR NOT NULL,
    model             VARCHAR NOT NULL,
    model_revision    VARCHAR NOT NULL,
    engine            VARCHAR NOT NULL,
    device            VARCHAR NOT NULL,
    started_at        TIMESTAMP NOT NULL,
    seconds           DOUBLE NOT NULL,
    n_blocks          INTEGER NOT NULL,
    n_rollouts        INTEGER NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    cached_tokens     BIGINT,
    generated_tokens  BIGINT NOT NULL,
    tokens_per_second DOUBLE NOT NULL,
    is_reproducible   BOOLEAN NOT NULL,
    is_retokenized    BOOLEAN NOT NULL,
    note              VARCHAR,
    PRIMARY KEY (sampling_run_id)
);
COMMENT ON TABLE sampling_runs IS 'One row per engine run: the cost ledger.';
COMMENT ON COLUMN sampling_runs.sampling_run_id IS 'Identity of the engine run';
COMMENT ON COLUMN sampling_runs.asset IS 'Asset that sampled: traces, completions, exploration or transfer_completions';
COMMENT ON COLUMN sampling_runs.model IS 'Model that was sampled';
COMMENT ON COLUMN sampling_runs.model_revision IS 'Its revision';
COMMENT ON COLUMN sampling_runs.engine IS 'Engine and version';
COMMENT ON COLUMN sampling_runs.started_at IS 'UTC';
COMMENT ON COLUMN sampling_runs.n_rollouts IS 'Completions sampled';
COMMENT ON COLUMN sampling_runs.cached_tokens IS 'Of those, in the prefix cache before their block began; NULL if the engine does not say';
COMMENT ON COLUMN sampling_runs.is_reproducible IS 'Seeds make the same tokens again: every block of the run can be sampled again as it was';
COMMENT ON COLUMN sampling_runs.is_retokenized IS 'Prefixes or completions traveled as text, so their tokens may not be those that the model read or wrote';
COMMENT ON COLUMN sampling_runs.note IS 'What the engine could not promise of the settings, and prefixes that the context cut short; NULL if nothing';
