-- How did the search choose, chunk by chunk, and did the choice hold? (selection chose the chunk, fresh did not)
-- param problem_set: NULL = all problem sets
SELECT
    steps.problem_set,
    steps.model,
    steps.problem_id,
    steps.cut_index,
    steps.token_end,
    steps.n_candidates,
    round(steps.candidates_mean, 3) AS candidates_mean,
    round(steps.selection_potential, 3) AS selection,
    round(steps.selection_low, 3) AS selection_low,
    round(steps.selection_high, 3) AS selection_high,
    steps.selection_n,
    round(steps.potential, 3) AS fresh,
    round(steps.ci_low, 3) AS fresh_low,
    round(steps.ci_high, 3) AS fresh_high,
    steps.n,
    CASE WHEN steps.is_end THEN traces.verdict END AS verdict,
    steps.tokens_spent,
    traces.text[steps.char_start + 1 : steps.char_end] AS chunk
FROM search_steps AS steps
JOIN search_traces AS traces USING (problem_set, model, problem_id, arm)
WHERE steps.arm = 'searched' AND steps.problem_set = coalesce($problem_set, steps.problem_set)
ORDER BY steps.problem_set, steps.model, steps.problem_id, steps.cut_index;
