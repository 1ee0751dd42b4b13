-- What did it cost: tokens, hours, share taken from the prefix cache, tokens per second?
-- note: From the ledger of engine runs. Time is wall-clock time of sampling; loading is not counted. Nothing is
-- note: listed for rollouts that others published.
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    asset,
    engine,
    device,
    n_runs,
    n_rollouts,
    round(seconds / 3600, 3) AS hours,
    prompt_tokens,
    round(cached_share, 3) AS cached_share,
    generated_tokens,
    round(tokens_per_second) AS tokens_per_second,
    round(tokens_per_rollout, 1) AS tokens_per_rollout,
    round(seconds_per_1000_rollouts, 2) AS seconds_per_1000_rollouts
FROM cost
WHERE problem_set = coalesce($problem_set, problem_set)
ORDER BY problem_set, model, asset, engine, device;
