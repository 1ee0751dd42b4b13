-- Does a model guess more, or does it only meet harder problems? (Guess rates matched on V0.)
-- note: Correct traces by V0, the potential of the empty chain of thought: at a low V0 a correct trace must have
-- note: come from a low potential, and the bound says how often at most. Equal weights: the mean over the bins with
-- note: traces.
-- param problem_set: NULL = all problem sets
-- param pattern: 'lucky_guess' = last cut before the answer is stated; 'late_spike' = the paper's penultimate cut
-- param rule: 'threshold' = the paper's rule on estimates; 'confirmed' counts only what is_confirmed
SELECT
    rates.problem_set,
    rates.model,
    rates.cut_policy,
    rates.pattern,
    rates.rule,
    rates.v0_bin,
    rates.n_with AS n_guesses,
    rates.n_traces,
    rates.n_problems,
    round(rates.rate, 3) AS guess_rate,
    round(rates.ci_low, 3) AS ci_low,
    round(rates.ci_high, 3) AS ci_high,
    round(bounds.estimate, 3) AS mean_bound,
    round(bounds.ci_low, 3) AS bound_low,
    round(bounds.ci_high, 3) AS bound_high
FROM matched_rates AS rates
LEFT JOIN summaries AS bounds
    ON bounds.problem_set = rates.problem_set
    AND bounds.model = rates.model
    AND bounds.cut_policy = rates.cut_policy
    AND bounds.figure = 'guesses_by_v0'
    AND bounds.rule = rates.pattern
    AND bounds.part = rates.v0_bin
WHERE rates.problem_set = coalesce($problem_set, rates.problem_set)
    AND rates.pattern = $pattern
    AND rates.rule = $rule
    AND rates.trace_filter = 'correct'
ORDER BY rates.problem_set, rates.cut_policy, rates.v0_bin, rates.model;
