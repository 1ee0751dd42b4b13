CREATE VIEW lucky_guesses AS
WITH judged AS (
    SELECT
        problem_set, model, problem_id, trace_id, cut_policy, 'late_spike' AS rule, late_spike_cut AS cut_index,
        late_spike_threshold AS threshold, is_late_spike AS by_threshold, late_spike_probability AS probability,
        is_late_spike_confirmed AS is_confirmed, k0 / n0 AS v0, v0_bin, late_spike_bound AS guess_bound, protocol, sampling_hash
    FROM trace_patterns
    WHERE verdict = 'correct'
    UNION ALL
    SELECT
        problem_set, model, problem_id, trace_id, cut_policy, 'lucky_guess' AS rule, lucky_guess_cut AS cut_index,
        lucky_guess_threshold AS threshold, is_lucky_guess AS by_threshold, lucky_guess_probability AS probability,
        is_lucky_guess_confirmed AS is_confirmed, k0 / n0 AS v0, v0_bin, lucky_guess_bound AS guess_bound, protocol, sampling_hash
    FROM trace_patterns
    WHERE verdict = 'correct'
)
SELECT
    judged.problem_set, judged.model, judged.problem_id, judged.trace_id, judged.cut_policy, judged.rule,
    judged.cut_index, cuts.n, cuts.potential, cuts.ci_low, cuts.ci_high, judged.threshold, judged.by_threshold,
    judged.probability, judged.is_confirmed, judged.v0, judged.v0_bin, judged.guess_bound, judged.protocol,
    judged.sampling_hash AS protocol_hash
FROM judged
LEFT JOIN trace_curves AS cuts USING (trace_id, cut_policy, cut_index);
COMMENT ON VIEW lucky_guesses IS 'Correct answers that the text before them did not lead to: the paper''s guesses. One row per correct trace and rule: late_spike (penultimate cut) and lucky_guess (last cut before the trace states its answer).';
COMMENT ON COLUMN lucky_guesses.rule IS 'late_spike or lucky_guess';
COMMENT ON COLUMN lucky_guesses.cut_index IS 'The cut that is judged; NULL if there is none or it has no rollouts';
COMMENT ON COLUMN lucky_guesses.n IS 'Rollouts there';
COMMENT ON COLUMN lucky_guesses.potential IS 'Potential there';
COMMENT ON COLUMN lucky_guesses.threshold IS 'Potential asked to lie below';
COMMENT ON COLUMN lucky_guesses.by_threshold IS 'Potential below the threshold; NULL if unknown';
COMMENT ON COLUMN lucky_guesses.probability IS 'Posterior probability that the true potential is below the threshold';
COMMENT ON COLUMN lucky_guesses.is_confirmed IS 'probability >= 0.95';
COMMENT ON COLUMN lucky_guesses.v0_bin IS 'Fixed bin of v0';
COMMENT ON COLUMN lucky_guesses.guess_bound IS 'Upper bound on P(true potential ever <= threshold | correct) at this v0: odds ratio, at most 1';
