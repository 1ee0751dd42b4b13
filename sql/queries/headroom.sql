-- Is a step's change bounded by what was open before it? (Steps by the entropy of the answers at their first cut.)
-- note: A step can change only what is not settled: steps by the entropy of the answers at their first cut. Settled
-- note: and open are said where the 95% interval says so. A model that is sure of an incorrect answer has nothing
-- note: open either.
-- param problem_set: NULL = all problem sets
SELECT
    steps.problem_set,
    steps.model,
    steps.cut_policy,
    CASE
        WHEN open.ci_high < 0.5 THEN '1 settled (below 0.5 bit)'
        WHEN open.ci_low >= 1 THEN '3 open (1 bit or more)'
        ELSE '2 between, or too few rollouts to say'
    END AS open_before,
    count(*) AS n_steps,
    count(DISTINCT steps.problem_id) AS n_problems,
    sum((NOT open.is_top_correct AND open.ci_high < 0.5)::INTEGER)::INTEGER AS n_sure_of_incorrect,
    round(quantile_cont(abs(steps.delta), 0.5), 3) AS median_change,
    round(quantile_cont(abs(steps.delta), 0.9), 3) AS change_of_the_largest_tenth,
    round(max(abs(steps.delta)), 3) AS largest_change
FROM changes AS steps
JOIN trace_cuts AS cuts
    ON cuts.trace_id = steps.trace_id AND cuts.cut_policy = steps.cut_policy AND cuts.cut_index = steps.cut_index
JOIN answer_entropy AS open
    ON open.problem_set = steps.problem_set AND open.model = steps.model AND open.prefix_id = cuts.prefix_id
WHERE steps.problem_set = coalesce($problem_set, steps.problem_set)
GROUP BY ALL
ORDER BY ALL;
