-- What is the shortest of the writer's prefixes that makes an unsolved problem solvable for the reader?
-- note: Of the problems that the reader does not solve alone. Several prefixes are judged, so the first may be
-- note: chance: do the longer ones of the same trace unlock too? A problem without a trace is unlocked by none.
-- param problem_set: NULL = all problem sets
-- param reader: NULL = all readers
SELECT
    shortest.problem_set,
    shortest.reader,
    shortest.writer,
    shortest.problem_id,
    round(shortest.v0, 3) AS v0,
    round(shortest.v0_low, 3) AS v0_low,
    round(shortest.v0_high, 3) AS v0_high,
    shortest.n0,
    shortest.trace_id,
    traces.verdict AS trace_verdict,
    shortest.n_tokens,
    round(shortest.share, 3) AS share,
    round(shortest.potential, 3) AS potential_there,
    round(shortest.ci_low, 3) AS there_low,
    round(shortest.ci_high, 3) AS there_high,
    shortest.n,
    shortest.leaks_answer AS leaks_answer_there,
    shortest.n_longer,
    shortest.n_longer_unlocked,
    shortest.n_traces,
    shortest.n_prefixes,
    shortest.n_undecided,
    problems.statement
FROM shortest_unlocks AS shortest
LEFT JOIN problems USING (problem_set, problem_id)
LEFT JOIN traces ON traces.trace_id = shortest.trace_id
WHERE shortest.problem_set = coalesce($problem_set, shortest.problem_set)
    AND shortest.reader = coalesce($reader, shortest.reader)
ORDER BY shortest.n_tokens NULLS LAST, shortest.problem_set, shortest.reader, shortest.writer, shortest.problem_id;
