-- What are insights made of, and is it anything that other steps are not? (Shares of steps by what their text holds.)
-- note: A jump is an insight that no reader can explain; no rule decides that. Shares of insights whose text holds a
-- note: calculation, a self-check such as “wait”, the gold answer, or the first statement of the trace's own answer,
-- note: and of all other steps.
-- param problem_set: NULL = all problem sets
-- param rule: 'threshold' = insights by the paper's rule; 'confirmed' counts only what is_confirmed
SELECT
    problem_set,
    model,
    cut_policy,
    rule,
    measure,
    part AS step,
    statistic,
    round(estimate, 3) AS estimate,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_with,
    n AS n_steps,
    n_problems
FROM summaries
WHERE figure = 'jumps'
    AND problem_set = coalesce($problem_set, problem_set)
    AND rule = $rule
ORDER BY problem_set, cut_policy, model,
    list_position(['calculation', 'self_check', 'gold_answer', 'first_answer', 'no_sign', 'n_characters', 'n_tokens'], measure),
    step;
