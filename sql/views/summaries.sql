CREATE VIEW summaries AS
SELECT
    problem_set,
    model,
    cut_policy,
    question AS figure,
    measure,
    rule,
    trace_filter,
    split_by,
    part,
    statistic,
    estimate,
    ci_low,
    ci_high,
    k AS n_with,
    n,
    n_problems,
    n_of,
    note,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question IN (
    'recovery', 'jumps', 'monotone_tests', 'true_changes', 'confirmed_events', 'drawdown_rates', 'guesses_by_v0',
    'answer_leaks', 'event_positions', 'solved_without_cot', 'difficulty'
);
COMMENT ON VIEW summaries IS 'One row per number that a figure states about other tables: a share, mean or quantile with its 95% interval, clustered by problem.';
COMMENT ON COLUMN summaries.cut_policy IS 'Where traces are cut: tokens, lines or sentences; adaptive for these cuts and the places that exploration found; grid21 for the 21-point grid of an imported fine curve; any where cuts play no part';
COMMENT ON COLUMN summaries.figure IS 'Named query that shows the number';
COMMENT ON COLUMN summaries.measure IS 'What is estimated';
COMMENT ON COLUMN summaries.rule IS 'By which rule: threshold (the paper''s), confirmed, tolerance, test (p >= 0.05), test_fdr (the same at a false discovery rate of 5%), fitted (the law fitted to all changes); of sizes: plain, split, estimate or fitted; of guesses: late_spike or lucky_guess; none where no rule plays a part';
COMMENT ON COLUMN summaries.part IS 'Which part of the split; all where there is none';
COMMENT ON COLUMN summaries.statistic IS 'share, mean, median, a quantile, or fitted share (of a law fitted to all rows)';
COMMENT ON COLUMN summaries.estimate IS 'The number; NULL where n is 0';
COMMENT ON COLUMN summaries.ci_low IS 'Lower end of its 95% interval, clustered by problem: Jeffreys at the effective sample size for shares, cluster bootstrap for means, Woodruff''s for quantiles, delete-a-group jackknife for fitted shares. NULL for quantiles of too few values';
COMMENT ON COLUMN summaries.ci_high IS 'Upper end of it';
COMMENT ON COLUMN summaries.n_with IS 'Of n: how many have it; NULL where the number is not a share';
COMMENT ON COLUMN summaries.n IS 'What it rests on, in units of n_of';
COMMENT ON COLUMN summaries.n_problems IS 'Problems that these belong to';
COMMENT ON COLUMN summaries.n_of IS 'What n counts: traces, tangents, steps (pairs of neighboring cuts), events, cuts or problems';
COMMENT ON COLUMN summaries.note IS 'Why the number is withheld; NULL where it is not';
