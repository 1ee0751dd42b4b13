CREATE VIEW shortest_unlocks AS
WITH judged AS (
    -- Fractions that stand for the same cut are one prefix.
    SELECT unlocks.*, potentials.ci_low, potentials.ci_high, alone.ci_low AS v0_low, alone.ci_high AS v0_high
    FROM unlocks
    JOIN transfer_potentials AS potentials
        USING (problem_set, reader, writer, problem_id, trace_id, fraction, control)
    LEFT JOIN transfer_potentials AS alone
        ON alone.problem_set = unlocks.problem_set AND alone.reader = unlocks.reader
        AND alone.writer = unlocks.writer AND alone.trace_id = unlocks.trace_id
        AND alone.fraction = 0 AND alone.control = 'none'
    WHERE unlocks.control = 'none' AND unlocks.is_unsolved
    QUALIFY row_number() OVER (
        PARTITION BY unlocks.problem_set, unlocks.reader, unlocks.writer, unlocks.trace_id, unlocks.n_tokens
        ORDER BY unlocks.fraction
    ) = 1
),
first AS (
    SELECT * FROM judged
    WHERE status = 'unlocked'
    QUALIFY row_number() OVER (
        PARTITION BY problem_set, reader, writer, problem_id ORDER BY n_tokens, trace_id, fraction
    ) = 1
)
SELECT
    judged.problem_set,
    judged.reader,
    judged.writer,
    judged.problem_id,
    count(DISTINCT judged.trace_id)::INTEGER AS n_traces,
    count(*)::INTEGER AS n_prefixes,
    count(*) FILTER (judged.status = 'undecided')::INTEGER AS n_undecided,
    any_value(judged.n0) AS n0,
    any_value(judged.v0) AS v0,
    any_value(judged.v0_low) AS v0_low,
    any_value(judged.v0_high) AS v0_high,
    any_value(first.trace_id) AS trace_id,
    any_value(first.fraction) AS fraction,
    any_value(first.share) AS share,
    any_value(first.n_tokens) AS n_tokens,
    any_value(first.n) AS n,
    any_value(first.potential) AS potential,
    any_value(first.ci_low) AS ci_low,
    any_value(first.ci_high) AS ci_high,
    any_value(first.leaks_answer) AS leaks_answer,
    CASE WHEN any_value(first.trace_id) IS NOT NULL THEN count(*) FILTER (
        judged.trace_id = first.trace_id AND judged.n_tokens > first.n_tokens
    )::INTEGER END AS n_longer,
    CASE WHEN any_value(first.trace_id) IS NOT NULL THEN count(*) FILTER (
        judged.trace_id = first.trace_id AND judged.n_tokens > first.n_tokens AND judged.status = 'unlocked'
    )::INTEGER END AS n_longer_unlocked,
    any_value(judged.protocol) AS protocol,
    any_value(judged.protocol_hash) AS protocol_hash
FROM judged
LEFT JOIN first USING (problem_set, reader, writer, problem_id)
GROUP BY ALL;
COMMENT ON VIEW shortest_unlocks IS 'One row per reader, writer and problem that the reader does not solve alone: the shortest prefix of the writer that unlocks it, if any.';
COMMENT ON COLUMN shortest_unlocks.n_traces IS 'Traces of the writer that the reader was given';
COMMENT ON COLUMN shortest_unlocks.n_prefixes IS 'Their prefixes that were judged, each cut once';
COMMENT ON COLUMN shortest_unlocks.n_undecided IS 'Of these, with too few rollouts to decide';
COMMENT ON COLUMN shortest_unlocks.n0 IS 'Rollouts of the reader at fraction 0';
COMMENT ON COLUMN shortest_unlocks.v0 IS 'Reader''s potential at fraction 0';
COMMENT ON COLUMN shortest_unlocks.v0_low IS 'Lower end of its 95% Jeffreys interval';
COMMENT ON COLUMN shortest_unlocks.v0_high IS 'Upper end of it';
COMMENT ON COLUMN shortest_unlocks.trace_id IS 'Trace whose prefix it is; NULL where none unlocks';
COMMENT ON COLUMN shortest_unlocks.fraction IS 'Smallest fraction that stands for it';
COMMENT ON COLUMN shortest_unlocks.share IS 'Share of the trace before the cut';
COMMENT ON COLUMN shortest_unlocks.n_tokens IS 'Its length in the reader''s tokens';
COMMENT ON COLUMN shortest_unlocks.n IS 'Rollouts of the reader on it';
COMMENT ON COLUMN shortest_unlocks.potential IS 'Reader''s potential on it; chosen for being large, so too large on average';
COMMENT ON COLUMN shortest_unlocks.ci_low IS 'Lower end of its 95% Jeffreys interval';
COMMENT ON COLUMN shortest_unlocks.ci_high IS 'Upper end of it';
COMMENT ON COLUMN shortest_unlocks.leaks_answer IS 'The gold answer is in it';
COMMENT ON COLUMN shortest_unlocks.n_longer IS 'Longer prefixes of the same trace';
COMMENT ON COLUMN shortest_unlocks.n_longer_unlocked IS 'Of these, that unlock the problem too: few of them make the shortest one doubtful';
