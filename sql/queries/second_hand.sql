-- How do the rates compare with the paper's on AIME 2024? (Percent of traces; from digests of arXiv 2602.14903, not checked against it.)
-- note: The paper's figures come from digests and were not checked against it.
-- param problem_set: NULL = all problem sets that are AIME 2024
WITH digests (name, insight, tangent, late_spike, monotone) AS (
    VALUES
        ('Qwen2.5-1.5B', 40, 5, 20, 45),
        ('Qwen2.5-7B', 62, 9.5, 14, 42),
        ('Llama-3.1-8B', 46, 33, 6, 15),
        ('Llama-3.1-70B', 37, 40, 5, 17),
        ('Qwen3-0.6B', 55, 41, 10, 15),
        ('Qwen3-32B', 36, 18, 0, 36)
),
sets AS (
    SELECT problem_set
    FROM problems
    GROUP BY problem_set
    HAVING regexp_matches(problem_set, 'aime[-_ ]?(20)?24($|[^0-9])', 'i')
        OR bool_and(regexp_matches(coalesce(source, ''), 'aime[-_ ]?(20)?24($|[^0-9])', 'i'))
)
SELECT
    rates.problem_set,
    rates.model,
    rates.cut_policy,
    rates.pattern,
    CASE rates.pattern
        WHEN 'insight' THEN digests.insight
        WHEN 'tangent' THEN digests.tangent
        WHEN 'late_spike' THEN digests.late_spike
        WHEN 'monotone' THEN digests.monotone
    END / 100 AS paper_second_hand,
    round(rates.rate, 3) AS rate,
    round(rates.ci_low, 3) AS ci_low,
    round(rates.ci_high, 3) AS ci_high,
    rates.n_with,
    rates.n_traces
FROM pattern_rates AS rates
JOIN sets USING (problem_set)
-- The same model: but for an owner before its name, capitals, and -Instruct behind it.
JOIN digests
    ON lower(digests.name) = regexp_replace(lower(regexp_replace(rates.model, '^.*/', '')), '-instruct$', '')
WHERE rates.rule = 'threshold'
    AND rates.trace_filter = 'paper'
    AND rates.pattern <> 'lucky_guess'
    AND rates.problem_set = coalesce($problem_set, rates.problem_set)
ORDER BY rates.problem_set, rates.model, rates.cut_policy, rates.pattern;
