-- How hard are the problems by level and subject: chance at the start, accuracy, length of the traces?
-- note: Every problem counts once. Rollouts of the bare prompt write a chain of thought of their own, so V0 and accuracy
-- note: estimate one chance: the gain over V0 is 0 but for noise (the check martingale tests it), unless traces were chosen.
-- note: Accuracy, gain and truncation are withheld where imported traces may have been chosen by their verdict.
-- param problem_set: NULL = all problem sets
-- param split_by: NULL = everything; or none (all problems together), level, subject
SELECT
    problem_set,
    model,
    split_by,
    part,
    measure,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_problems,
    note
FROM summaries
WHERE figure = 'difficulty'
    AND problem_set = coalesce($problem_set, problem_set)
    AND split_by = coalesce($split_by, split_by)
ORDER BY problem_set, model, list_position(['none', 'level', 'subject'], split_by), part,
    list_position(['accuracy', 'v0', 'gain_over_v0', 'solved_without_cot', 'truncated', 'n_tokens'], measure);
