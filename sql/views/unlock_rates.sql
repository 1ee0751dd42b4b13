CREATE VIEW unlock_rates AS
SELECT
    problem_set,
    model AS reader,
    other AS writer,
    control,
    trace_filter,
    leaks,
    fraction,
    max(n) FILTER (WHERE measure = 'solved_before') AS n_traces,
    max(n_problems) FILTER (WHERE measure = 'solved_before') AS n_problems,
    max(k) FILTER (WHERE measure = 'solved_before') AS n_solved_before,
    max(n) FILTER (WHERE measure = 'unlocked') AS n_unsolved,
    max(k) FILTER (WHERE measure = 'unlocked') AS n_unlocked,
    max(k) FILTER (WHERE measure = 'not_unlocked') AS n_not_unlocked,
    max(k) FILTER (WHERE measure = 'undecided') AS n_undecided,
    max(k) FILTER (WHERE measure = 'start_unclear') AS n_start_unclear,
    max(k) FILTER (WHERE measure = 'unlocked_and_solved') AS n_unlocked_and_solved,
    max(estimate) FILTER (WHERE measure = 'unlocked') AS share_low,
    max(estimate) FILTER (WHERE measure = 'perhaps_unlocked') AS share_high,
    max(ci_low) FILTER (WHERE measure = 'unlocked') AS ci_low,
    max(ci_high) FILTER (WHERE measure = 'perhaps_unlocked') AS ci_high,
    max(n) FILTER (WHERE measure = 'problem_unlocked') AS n_problems_unsolved,
    max(k) FILTER (WHERE measure = 'problem_unlocked') AS n_problems_unlocked,
    max(estimate) FILTER (WHERE measure = 'problem_unlocked') AS problems_share_low,
    max(estimate) FILTER (WHERE measure = 'problem_perhaps_unlocked') AS problems_share_high,
    max(ci_low) FILTER (WHERE measure = 'problem_unlocked') AS problems_ci_low,
    max(ci_high) FILTER (WHERE measure = 'problem_perhaps_unlocked') AS problems_ci_high,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'unlock_rates'
GROUP BY ALL;
COMMENT ON VIEW unlock_rates IS 'How many problems that the reader cannot solve alone a part of the writer''s trace unlocks: one row per reader, writer, control, trace filter, leaks and fraction. Undecided traces are counted as such, never as not unlocked.';
COMMENT ON COLUMN unlock_rates.writer IS 'Model that wrote the traces';
COMMENT ON COLUMN unlock_rates.control IS 'none: the writer''s own text; or shuffled, wrong, own: another text of equal length (table transfer_cuts)';
COMMENT ON COLUMN unlock_rates.trace_filter IS 'all measured traces of the writer, or correct ones only';
COMMENT ON COLUMN unlock_rates.leaks IS 'kept, or dropped: without rows whose given text states the gold answer';
COMMENT ON COLUMN unlock_rates.fraction IS 'Share of the writer''s trace, in the writer''s tokens';
COMMENT ON COLUMN unlock_rates.n_traces IS 'Traces';
COMMENT ON COLUMN unlock_rates.n_solved_before IS 'Traces of problems whose V0 is not near 0';
COMMENT ON COLUMN unlock_rates.n_unsolved IS 'Traces of problems that the reader does not solve alone: P(V0 < 0.05) >= 0.95';
COMMENT ON COLUMN unlock_rates.n_unlocked IS 'Of n_unsolved: P(potential at the fraction > 0.10) >= 0.95';
COMMENT ON COLUMN unlock_rates.n_not_unlocked IS 'Of n_unsolved: decided, and not unlocked';
COMMENT ON COLUMN unlock_rates.n_undecided IS 'Too few rollouts to decide, at fraction 0 or at this one';
COMMENT ON COLUMN unlock_rates.n_start_unclear IS 'Of n_undecided: the rollouts at fraction 0 do not tell whether the problem is unsolved';
COMMENT ON COLUMN unlock_rates.n_unlocked_and_solved IS 'Of n_unlocked: potential at the fraction >= 0.5';
COMMENT ON COLUMN unlock_rates.share_low IS 'n_unlocked / n_unsolved: the share if no undecided trace unlocks; NULL without an unsolved one';
COMMENT ON COLUMN unlock_rates.share_high IS 'The same if every undecided trace of an unsolved problem unlocks';
COMMENT ON COLUMN unlock_rates.ci_low IS 'Lower end of the 95% interval of share_low, Jeffreys at the effective sample size for clustering by problem';
COMMENT ON COLUMN unlock_rates.ci_high IS 'Upper end of that of share_high: from one to the other the interval holds for any outcome of the undecided';
COMMENT ON COLUMN unlock_rates.n_problems_unsolved IS 'Problems of the unsolved traces';
COMMENT ON COLUMN unlock_rates.n_problems_unlocked IS 'Of these, unlocked by at least one trace';
COMMENT ON COLUMN unlock_rates.problems_share_low IS 'n_problems_unlocked / n_problems_unsolved: the share if no undecided trace unlocks';
COMMENT ON COLUMN unlock_rates.problems_share_high IS 'The same if every undecided trace unlocks';
COMMENT ON COLUMN unlock_rates.problems_ci_low IS 'Lower end of the 95% Jeffreys interval of problems_share_low';
COMMENT ON COLUMN unlock_rates.problems_ci_high IS 'Upper end of that of problems_share_high';
