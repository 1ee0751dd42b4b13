-- What does it cost that another model reads on? (Reader and writer on the same text, paired by trace.)
-- note: At fraction 0 both start from the bare prompt. A reader that is the writer in a smaller format (quantized,
-- note: distilled, an earlier checkpoint) loses here what the format costs along a chain of thought.
-- param problem_set: NULL = all problem sets
-- param reader: NULL = all readers
-- param trace_filter: 'all' = all measured traces of the writer; 'correct' = correct traces only
-- param leaks: 'kept' = any prefix; 'dropped' = none that states the gold answer
SELECT
    problem_set,
    reader,
    writer,
    trace_filter,
    leaks,
    fraction,
    n_problems,
    n_traces,
    round(potential, 3) AS potential,
    round(potential_low, 3) AS potential_low,
    round(potential_high, 3) AS potential_high,
    round(writer_potential, 3) AS writer_potential,
    round(writer_low, 3) AS writer_low,
    round(writer_high, 3) AS writer_high,
    round(difference, 3) AS difference,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high
FROM transfer_gaps
WHERE problem_set = coalesce($problem_set, problem_set)
    AND reader = coalesce($reader, reader)
    AND trace_filter = $trace_filter
    AND leaks = $leaks
ORDER BY problem_set, reader, writer, fraction;
