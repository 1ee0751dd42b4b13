CREATE VIEW transfer_curve AS
WITH filters AS (
    SELECT * FROM (VALUES ('all', 'kept'), ('all', 'dropped'), ('correct', 'kept'), ('correct', 'dropped'))
        AS choices (trace_filter, leaks)
),
per_trace AS (
    SELECT rows.*, start.potential AS v0
    FROM transfer_potentials AS rows
    LEFT JOIN transfer_potentials AS start
        ON start.problem_set = rows.problem_set
        AND start.reader = rows.reader
        AND start.writer = rows.writer
        AND start.trace_id = rows.trace_id
        AND start.fraction = 0
        AND start.control = 'none'
    WHERE rows.potential IS NOT NULL
),
per_problem AS (
    SELECT
        problem_set, reader, writer, control, trace_filter, leaks, fraction, problem_id, protocol, protocol_hash,
        count(*) AS n,
        sum(potential) AS total,
        count(v0) AS n_paired,
        sum(v0) AS v0_total,
        sum(potential - v0) AS lift_total
    FROM per_trace
    JOIN filters
        ON (filters.trace_filter = 'all' OR per_trace.trace_verdict = 'correct')
        AND (filters.leaks = 'kept' OR NOT per_trace.leaks_answer)
    GROUP BY ALL
),
-- A mean over traces that are clustered by problem: its variance comes from the problems' summed
-- residuals, sum over problems of (total - mean * n)^2, times G / (G - 1) for G problems.
sums AS (
    SELECT
        problem_set, reader, writer, control, trace_filter, leaks, fraction, protocol, protocol_hash,
        count(*) AS n_problems,
        sum(n)::BIGINT AS n_traces,
        sum(total) / sum(n) AS potential,
        sum(total * total) AS tt, sum(total * n) AS tn, sum(n * n) AS nn,
        sum(v0_total) / nullif(sum(n_paired), 0) AS v0,
        sum(lift_total) / nullif(sum(n_paired), 0) AS lift,
        sum(n_paired) AS n_paired,
        sum(lift_total * lift_total) AS ll, sum(lift_total * n_paired) AS lp, sum(n_paired * n_paired) AS pp
    FROM per_problem
    GROUP BY ALL
)
SELECT
    problem_set,
    reader,
    writer,
    control,
    trace_filter,
    leaks,
    fraction,
    n_problems,
    n_traces,
    potential,
    sqrt(greatest(tt - 2 * potential * tn + potential * potential * nn, 0)
        * n_problems / nullif(n_problems - 1, 0)) / n_traces AS standard_error,
    v0,
    lift,
    sqrt(greatest(ll - 2 * lift * lp + lift * lift * pp, 0)
        * n_problems / nullif(n_problems - 1, 0)) / nullif(n_paired, 0) AS lift_standard_error,
    protocol,
    protocol_hash
FROM sums;
COMMENT ON VIEW transfer_curve IS 'The reader''s mean potential against the share of the writer''s trace that it was given: mean over traces, errors clustered by problem.';
COMMENT ON COLUMN transfer_curve.problem_set IS 'Name of the problem set';
COMMENT ON COLUMN transfer_curve.reader IS 'Model that continues';
COMMENT ON COLUMN transfer_curve.writer IS 'Model that wrote the traces';
COMMENT ON COLUMN transfer_curve.control IS 'none: the writer''s own text; or shuffled, wrong, own: another text of equal length (table transfer_cuts)';
COMMENT ON COLUMN transfer_curve.trace_filter IS 'all measured traces of the writer, or correct ones only';
COMMENT ON COLUMN transfer_curve.leaks IS 'kept, or dropped: without rows whose given text states the gold answer';
COMMENT ON COLUMN transfer_curve.fraction IS 'Share of the writer''s trace, in the writer''s tokens';
COMMENT ON COLUMN transfer_curve.n_problems IS 'Problems with a known potential';
COMMENT ON COLUMN transfer_curve.n_traces IS 'Traces with a known potential';
COMMENT ON COLUMN transfer_curve.potential IS 'Mean potential of the reader';
COMMENT ON COLUMN transfer_curve.standard_error IS 'Its standard error, clustered by problem; NULL with one problem';
COMMENT ON COLUMN transfer_curve.v0 IS 'Mean potential of the reader at fraction 0, over the same traces';
COMMENT ON COLUMN transfer_curve.lift IS 'Mean difference of potential and v0';
COMMENT ON COLUMN transfer_curve.lift_standard_error IS 'Its standard error, clustered by problem; NULL with one problem';
COMMENT ON COLUMN transfer_curve.protocol IS 'Name of the protocol';
COMMENT ON COLUMN transfer_curve.protocol_hash IS 'Hash of every number in the protocol';
