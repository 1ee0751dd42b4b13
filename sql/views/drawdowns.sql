CREATE VIEW drawdowns AS
WITH spread AS (
    SELECT
        problem_set, model, problem_id, trace_id, cut_policy, 'drawdown' AS kind, verdict, n_known_cuts,
        drawdown_from AS cut_from, drawdown_to AS cut_to, drawdown AS change, drawdown_low AS change_low, drawdown_split AS change_split,
        drawdown_threshold AS threshold, is_drawdown AS by_threshold, is_drawdown_confirmed AS is_confirmed, protocol,
        sampling_hash
    FROM trace_patterns
    WHERE drawdown IS NOT NULL
    UNION ALL
    SELECT
        problem_set, model, problem_id, trace_id, cut_policy, 'run_up' AS kind, verdict, n_known_cuts,
        run_up_from AS cut_from, run_up_to AS cut_to, run_up AS change, run_up_low AS change_low, run_up_split AS change_split,
        run_up_threshold AS threshold, is_run_up AS by_threshold, is_run_up_confirmed AS is_confirmed, protocol,
        sampling_hash
    FROM trace_patterns
    WHERE run_up IS NOT NULL
)
SELECT
    spread.problem_set, spread.model, spread.problem_id, spread.trace_id, spread.cut_policy, spread.kind,
    spread.verdict, spread.n_known_cuts, spread.cut_from, spread.cut_to, at_from.token_end AS token_start,
    at_to.token_end AS token_end, at_from.char_end AS char_start, at_to.char_end AS char_end,
    at_from.potential AS potential_from, at_to.potential AS potential_to, spread.change, spread.change_low,
    spread.change_split, spread.threshold, spread.by_threshold, spread.is_confirmed, spread.protocol,
    spread.sampling_hash AS protocol_hash
FROM spread
JOIN trace_curves AS at_from
    ON at_from.trace_id = spread.trace_id
    AND at_from.cut_policy = spread.cut_policy
    AND at_from.cut_index = spread.cut_from
JOIN trace_curves AS at_to
    ON at_to.trace_id = spread.trace_id
    AND at_to.cut_policy = spread.cut_policy
    AND at_to.cut_index = spread.cut_to;
COMMENT ON VIEW drawdowns IS 'Two rows per measured trace with two known cuts or more: its largest fall and its largest rise between any two cuts.';
COMMENT ON COLUMN drawdowns.kind IS 'drawdown (largest fall) or run_up (largest rise)';
COMMENT ON COLUMN drawdowns.verdict IS 'Verdict of the trace';
COMMENT ON COLUMN drawdowns.n_known_cuts IS 'Measured cuts with rollouts, the end not counted';
COMMENT ON COLUMN drawdowns.cut_from IS 'Cut at which it begins';
COMMENT ON COLUMN drawdowns.cut_to IS 'Cut at which it ends';
COMMENT ON COLUMN drawdowns.token_start IS 'First token of the span between them';
COMMENT ON COLUMN drawdowns.token_end IS 'Token after the span';
COMMENT ON COLUMN drawdowns.char_start IS 'First character of the span';
COMMENT ON COLUMN drawdowns.char_end IS 'Character after the span';
COMMENT ON COLUMN drawdowns.potential_from IS 'Potential at cut_from';
COMMENT ON COLUMN drawdowns.potential_to IS 'Potential at cut_to';
COMMENT ON COLUMN drawdowns.change IS 'Size of the estimated change, >= 0; too large on average, being the largest of many';
COMMENT ON COLUMN drawdowns.change_low IS 'Lower bound of the true largest change, from a 95% band for all cuts together; >= 0';
COMMENT ON COLUMN drawdowns.change_split IS 'Change between cuts chosen by one half of the rollouts and measured by the other; not too large on average; NULL where a cut has fewer than 2 rollouts';
COMMENT ON COLUMN drawdowns.threshold IS 'Change asked for';
COMMENT ON COLUMN drawdowns.by_threshold IS 'The estimated change is beyond the threshold';
COMMENT ON COLUMN drawdowns.is_confirmed IS 'change_low is beyond the threshold';
