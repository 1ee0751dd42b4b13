-- Which of two solutions that part at an insight or a tangent should be preferred? One pair per event.
-- note: Both are whole solutions with a verdict, and agree in their first shared_characters. At an insight the chosen one
-- note: takes the trace's step and ends correct, the rejected one is an incorrect rollout from before the step; at a
-- note: tangent the rejected one takes the step and ends incorrect. Events without two such rollouts have no pair.
-- param model: NULL = all models
-- param problem_set: NULL = all problem sets
WITH parting AS (
    SELECT
        events.problem_set, events.model, events.problem_id, events.trace_id, events.cut_policy, events.pattern,
        events.cut_index, events.delta, events.probability, events.is_confirmed, events.span,
        before.char_end AS shared_characters, before.prefix_id AS prefix_before, after.prefix_id AS prefix_after
    FROM events
    JOIN trace_cuts AS before USING (trace_id, cut_policy, cut_index)
    JOIN trace_cuts AS after
        ON after.trace_id = events.trace_id
        AND after.cut_policy = events.cut_policy
        AND after.cut_index = events.cut_index + 1
    WHERE events.pattern IN ('insight', 'tangent')
        AND (events.by_threshold OR events.is_confirmed)
        AND events.model = coalesce($model, events.model)
        AND events.problem_set = coalesce($problem_set, events.problem_set)
),
written AS (
    SELECT problem_set, model, prefix_id, verdict, min_by(text, sample_index) AS text
    FROM rollout_texts
    WHERE NOT is_transfer
        AND verdict IN ('correct', 'incorrect')
        AND prefix_id IN (SELECT unnest([prefix_before, prefix_after]) FROM parting)
    GROUP BY ALL
)
SELECT
    parting.problem_set,
    parting.model,
    parting.problem_id,
    parting.trace_id,
    parting.cut_policy,
    parting.pattern,
    parting.cut_index,
    parting.delta,
    parting.probability,
    parting.is_confirmed,
    problems.prompt,
    substr(traces.text, 1, shared_characters) || CASE pattern WHEN 'insight' THEN span ELSE '' END || good.text AS chosen,
    substr(traces.text, 1, shared_characters) || CASE pattern WHEN 'tangent' THEN span ELSE '' END || bad.text AS rejected,
    parting.shared_characters
FROM parting
JOIN traces USING (trace_id)
JOIN problems ON problems.problem_set = parting.problem_set AND problems.problem_id = parting.problem_id
JOIN written AS good
    ON good.problem_set = parting.problem_set
    AND good.model = parting.model
    AND good.verdict = 'correct'
    AND good.prefix_id = CASE pattern WHEN 'insight' THEN prefix_after ELSE prefix_before END
JOIN written AS bad
    ON bad.problem_set = parting.problem_set
    AND bad.model = parting.model
    AND bad.verdict = 'incorrect'
    AND bad.prefix_id = CASE pattern WHEN 'insight' THEN prefix_before ELSE prefix_after END
WHERE good.text IS NOT NULL AND bad.text IS NOT NULL
ORDER BY ALL;
