CREATE VIEW pass_at_k AS
SELECT
    problem_set,
    model,
    cut_policy,
    size AS k,
    rule AS guesses,
    max(n_problems) AS n_problems,
    max(n) AS n_traces,
    coalesce(max(k), 0) AS n_guesses,
    max(estimate) FILTER (WHERE statistic = 'mean') AS pass_at_k,
    max(ci_low) AS ci_low,
    max(ci_high) AS ci_high,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'pass_at_k'
GROUP BY ALL;
COMMENT ON VIEW pass_at_k IS 'pass@k, unbiased: of all sampled traces (cut policy any), and of the measured ones with guesses and without. Not of traces that were picked by their verdict, or may have been.';
COMMENT ON COLUMN pass_at_k.cut_policy IS 'Where the measured traces are cut; any: all sampled traces, measured or not';
COMMENT ON COLUMN pass_at_k.k IS 'Traces drawn';
COMMENT ON COLUMN pass_at_k.guesses IS 'kept: every correct trace counts; late_spike or lucky_guess: those that the rule calls a guess (by threshold) count as incorrect';
COMMENT ON COLUMN pass_at_k.n_problems IS 'Problems with at least k of these traces scored';
COMMENT ON COLUMN pass_at_k.n_traces IS 'Their scored traces';
COMMENT ON COLUMN pass_at_k.n_guesses IS 'Correct traces among them that count as incorrect';
COMMENT ON COLUMN pass_at_k.pass_at_k IS 'Mean over problems of 1 - C(n - c, k) / C(n, k); NULL without problems';
COMMENT ON COLUMN pass_at_k.ci_low IS 'Lower end of its 95% interval, bootstrap by problem';
COMMENT ON COLUMN pass_at_k.ci_high IS 'Upper end of it';
