CREATE VIEW events AS
SELECT
    problem_set, model, problem_id, trace_id, cut_policy, 'insight' AS pattern, cut_index, token_start, token_end,
    potential_before, potential_after, delta, delta_low, delta_high, threshold, by_threshold, probability,
    is_confirmed, span, protocol, protocol_hash
FROM spikes
UNION ALL BY NAME
SELECT
    problem_set, model, problem_id, trace_id, cut_policy, 'tangent' AS pattern, cut_index, token_start, token_end,
    potential_before, potential_after, delta, delta_low, delta_high, threshold, by_threshold, probability,
    is_confirmed, span, protocol, protocol_hash
FROM tangents
UNION ALL BY NAME
SELECT
    guesses.problem_set, guesses.model, guesses.problem_id, guesses.trace_id, guesses.cut_policy,
    guesses.rule AS pattern, guesses.cut_index, cuts.token_end AS token_start, traces.n_tokens AS token_end,
    guesses.potential AS potential_before, NULL::DOUBLE AS potential_after, NULL::DOUBLE AS delta,
    NULL::DOUBLE AS delta_low, NULL::DOUBLE AS delta_high, guesses.threshold, guesses.by_threshold,
    guesses.probability, guesses.is_confirmed, substr(traces.text, cuts.char_end + 1) AS span,
    guesses.protocol, guesses.protocol_hash
FROM lucky_guesses AS guesses
JOIN trace_cuts AS cuts USING (trace_id, cut_policy, cut_index)
JOIN traces USING (trace_id)
WHERE guesses.by_threshold OR guesses.is_confirmed;
COMMENT ON VIEW events IS 'One row per event of any kind: insights, tangents, late spikes and lucky guesses. Rises and drops also appear with probability >= 0.5 alone: filter by by_threshold or is_confirmed.';
COMMENT ON COLUMN events.pattern IS 'insight (rise), tangent (drop), late_spike (the paper''s rule for a guess) or lucky_guess (the answer-aware rule)';
COMMENT ON COLUMN events.cut_index IS 'The cut after which it happens';
COMMENT ON COLUMN events.token_start IS 'First token of the span';
COMMENT ON COLUMN events.token_end IS 'Token after the span';
COMMENT ON COLUMN events.potential_before IS 'Potential at cut_index';
COMMENT ON COLUMN events.potential_after IS 'Potential at the next cut; NULL for guesses, whose trace ends in a correct answer';
COMMENT ON COLUMN events.threshold IS 'Change asked for; for guesses the potential asked to lie below';
COMMENT ON COLUMN events.by_threshold IS 'The paper''s rule on the estimate';
COMMENT ON COLUMN events.probability IS 'Posterior probability that the true value is beyond the threshold';
COMMENT ON COLUMN events.is_confirmed IS 'As in the table of the pattern: for insights and tangents a false-discovery rule over the partition, for guesses probability >= 0.95';
COMMENT ON COLUMN events.span IS 'The text between the two cuts; for guesses the rest of the trace';
