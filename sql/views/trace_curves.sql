CREATE VIEW trace_curves AS
SELECT
    cuts.problem_set,
    cuts.model,
    cuts.problem_id,
    cuts.trace_id,
    traces.sample_index,
    traces.verdict,
    cuts.cut_policy,
    cuts.cut_index,
    cuts.is_end,
    cuts.fraction,
    cuts.token_end,
    cuts.char_end,
    substr(
        traces.text,
        coalesce(lag(cuts.char_end) OVER curve, 0) + 1,
        cuts.char_end - coalesce(lag(cuts.char_end) OVER curve, 0)
    ) AS chunk,
    cuts.states_answer,
    cuts.leaks_answer,
    cuts.prefix_id,
    potentials.n,
    potentials.n_correct,
    potentials.n_effective,
    potentials.potential,
    potentials.ci_low,
    potentials.ci_high,
    CASE
        WHEN NOT cuts.is_end THEN potentials.potential
        WHEN traces.verdict <> 'unscored' THEN (traces.verdict = 'correct')::INTEGER::DOUBLE
    END AS value,
    first_value(potentials.potential) OVER curve AS v0,
    potentials.potential - lag(potentials.potential) OVER curve AS delta,
    potentials.n_truncated / nullif(potentials.n, 0) AS truncated_share,
    potentials.n_no_answer / nullif(potentials.n, 0) AS no_answer_share,
    potentials.n_unscored,
    potentials.is_n_approximate,
    cuts.protocol,
    cuts.sampling_hash AS protocol_hash
FROM trace_cuts AS cuts
JOIN traces USING (trace_id)
LEFT JOIN potentials
    ON potentials.problem_set = cuts.problem_set
    AND potentials.model = cuts.model
    AND potentials.prefix_id = cuts.prefix_id
WINDOW curve AS (PARTITION BY cuts.trace_id, cuts.cut_policy ORDER BY cuts.cut_index);
COMMENT ON VIEW trace_curves IS 'One row per measured trace and cut, in the order of the trace: its text piece by piece, and the potential after each piece.';
COMMENT ON COLUMN trace_curves.model IS 'Writer and reader of the trace';
COMMENT ON COLUMN trace_curves.sample_index IS '0, 1, ...: which of the problem''s traces';
COMMENT ON COLUMN trace_curves.verdict IS 'Verdict of the trace';
COMMENT ON COLUMN trace_curves.cut_index IS '0 = empty CoT, then 1, 2, ...';
COMMENT ON COLUMN trace_curves.is_end IS 'Whether this is the end of the trace, which is not sampled';
COMMENT ON COLUMN trace_curves.fraction IS 'Tokens before the cut over tokens of the trace; not known before the trace has ended, so no stopping time';
COMMENT ON COLUMN trace_curves.token_end IS 'Tokens of the trace before the cut';
COMMENT ON COLUMN trace_curves.char_end IS 'Characters of the trace before the cut';
COMMENT ON COLUMN trace_curves.chunk IS 'Text between the cut before and this one';
COMMENT ON COLUMN trace_curves.leaks_answer IS 'The gold answer is in the prefix';
COMMENT ON COLUMN trace_curves.prefix_id IS 'The prefix at the cut; joins rollout_texts';
COMMENT ON COLUMN trace_curves.n IS 'Scored rollouts at the cut; 0 or NULL: nothing known';
COMMENT ON COLUMN trace_curves.n_correct IS 'Of those, with a correct final answer';
COMMENT ON COLUMN trace_curves.potential IS 'n_correct / n, or the weighted share where n_effective is given: an estimate of P(correct | prefix); NULL where nothing is known, and at the end';
COMMENT ON COLUMN trace_curves.ci_low IS 'Lower end of its 95% Jeffreys interval';
COMMENT ON COLUMN trace_curves.ci_high IS 'Upper end of its 95% Jeffreys interval';
COMMENT ON COLUMN trace_curves.value IS 'The potential; at the end of the trace its own verdict, 1 if correct and 0 if not (NULL if unscored)';
COMMENT ON COLUMN trace_curves.delta IS 'Change of the potential since the cut before; NULL if either is unknown';
COMMENT ON COLUMN trace_curves.truncated_share IS 'Share of the scored rollouts that ran out of tokens';
COMMENT ON COLUMN trace_curves.no_answer_share IS 'Share of the scored rollouts that ended without an answer';
COMMENT ON COLUMN trace_curves.n_unscored IS 'Rollouts that the grader failed on; not in n';
