-- How far does a part of a writer's trace lift the reader? (Intervals clustered by problem.)
-- note: The reader continues the writer's text (control none). Controls give it another text of equal length: of another
-- note: problem's trace (shuffled), of an incorrect trace of the writer (wrong), or of its own trace (own). Lift: against
-- note: the reader's potential without any text.
-- param problem_set: NULL = all problem sets
-- param reader: NULL = all readers
-- param trace_filter: 'all' = all measured traces of the writer; 'correct' = correct traces only
-- param leaks: 'kept' = any prefix; 'dropped' = none that states the gold answer
SELECT
    problem_set,
    reader,
    writer,
    control,
    trace_filter,
    leaks,
    fraction,
    n_problems,
    n_traces,
    round(potential, 3) AS potential,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_paired,
    round(lift, 3) AS lift,
    round(lift_low, 3) AS lift_low,
    round(lift_high, 3) AS lift_high
FROM transfer_curve
WHERE problem_set = coalesce($problem_set, problem_set)
    AND reader = coalesce($reader, reader)
    AND trace_filter = $trace_filter
    AND leaks = $leaks
ORDER BY problem_set, reader, writer, control, fraction;
