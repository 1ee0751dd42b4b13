-- Cuts of writers' traces at which a reader's potential was measured too: the counts of both. Fractions that
-- stand for the same cut are one point.
-- Parameters: $problem_set, $reader.
SELECT
    given.problem_set,
    given.reader,
    given.writer,
    given.problem_id,
    given.trace_id,
    given.cut_index,
    list(DISTINCT given.fraction ORDER BY given.fraction) AS fractions,
    any_value(given.trace_verdict) AS trace_verdict,
    any_value(given.leaks_answer) AS leaks_answer,
    any_value(given.n) AS n,
    any_value(given.n_correct) AS n_correct,
    any_value(own.n) AS writer_n,
    any_value(own.n_correct) AS writer_n_correct
FROM transfer_potentials AS given
JOIN transfer_cuts AS placed USING (problem_set, reader, writer, trace_id, fraction, control)
JOIN trace_cuts AS cuts ON cuts.trace_id = given.trace_id AND cuts.cut_index = given.cut_index AND NOT cuts.is_end
    -- The same text: one trace may be cut by several policies.
    AND cuts.char_end = placed.char_end
LEFT JOIN potentials AS own
    ON own.problem_set = cuts.problem_set AND own.model = cuts.model AND own.prefix_id = cuts.prefix_id
WHERE given.problem_set = $problem_set AND given.reader = $reader AND given.control = 'none'
GROUP BY ALL
ORDER BY given.writer, given.problem_id, given.trace_id, given.cut_index;
