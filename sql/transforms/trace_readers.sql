-- What other models make of the traces' own text: a row per trace, reader and cut that it was given, with its potential there,
-- the change against none of the text, and whether the text unlocks the problem. Parameters: $problem_set.
WITH given AS (
    SELECT read.*, unlocks.status
    FROM transfer_potentials AS read
    LEFT JOIN unlocks USING (problem_set, reader, writer, trace_id, fraction, control)
    WHERE read.problem_set = $problem_set AND read.control = 'none'
    -- Fractions that stand for the same cut are one prefix.
    QUALIFY row_number() OVER (PARTITION BY read.reader, read.trace_id, read.cut_index ORDER BY read.fraction) = 1
)
SELECT
    trace_id, reader, share, n, potential, ci_low, ci_high, status,
    potential - max(potential) FILTER (WHERE fraction = 0) OVER (PARTITION BY reader, trace_id) AS change
FROM given
ORDER BY trace_id, reader, share;
