-- How often does each pattern occur, per model? (The paper's pattern table, with 95% intervals.)
-- param problem_set: NULL = all problem sets
-- param rule: 'threshold' = the paper's rule on estimates; 'confirmed' counts only what is_confirmed
-- param trace_filter: 'paper' = correct traces of problems not solved from the start; or correct, incorrect, all
SELECT
    problem_set,
    model,
    cut_policy,
    rule,
    trace_filter,
    n_traces,
    n_problems,
    printf('%.0f [%.0f, %.0f]', 100 * insight, 100 * insight_low, 100 * insight_high) AS insight_percent,
    printf('%.0f [%.0f, %.0f]', 100 * tangent, 100 * tangent_low, 100 * tangent_high) AS tangent_percent,
    printf('%.0f [%.0f, %.0f]', 100 * late_spike, 100 * late_spike_low, 100 * late_spike_high) AS late_spike_percent,
    printf('%.0f [%.0f, %.0f]', 100 * lucky_guess, 100 * lucky_guess_low, 100 * lucky_guess_high)
        AS lucky_guess_percent,
    printf('%.0f [%.0f, %.0f]', 100 * monotone, 100 * monotone_low, 100 * monotone_high) AS monotone_percent
FROM pattern_table
WHERE problem_set = coalesce($problem_set, problem_set)
    AND rule = $rule
    AND trace_filter = $trace_filter
ORDER BY problem_set, cut_policy, model;
