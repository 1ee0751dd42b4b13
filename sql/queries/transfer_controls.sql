-- Is it the content that transfers? (The writer's text against each control of equal length, paired by trace.)
-- note: Trace by trace, at equal length. Leaks dropped: no pair of which a text holds the gold answer.
-- param problem_set: NULL = all problem sets
-- param reader: NULL = all readers
-- param fraction: 0.2 = share of the writer's trace
-- param measure: 'potential' = mean potential of the reader; or 'lifted', the expected share unlocked
SELECT
    problem_set,
    reader,
    writer,
    control,
    trace_filter,
    leaks,
    fraction,
    measure,
    n_traces,
    n_problems,
    n_missing,
    n_leaks,
    n_control_leaks,
    n_unlocked,
    n_control_unlocked,
    round(value, 3) AS value,
    round(value_low, 3) AS value_low,
    round(value_high, 3) AS value_high,
    round(control_value, 3) AS control_value,
    round(control_low, 3) AS control_low,
    round(control_high, 3) AS control_high,
    round(difference, 3) AS difference,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high
FROM transfer_differences
WHERE problem_set = coalesce($problem_set, problem_set)
    AND reader = coalesce($reader, reader)
    AND measure = $measure
    AND abs(fraction - $fraction) < 1e-6
ORDER BY problem_set, reader, writer, trace_filter, control, leaks DESC;
