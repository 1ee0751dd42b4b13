CREATE VIEW unlock_table AS
WITH filters AS (
    SELECT * FROM (VALUES ('all', 'kept'), ('all', 'dropped'), ('correct', 'kept'), ('correct', 'dropped'))
        AS choices (trace_filter, leaks)
)
SELECT
    unlocks.problem_set,
    unlocks.reader,
    unlocks.writer,
    unlocks.control,
    filters.trace_filter,
    filters.leaks,
    unlocks.fraction,
    count(*) AS n_traces,
    count(DISTINCT problem_id) AS n_problems,
    count(*) FILTER (WHERE status = 'solved_before') AS n_solved_before,
    count(*) FILTER (WHERE is_unsolved) AS n_unsolved,
    count(DISTINCT problem_id) FILTER (WHERE is_unsolved) AS n_problems_unsolved,
    count(*) FILTER (WHERE status = 'unlocked') AS n_unlocked,
    count(DISTINCT problem_id) FILTER (WHERE status = 'unlocked') AS n_problems_unlocked,
    count(*) FILTER (WHERE status = 'not_unlocked') AS n_not_unlocked,
    count(*) FILTER (WHERE status = 'undecided') AS n_undecided,
    count(*) FILTER (WHERE status = 'undecided' AND is_unsolved IS NOT TRUE) AS n_start_unclear,
    count(*) FILTER (WHERE status = 'unlocked' AND is_solved) AS n_unlocked_and_solved,
    count(*) FILTER (WHERE status = 'unlocked') / nullif(count(*) FILTER (WHERE is_unsolved), 0) AS share_low,
    count(*) FILTER (WHERE is_unsolved AND status IN ('unlocked', 'undecided'))
    / nullif(count(*) FILTER (WHERE is_unsolved), 0) AS share_high,
    unlocks.protocol,
    unlocks.protocol_hash
FROM unlocks
JOIN filters
    ON (filters.trace_filter = 'all' OR unlocks.trace_verdict = 'correct')
    AND (filters.leaks = 'kept' OR NOT unlocks.leaks_answer)
GROUP BY ALL;
COMMENT ON VIEW unlock_table IS 'How many problems that the reader cannot solve alone a part of the writer''s trace unlocks. Undecided traces are counted as such, never as not unlocked.';
COMMENT ON COLUMN unlock_table.problem_set IS 'Name of the problem set';
COMMENT ON COLUMN unlock_table.reader IS 'Model that continues';
COMMENT ON COLUMN unlock_table.writer IS 'Model that wrote the traces';
COMMENT ON COLUMN unlock_table.control IS 'none: the writer''s own text; or shuffled, wrong, own: another text of equal length (table transfer_cuts)';
COMMENT ON COLUMN unlock_table.trace_filter IS 'all measured traces of the writer, or correct ones only';
COMMENT ON COLUMN unlock_table.leaks IS 'kept, or dropped: without rows whose given text states the gold answer';
COMMENT ON COLUMN unlock_table.fraction IS 'Share of the writer''s trace';
COMMENT ON COLUMN unlock_table.n_traces IS 'Traces';
COMMENT ON COLUMN unlock_table.n_problems IS 'Problems that they belong to';
COMMENT ON COLUMN unlock_table.n_solved_before IS 'Traces of problems whose V0 is not near 0';
COMMENT ON COLUMN unlock_table.n_unsolved IS 'Traces of problems that the reader does not solve alone: P(V0 < 0.05) >= 0.95';
COMMENT ON COLUMN unlock_table.n_problems_unsolved IS 'Problems that they belong to';
COMMENT ON COLUMN unlock_table.n_unlocked IS 'Of n_unsolved: P(potential at the fraction > 0.10) >= 0.95';
COMMENT ON COLUMN unlock_table.n_problems_unlocked IS 'Problems unlocked by at least one trace';
COMMENT ON COLUMN unlock_table.n_not_unlocked IS 'Of n_unsolved: decided, and not unlocked';
COMMENT ON COLUMN unlock_table.n_undecided IS 'Too few rollouts to decide, at fraction 0 or at this one';
COMMENT ON COLUMN unlock_table.n_start_unclear IS 'Of n_undecided: the rollouts at fraction 0 do not tell whether the problem is unsolved';
COMMENT ON COLUMN unlock_table.n_unlocked_and_solved IS 'Of n_unlocked: potential at the fraction >= 0.5';
COMMENT ON COLUMN unlock_table.share_low IS 'n_unlocked / n_unsolved: the share if no undecided trace unlocks';
COMMENT ON COLUMN unlock_table.share_high IS 'The same if every undecided trace of an unsolved problem unlocks';
COMMENT ON COLUMN unlock_table.protocol IS 'Name of the protocol';
COMMENT ON COLUMN unlock_table.protocol_hash IS 'Hash of every number in the protocol';
