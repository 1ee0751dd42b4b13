-- How many tokens would be saved by stopping a trace at the first cut whose potential reaches a limit, and what would it cost?
-- note: One row per model: what the traces that reach the limit need after it. Who stops there has no answer yet and
-- note: samples one, which takes tokens, too: the saving is an upper bound. Its chance to be correct is the potential there,
-- note: to compare with the share of these traces that end correct. The first passage over a limit picks lucky estimates:
-- note: potential_there is somewhat too high.
-- param at: 0.95 = the limit
-- param problem_set: NULL = all problem sets
WITH stops AS (
    SELECT
        problem_set,
        model,
        cut_policy,
        trace_id,
        verdict,
        max(token_end) AS n_tokens,
        min(token_end) FILTER (WHERE potential >= $at) AS stop_token,
        arg_min(potential, cut_index) FILTER (WHERE potential >= $at) AS potential
    FROM trace_curves
    WHERE problem_set = coalesce($problem_set, problem_set)
    GROUP BY ALL
)

SELECT
    problem_set,
    model,
    cut_policy,
    count(*) AS n_traces,
    count(stop_token) AS n_stopped,
    round(sum(n_tokens - stop_token) / nullif(sum(n_tokens), 0), 3) AS share_of_tokens_saved,
    round(avg(n_tokens - stop_token), 1) AS tokens_saved_per_stopped,
    round(avg(potential), 3) AS potential_there,
    round(avg((verdict = 'correct')::INTEGER) FILTER (WHERE stop_token IS NOT NULL AND verdict <> 'unscored'), 3)
        AS share_correct_in_full
FROM stops
GROUP BY ALL
ORDER BY ALL;
