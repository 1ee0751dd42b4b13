CREATE VIEW tangents AS
SELECT
    steps.problem_set, steps.model, steps.problem_id, steps.trace_id, steps.cut_policy, steps.cut_index,
    steps.token_start, steps.token_end, steps.char_start, steps.char_end,
    substr(traces.text, steps.char_start + 1, steps.char_end - steps.char_start) AS span,
    steps.n_before, steps.n_after, steps.k_before / steps.n_before AS potential_before,
    steps.k_after / steps.n_after AS potential_after, steps.delta, steps.delta_low, steps.delta_high,
    steps.tangent_threshold AS threshold, steps.is_tangent AS by_threshold,
    steps.tangent_probability AS probability, steps.tangent_fitted AS fitted_probability,
    steps.is_tangent_confirmed AS is_confirmed,
    steps.protocol, steps.sampling_hash AS protocol_hash,
    steps.recovery_tokens IS NOT NULL AS is_recovered, steps.recovery_tokens
FROM steps
JOIN traces USING (trace_id)
WHERE steps.is_tangent OR steps.is_tangent_confirmed OR steps.tangent_probability >= 0.5;
COMMENT ON VIEW tangents IS 'Tangents are drops of potential: the paper''s reasoning tangents, from which a trace may recover. One row per drop between neighboring cuts that either rule calls a tangent, or that has probability >= 0.5.';
COMMENT ON COLUMN tangents.cut_index IS 'The cut after which it happens; the pair is cut_index, cut_index + 1';
COMMENT ON COLUMN tangents.token_start IS 'First token of the span between the cuts';
COMMENT ON COLUMN tangents.token_end IS 'Token after the span';
COMMENT ON COLUMN tangents.char_start IS 'First character of the span';
COMMENT ON COLUMN tangents.char_end IS 'Character after the span';
COMMENT ON COLUMN tangents.span IS 'Text between the two cuts';
COMMENT ON COLUMN tangents.threshold IS 'Change asked for';
COMMENT ON COLUMN tangents.by_threshold IS 'The paper''s rule: the estimated change is beyond the threshold';
COMMENT ON COLUMN tangents.probability IS 'Posterior probability that the true change is beyond the threshold';
COMMENT ON COLUMN tangents.is_confirmed IS 'Among the events of the partition of which at most 5% are expected to be false, and at least 0.8 probable itself, under the prior fitted to all changes (view changes)';
COMMENT ON COLUMN tangents.is_recovered IS 'A later measured cut of the trace is back at potential_before - tolerance or above';
COMMENT ON COLUMN tangents.recovery_tokens IS 'Tokens from the end of the drop to the first such cut; NULL if there is none';
