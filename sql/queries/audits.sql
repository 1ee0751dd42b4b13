-- Are the sampled texts what the models write? Blocks that failed an audit first; per model and asset the least likely.
-- param model: NULL = any model
-- param verdict: NULL = any verdict; or passed, set_aside, failed
-- param limit: 3 = blocks per model and asset
WITH ranked AS (
    SELECT
        *,
        count(*) OVER partition_ AS audited,
        row_number() OVER (
            partition_ ORDER BY verdict = 'passed', n_impossible DESC, log_e DESC NULLS FIRST, block_key
        ) AS place
    FROM audits
    WHERE model = coalesce($model, model) AND verdict = coalesce($verdict, verdict)
    WINDOW partition_ AS (PARTITION BY problem_set, model, asset)
)
SELECT
    problem_set,
    model,
    asset,
    audited,
    problem_id,
    block_key,
    verdict,
    n_tokens,
    round(n_judged / nullif(n_tokens, 0), 3) AS judged,
    n_impossible,
    round(z, 1) AS z,
    round(log_e / ln(10), 1) AS log10_e
FROM ranked
WHERE place <= $limit
ORDER BY verdict = 'passed', problem_set, model, asset, place;
