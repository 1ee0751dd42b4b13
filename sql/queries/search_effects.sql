-- What does searching over chunks gain over plain sampling on the same problems, and how much does it flatter itself?
-- note: Greedy search: of several candidate chunks the one with the highest potential is kept, until the trace ends.
-- note: The search is told the gold answer, so its correct answers are not its accuracy: they show how far
-- note: single chunks decide. Selection bias: the estimate that won, and fresh rollouts of the same chunk.
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    measure,
    round(value, 3) AS searched,
    round(value_low, 3) AS searched_low,
    round(value_high, 3) AS searched_high,
    round(reference, 3) AS reference,
    round(reference_low, 3) AS reference_low,
    round(reference_high, 3) AS reference_high,
    round(difference, 3) AS difference,
    round(difference_low, 3) AS difference_low,
    round(difference_high, 3) AS difference_high,
    n,
    n_problems
FROM search_effects
WHERE problem_set = coalesce($problem_set, problem_set)
ORDER BY problem_set, model, measure;
