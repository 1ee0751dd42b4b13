-- How many problems that a reader cannot solve does a part of the writer's trace unlock?
-- note: Unlocked: V0 is below 0.05 and the potential at this share above 0.10, each with probability at least 0.95.
-- note: Undecided: too few rollouts to say either; never counted as not unlocked.
-- param problem_set: NULL = all problem sets
-- param fraction: 0.2 = share of the writer's trace
-- param trace_filter: 'all' = all measured traces of the writer; 'correct' = correct traces only
SELECT
    problem_set,
    reader,
    writer,
    control,
    trace_filter,
    leaks,
    fraction,
    n_problems_unlocked,
    n_problems_unsolved,
    round(problems_share_low, 3) AS problems_low,
    round(problems_share_high, 3) AS problems_high,
    round(problems_ci_low, 3) AS problems_ci_low,
    round(problems_ci_high, 3) AS problems_ci_high,
    n_unlocked,
    n_not_unlocked,
    n_undecided,
    n_unsolved,
    round(share_low, 3) AS share_low,
    round(share_high, 3) AS share_high,
    round(ci_low, 3) AS ci_low,
    round(ci_high, 3) AS ci_high,
    n_unlocked_and_solved,
    n_solved_before,
    n_traces
FROM unlock_rates
WHERE problem_set = coalesce($problem_set, problem_set)
    AND trace_filter = $trace_filter
    AND abs(fraction - $fraction) < 1e-6
ORDER BY problem_set, reader, writer, control, leaks DESC;
