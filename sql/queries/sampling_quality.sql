-- How good are the estimates: unknown points, truncated and unanswered rollouts, width of the intervals?
-- note: Potentials by model. Unknown: no scored rollout. Truncated and unanswered rollouts count as not correct,
-- note: unscored ones leave n.
-- param problem_set: NULL = all problem sets
SELECT
    problem_set,
    model,
    count(*) AS n_prefixes,
    count(*) FILTER (WHERE coalesce(n, 0) = 0) AS n_unknown,
    sum(n)::BIGINT AS n_rollouts,
    min(n) FILTER (WHERE n > 0) AS smallest_n,
    bool_or(is_n_approximate) AS has_approximate_n,
    round(sum(n_truncated) / nullif(sum(n), 0), 4) AS truncated_share,
    round(sum(n_no_answer) / nullif(sum(n), 0), 4) AS no_answer_share,
    round(sum(n_unscored) / nullif(sum(n) + sum(n_unscored), 0), 4) AS unscored_share,
    round(avg(ci_high - ci_low), 3) AS mean_interval_width,
    protocol,
    sampling_hash AS protocol_hash
FROM potentials
WHERE origin = 'own'
    AND problem_set = coalesce($problem_set, problem_set)
GROUP BY ALL
ORDER BY problem_set, model;
