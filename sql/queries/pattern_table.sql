-- How often does each pattern occur, per model? (The paper's pattern table, with 95% intervals.)
-- param problem_set: NULL = all problem sets
-- param rule: 'threshold' = the paper's rule on estimates; 'confirmed' counts only what is_confirmed
-- param trace_filter: 'paper' = correct traces of problems not solved from the start; or correct, incorrect, all
SELECT * EXCLUDE (protocol, protocol_hash)
FROM pattern_table
WHERE problem_set = coalesce($problem_set, problem_set)
    AND rule = $rule
    AND trace_filter = $trace_filter
ORDER BY problem_set, cut_policy, model;
