-- Which right answers look guessed, and how surprising is that at the problem's difficulty?
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
-- param rule: 'lucky_guess' = last cut before the answer is stated; 'late_spike' = the paper's penultimate cut
-- param limit: 50 = rows
SELECT
    problem_set, model, problem_id, trace_id, cut_index, n,
    round(potential, 3) AS potential,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    round(probability, 3) AS probability,
    is_confirmed,
    round(v0, 3) AS v0,
    round(guess_bound, 3) AS guess_bound
FROM lucky_guesses
WHERE by_threshold
    AND rule = $rule
    AND problem_set = coalesce($problem_set, problem_set)
    AND model = coalesce($model, model)
ORDER BY v0 DESC, trace_id
LIMIT $limit;
