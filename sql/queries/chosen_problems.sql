-- Which problems of a trial are worth measuring: solved sometimes, with some others as a control?
-- note: By the chance before the first token; of each kind the first ones in the order of their ids.
-- note: With `--output chosen.csv` it writes the file that `only = "chosen.csv"` of another problem set reads.
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
-- param low: 0.1 = solved sometimes: from this chance
-- param high: 0.9 = to this one
-- param sometimes: 32 = most problems that are solved sometimes
-- param others: 8 = most others
WITH tried AS (
    SELECT *, v0 BETWEEN $low AND $high AS is_sometimes
    FROM problem_difficulty
    WHERE v0 IS NOT NULL
        AND problem_set = coalesce($problem_set, problem_set)
        AND model = coalesce($model, model)
)
SELECT
    problem_set,
    model,
    problem_id,
    level,
    round(v0, 3) AS v0,
    round(v0_low, 3) AS v0_low,
    round(v0_high, 3) AS v0_high,
    v0_n AS n,
    is_sometimes
FROM tried
QUALIFY row_number() OVER (
    PARTITION BY problem_set, model, is_sometimes ORDER BY length(problem_id), problem_id
) <= CASE WHEN is_sometimes THEN $sometimes ELSE $others END
ORDER BY problem_set, model, length(problem_id), problem_id;
