-- What do steps with a sign in their text (a calculation, a self-check, an answer) do to the potential, in their words?
-- note: One row per step, largest change first; a step without any sign has none. Few signs and a large rise: a jump.
-- param sign: NULL = all; calculation, self_check, gold_answer, first_answer or none
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
-- param limit: 50 = steps
WITH signed AS (
    SELECT
        steps.*,
        substr(traces.text, steps.char_start + 1, steps.char_end - steps.char_start) AS step_text,
        list_filter(
            [
                CASE WHEN is_calculation THEN 'calculation' END,
                CASE WHEN is_self_check THEN 'self_check' END,
                CASE WHEN has_gold_answer THEN 'gold_answer' END,
                CASE WHEN has_first_answer THEN 'first_answer' END
            ],
            lambda sign: sign IS NOT NULL
        ) AS found
    FROM steps
    JOIN traces USING (trace_id)
)

SELECT
    problem_set,
    model,
    trace_id,
    cut_policy,
    cut_index,
    CASE WHEN len(found) = 0 THEN 'none' ELSE array_to_string(found, ', ') END AS signs,
    round(delta, 3) AS delta,
    step_text AS text
FROM signed
WHERE problem_set = coalesce($problem_set, problem_set)
    AND model = coalesce($model, model)
    AND ($sign IS NULL OR list_contains(found, $sign) OR ($sign = 'none' AND len(found) = 0))
ORDER BY abs(delta) DESC, trace_id, cut_policy, cut_index
LIMIT $limit;
