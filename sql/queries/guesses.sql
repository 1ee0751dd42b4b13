-- Which correct answers look guessed, and how surprising is that at the problem's difficulty?
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
-- param rule: 'lucky_guess' = last cut before the answer is stated; 'late_spike' = the paper's penultimate cut
-- param limit: 50 = rows
SELECT
    guesses.problem_set,
    guesses.model,
    guesses.cut_policy,
    guesses.rule,
    guesses.problem_id,
    guesses.trace_id,
    guesses.cut_index,
    guesses.n,
    round(guesses.potential, 3) AS potential,
    round(guesses.ci_low, 3) AS ci_low,
    round(guesses.ci_high, 3) AS ci_high,
    round(guesses.probability, 3) AS probability,
    guesses.is_confirmed,
    round(guesses.v0, 3) AS v0,
    round(start.ci_low, 3) AS v0_low,
    round(start.ci_high, 3) AS v0_high,
    round(guesses.guess_bound, 3) AS guess_bound
FROM lucky_guesses AS guesses
LEFT JOIN trace_curves AS start
    ON start.trace_id = guesses.trace_id AND start.cut_policy = guesses.cut_policy AND start.cut_index = 0
WHERE guesses.by_threshold
    AND guesses.rule = $rule
    AND guesses.problem_set = coalesce($problem_set, guesses.problem_set)
    AND guesses.model = coalesce($model, guesses.model)
ORDER BY guesses.v0 DESC, guesses.trace_id
LIMIT $limit;
