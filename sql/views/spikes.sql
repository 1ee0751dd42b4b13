CREATE VIEW spikes AS
SELECT
    steps.problem_set, steps.model, steps.problem_id, steps.trace_id, steps.cut_policy, steps.cut_index,
    steps.token_start, steps.token_end, steps.char_start, steps.char_end,
    substr(traces.text, steps.char_start + 1, steps.char_end - steps.char_start) AS span,
    steps.n_before, steps.n_after, steps.k_before / steps.n_before AS potential_before,
    steps.k_after / steps.n_after AS potential_after, steps.delta, steps.delta_low, steps.delta_high,
    steps.insight_threshold AS threshold, steps.is_insight AS by_threshold,
    steps.insight_probability AS probability, steps.insight_fitted AS fitted_probability,
    steps.is_insight_confirmed AS is_confirmed,
    steps.protocol, steps.sampling_hash AS protocol_hash
FROM steps
JOIN traces USING (trace_id)
WHERE steps.is_insight OR steps.is_insight_confirmed OR steps.insight_probability >= 0.5;
COMMENT ON VIEW spikes IS 'Spikes are rises of potential: the paper''s insights. (Its late spikes, rises at the very end, are in lucky_guesses.) One row per rise between neighboring cuts that either rule calls an insight, or that has probability >= 0.5.';
COMMENT ON COLUMN spikes.cut_index IS 'The cut after which it happens; the pair is cut_index, cut_index + 1';
COMMENT ON COLUMN spikes.token_start IS 'First token of the span between the cuts';
COMMENT ON COLUMN spikes.token_end IS 'Token after the span';
COMMENT ON COLUMN spikes.char_start IS 'First character of the span';
COMMENT ON COLUMN spikes.char_end IS 'Character after the span';
COMMENT ON COLUMN spikes.span IS 'Text between the two cuts';
COMMENT ON COLUMN spikes.threshold IS 'Change asked for';
COMMENT ON COLUMN spikes.by_threshold IS 'The paper''s rule: the estimated change is beyond the threshold';
COMMENT ON COLUMN spikes.probability IS 'Posterior probability that the true change is beyond the threshold';
COMMENT ON COLUMN spikes.is_confirmed IS 'Among the events of the partition of which at most 5% are expected to be false, and at least 0.8 probable itself, under the prior fitted to all changes (view changes)';
