-- Does the step that lifts the writer lift the reader? (Changes of both between the same cuts, by kind of step.)
-- note: Changes of both potentials between the same two cuts, by the writer's kind of step. Correlations are
-- note: weakened by the noise of both; corrected: the binomial noise taken off both variances, where that is
-- note: possible.
-- param problem_set: NULL = all problem sets
-- param reader: NULL = all readers
-- param leaks: 'kept' = all steps; 'dropped' = none at whose end the text holds the gold answer
SELECT
    problem_set,
    reader,
    writer,
    kind,
    leaks,
    n_steps,
    n_traces,
    n_problems,
    round(writer_change, 3) AS writer_change,
    round(writer_change_low, 3) AS writer_change_low,
    round(writer_change_high, 3) AS writer_change_high,
    round(reader_change, 3) AS reader_change,
    round(reader_change_low, 3) AS reader_change_low,
    round(reader_change_high, 3) AS reader_change_high,
    round(correlation, 3) AS correlation,
    round(correlation_low, 3) AS correlation_low,
    round(correlation_high, 3) AS correlation_high,
    round(corrected, 3) AS corrected,
    round(corrected_low, 3) AS corrected_low,
    round(corrected_high, 3) AS corrected_high
FROM step_correlations
WHERE problem_set = coalesce($problem_set, problem_set)
    AND reader = coalesce($reader, reader)
    AND leaks = $leaks
ORDER BY problem_set, reader, writer, CASE kind WHEN 'all' THEN 0 WHEN 'insight' THEN 1 WHEN 'tangent' THEN 2 ELSE 3 END;
