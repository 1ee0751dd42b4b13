CREATE VIEW cost AS
SELECT
    problem_set,
    model,
    asset,
    engine,
    device,
    count(*) AS n_runs,
    min(started_at) AS first_started_at,
    max(started_at) AS last_started_at,
    sum(n_blocks)::BIGINT AS n_blocks,
    sum(n_rollouts)::BIGINT AS n_rollouts,
    sum(seconds) AS seconds,
    sum(prompt_tokens)::BIGINT AS prompt_tokens,
    -- Known only where every run says.
    CASE WHEN count(cached_tokens) = count(*) THEN sum(cached_tokens)::BIGINT END AS cached_tokens,
    CASE WHEN count(cached_tokens) = count(*) THEN sum(cached_tokens) / nullif(sum(prompt_tokens), 0) END
        AS cached_share,
    sum(generated_tokens)::BIGINT AS generated_tokens,
    sum(generated_tokens) / nullif(sum(seconds), 0) AS tokens_per_second,
    sum(generated_tokens) / nullif(sum(n_rollouts), 0) AS tokens_per_rollout,
    1000 * sum(seconds) / nullif(sum(n_rollouts), 0) AS seconds_per_1000_rollouts,
    bool_and(is_reproducible) AS is_reproducible,
    bool_or(is_retokenized) AS is_retokenized
FROM sampling_runs
GROUP BY ALL;
COMMENT ON VIEW cost IS 'What sampling cost, per problem set, model, asset, engine and device. Interrupted and repeated runs count too.';
COMMENT ON COLUMN cost.model IS 'Model that was sampled';
COMMENT ON COLUMN cost.asset IS 'traces, completions, exploration or transfer_completions';
COMMENT ON COLUMN cost.engine IS 'Engine and version';
COMMENT ON COLUMN cost.n_runs IS 'Engine runs';
COMMENT ON COLUMN cost.first_started_at IS 'Start of the first of them, UTC';
COMMENT ON COLUMN cost.last_started_at IS 'Start of the last of them, UTC';
COMMENT ON COLUMN cost.n_rollouts IS 'Completions sampled';
COMMENT ON COLUMN cost.cached_tokens IS 'Of those, taken from the prefix cache; NULL if a run does not say';
COMMENT ON COLUMN cost.cached_share IS 'cached_tokens / prompt_tokens';
COMMENT ON COLUMN cost.tokens_per_rollout IS 'generated_tokens / n_rollouts';
COMMENT ON COLUMN cost.seconds_per_1000_rollouts IS 'Seconds for a thousand completions';
COMMENT ON COLUMN cost.is_reproducible IS 'Seeds make the same tokens again, in every run';
COMMENT ON COLUMN cost.is_retokenized IS 'In some run prefixes or completions traveled as text';
