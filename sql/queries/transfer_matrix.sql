-- Whose beginnings help whom? One row per reader and writer, after one share of the writer's trace.
-- note: The writer's own text, no control. Lift: against the reader's potential without any text.
-- param problem_set: NULL = all problem sets
-- param fraction: 0.2 = share of the writer's trace
-- param trace_filter: 'all' = all measured traces of the writer; 'correct' = correct traces only
-- param leaks: 'kept' = any prefix; 'dropped' = none that states the gold answer
SELECT
    problem_set,
    reader,
    writer,
    fraction,
    n_problems,
    n_traces,
    round(potential, 3) AS potential,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    round(lift, 3) AS lift,
    round(lift_low, 3) AS lift_low,
    round(lift_high, 3) AS lift_high
FROM transfer_curve
WHERE problem_set = coalesce($problem_set, problem_set)
    AND control = 'none'
    AND trace_filter = $trace_filter
    AND leaks = $leaks
    AND abs(fraction - $fraction) < 1e-9
ORDER BY problem_set, reader, writer;
